"""What the lessons of a classifier teach: which cards are right for each, how much that weighs, what is yet missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kb.documents import Passage
from kb.encoder import Vector
from kb.matching.classifier import NONE

if TYPE_CHECKING:
    import torch

_EVERY = slice(None)
_OURS = "ours"

# All three are chosen by cross-validation (docs/matching.md): what a trouble that somebody really had weighs against
# one that was thought up, and the part of a right card that one is which would help as well.
REPORTED = 3.0
ALSO = 0.5
# How far classes are brought to the same weight: 1 is wholly, as if all cards were asked for alike, 0 not at all.
BALANCE = 0.75


@dataclass(frozen=True)
class Lessons:
    """How right each class is for each lesson (lessons, classes), from 0 to 1, and what the lessons weigh."""

    right: Vector
    weights: Vector

    @property
    def shares(self) -> Vector:
        """The right classes of each lesson as a distribution."""
        return np.asarray(self.right / self.right.sum(axis=1, keepdims=True), dtype=np.float32)

    def missed(self, log_p: torch.Tensor, which: slice | torch.Tensor = _EVERY) -> torch.Tensor:
        """What a model that gives the log-probabilities (lessons, classes) misses of each lesson, by its weight.

        Half is the cross-entropy to the right classes, the best one weighing most, and half the negative logarithm of
        the probability that any of them comes first, which is what hit@1 asks for.
        """
        import torch

        right, shares, weights = (tensor[which] for tensor in self._tensors)
        any_right = torch.log((right * log_p.exp()).sum(1) + 1e-12)
        return -(any_right + (shares * log_p).sum(1)) / 2 * weights

    @cached_property
    def _tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        import torch

        return torch.from_numpy(self.right), torch.from_numpy(self.shares), torch.from_numpy(self.weights)


def lessons_of(passages: Sequence[Passage], classes: Sequence[str]) -> Lessons:
    """What passages teach: the card that each belongs to, and for less those that would help too.

    The less a class was taught, the more each of its lessons weighs: what is rare must not drown.
    """
    at = {id: column for column, id in enumerate(classes)}
    right = np.zeros((len(passages), len(classes)), dtype=np.float32)
    weights = np.array([REPORTED if p.reported else 1.0 for p in passages], dtype=np.float32)
    for row, p in enumerate(passages):
        right[row, [at[id] for id in p.also]] = ALSO
        right[row, at[p.owner]] = 1.0
    taught = weights @ right
    balance = (taught.mean() / np.maximum(taught, 1.0)) ** BALANCE
    return Lessons(right, np.asarray(weights * balance[[at[p.owner] for p in passages]], dtype=np.float32))


def scope_lessons(passages: Sequence[Passage]) -> Lessons:
    """What passages teach of scope alone: that a question is ours, whichever the card, or that it is not."""
    ours = [p if p.owner == NONE else replace(p, owner=_OURS, also=()) for p in passages]
    return lessons_of(ours, (_OURS, NONE))
