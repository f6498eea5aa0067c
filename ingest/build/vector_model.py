"""Training the network over vectors: one hidden layer, on vectors with noise, so that it learns what is near them too.

What is made small is what the lessons miss; what keeps it from learning by heart is the noise, half of the hidden units
left out at each step (dropout: Srivastava et al., 2014) and weights that decay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingest.build.lessons import Lessons
from kb.encoder import Vector
from kb.matching.classifier import VectorModel

if TYPE_CHECKING:
    import torch

HIDDEN = 1024
SCOPE_HIDDEN = 256  # to tell two classes more bring nothing (docs/matching.md)
NOISE = 0.5  # of the typical size of a vector's component
LEFT_OUT = 0.5
EPOCHS = 15
BATCH = 128
RATE = 2e-3  # the highest of the one-cycle schedule
DECAY = 1e-2
SEED = 7
NUMBERS = (HIDDEN, SCOPE_HIDDEN, NOISE, LEFT_OUT, EPOCHS, BATCH, RATE, DECAY, SEED)  # other ones teach another model


def train_vectors(vectors: Vector, lessons: Lessons, hidden: int = HIDDEN) -> VectorModel:
    """The network of so many hidden units over the vectors (lessons, dimensions); the same lessons give the same."""
    import torch

    dimensions, classes = vectors.shape[1], lessons.right.shape[1]
    scale = float(np.sqrt(dimensions))  # a component of a unit vector is of the size 1 then, as a layer expects it
    chance = torch.Generator().manual_seed(SEED)
    layers = [*_layer(dimensions, hidden, chance), *_layer(hidden, classes, chance)]
    _learn(layers, torch.from_numpy(vectors) * scale, lessons, chance)
    units, units_bias, weights, bias = (layer.detach().numpy() for layer in layers)
    return VectorModel(units * np.float32(scale), units_bias, weights, bias)


def _layer(inputs: int, outputs: int, chance: torch.Generator) -> list[torch.Tensor]:
    """Weights and bias of a layer that has learned nothing yet."""
    import torch

    spread = inputs**-0.5
    weights = (torch.rand(inputs, outputs, generator=chance) * 2 - 1) * spread
    return [weights.requires_grad_(), torch.zeros(outputs, requires_grad=True)]


def _learn(layers: list[torch.Tensor], vectors: torch.Tensor, lessons: Lessons, chance: torch.Generator) -> None:
    import torch

    typical = float(lessons.weights.mean())
    steps = EPOCHS * -(-len(vectors) // BATCH)
    optimiser = torch.optim.AdamW(layers, lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(vectors), generator=chance).split(BATCH):
            missed = lessons.missed(_noisily(layers, vectors[batch], chance), batch)
            optimiser.zero_grad()
            (missed.mean() / typical).backward()
            optimiser.step()
            schedule.step()


def _noisily(layers: list[torch.Tensor], vectors: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Log-probabilities from vectors with noise, through half of the hidden units."""
    import torch

    hidden_weights, hidden_bias, weights, bias = layers
    noisy = vectors + NOISE * torch.randn(vectors.shape, generator=chance)
    hidden = torch.relu(noisy @ hidden_weights + hidden_bias)
    kept = torch.rand(hidden.shape, generator=chance) > LEFT_OUT
    return torch.log_softmax(hidden * kept / (1 - LEFT_OUT) @ weights + bias, 1)
