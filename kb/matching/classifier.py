"""The classifier: two models over the cards and one of scope, trained at build time on the cards' phrasings.

One reads the question's terms and signals, the others its vector. `NONE` is the class of questions that are not ours.
Training lives in `ingest.build`; this is the part that a question needs.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kb.answer import Signal

if TYPE_CHECKING:
    from kb.encoder import Vector

NONE = "none"


def features(terms: list[str], signals: Iterable[Signal]) -> Counter[str]:
    """The sparse features of a question: those of its terms and those of its signals, of which none is the same."""
    return term_features(terms) + signal_features(signals)


def term_features(terms: list[str]) -> Counter[str]:
    """Terms and pairs of neighbouring terms."""
    found = Counter(terms)
    found.update(f"{a} {b}" for a, b in pairwise(terms))
    return found


def signal_features(signals: Iterable[Signal]) -> Counter[str]:
    """Signals by kind and value, and the domains of errors."""
    found: Counter[str] = Counter()
    for s in signals:
        found[f"={s.kind}:{s.value.lower()}"] += 1
        if s.kind == "error" and s.domain:
            found[f"=domain:{s.domain.lower()}"] += 1
    return found


@dataclass(frozen=True)
class Weighed:
    """What some sparse features say for each class (`sums`), and the square of their length, by which it is divided."""

    sums: Vector
    square: float


@dataclass(frozen=True)
class TermModel:
    """A linear model over terms and signals: a weight for each of the `vocabulary` and each class."""

    vocabulary: dict[str, int]
    idf: Vector
    weights: Vector
    bias: Vector

    def weigh(self, found: Counter[str]) -> Weighed:
        """Weigh a part of a question's features; a feature that was not taught weighs nothing."""
        known = [(self.vocabulary[f], n) for f, n in found.items() if f in self.vocabulary]
        if not known:
            return Weighed(np.zeros_like(self.bias), 0.0)
        columns = np.array([c for c, _ in known])
        values = np.array([1.0 + math.log(n) for _, n in known], dtype=np.float32) * self.idf[columns]
        weights = self.weights[columns].astype(np.float32)
        return Weighed(np.einsum("i,ij->j", values, weights), float(np.vecdot(values, values)))

    def of(self, *parts: Weighed) -> Vector:
        """Log-probability of each class from the parts of a question's features."""
        length = max(math.sqrt(sum(part.square for part in parts)), 1e-9)
        return log_softmax(np.sum([part.sums for part in parts], axis=0) / np.float32(length) + self.bias)


@dataclass(frozen=True)
class VectorModel:
    """A network of one hidden layer of rectified units over a vector."""

    hidden_weights: Vector
    hidden_bias: Vector
    weights: Vector
    bias: Vector

    def of(self, vector: Vector) -> Vector:
        """Log-probability of each class."""
        hidden = np.maximum(np.einsum("i,ij->j", vector, self.hidden_weights) + self.hidden_bias, 0.0)
        return log_softmax(np.einsum("i,ij->j", hidden, self.weights) + self.bias)

    def write(self, folder: Path, name: str) -> None:
        """Write both layers into a folder."""
        np.save(folder / f"{name}-hidden.npy", np.vstack([self.hidden_weights, self.hidden_bias]).astype(np.float32))
        np.save(folder / f"{name}-out.npy", np.vstack([self.weights, self.bias]).astype(np.float32))

    @classmethod
    def read(cls, folder: Path, name: str) -> VectorModel:
        """The network that was written under a name."""
        hidden, out = np.load(folder / f"{name}-hidden.npy"), np.load(folder / f"{name}-out.npy")
        return cls(hidden[:-1], hidden[-1], out[:-1], out[-1])


@dataclass(frozen=True)
class CardClassifier:
    """The models; `classes` are card ids and `NONE`, in the order of the columns of `terms` and `vectors`.

    `scope` has two classes, ours and not. Products go through `einsum`, which stays on one thread: these are too small
    to share.
    """

    classes: list[str]
    terms: TermModel
    vectors: VectorModel
    scope: VectorModel

    def not_ours(self, vector: Vector) -> float:
        """The log-odds that a question is not ours, by its vector."""
        ours, foreign = self.scope.of(vector)
        return float(foreign - ours)

    def write(self, folder: Path) -> None:
        """Write the models into a folder."""
        folder.mkdir(parents=True)
        terms = self.terms
        self.vectors.write(folder, "cards")
        self.scope.write(folder, "scope")
        np.save(folder / "sparse.npy", terms.weights.astype(np.float16))
        np.save(folder / "idf.npy", np.vstack([terms.idf]).astype(np.float32))
        np.save(folder / "bias.npy", terms.bias.astype(np.float32))
        names = {"classes": self.classes, "vocabulary": list(terms.vocabulary)}
        (folder / "names.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> CardClassifier:
        """The classifier of a snapshot."""
        names = json.loads((folder / "names.json").read_bytes())
        vocabulary = {f: i for i, f in enumerate(names["vocabulary"])}
        sparse, bias = np.load(folder / "sparse.npy"), np.load(folder / "bias.npy")
        return cls(
            classes=names["classes"],
            terms=TermModel(vocabulary, np.load(folder / "idf.npy")[0], sparse, bias),
            vectors=VectorModel.read(folder, "cards"),
            scope=VectorModel.read(folder, "scope"),
        )


def log_softmax(scores: Vector) -> Vector:
    """Log-probabilities of scores on a log-odds scale, along the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float32)
