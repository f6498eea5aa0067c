"""The classifier: two linear models over the cards, trained at build time on the cards' phrasings.

One reads the question's vector, the other its terms and signals. `NONE` is the class of questions that are not ours.
Training lives in `ingest.build.classifier`; this is the part that a question needs.
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
class CardClassifier:
    """Weights of both models; `classes` are card ids and `NONE`, in the order of the columns.

    Products go through `einsum`, which stays on one thread: these are too small to share.
    """

    classes: list[str]
    dense_weights: Vector
    dense_bias: Vector
    vocabulary: dict[str, int]
    idf: Vector
    sparse_weights: Vector
    sparse_bias: Vector

    def dense(self, vector: Vector) -> Vector:
        """Log-probability of each class from the question's vector."""
        return _log_softmax(np.einsum("i,ij->j", vector, self.dense_weights) + self.dense_bias)

    def weigh(self, found: Counter[str]) -> Weighed:
        """Weigh a part of a question's features; a feature that was not taught weighs nothing."""
        known = [(self.vocabulary[f], n) for f, n in found.items() if f in self.vocabulary]
        if not known:
            return Weighed(np.zeros_like(self.sparse_bias), 0.0)
        columns = np.array([c for c, _ in known])
        values = np.array([1.0 + math.log(n) for _, n in known], dtype=np.float32) * self.idf[columns]
        weights = self.sparse_weights[columns].astype(np.float32)
        return Weighed(np.einsum("i,ij->j", values, weights), float(np.vecdot(values, values)))

    def sparse(self, terms: Weighed, signals: Weighed) -> Vector:
        """Log-probability of each class from the question's terms and signals."""
        length = max(math.sqrt(terms.square + signals.square), 1e-9)
        return _log_softmax((terms.sums + signals.sums) / np.float32(length) + self.sparse_bias)

    def write(self, folder: Path) -> None:
        """Write both models into a folder."""
        folder.mkdir(parents=True)
        np.save(folder / "dense.npy", np.vstack([self.dense_weights, self.dense_bias]).astype(np.float32))
        np.save(folder / "sparse.npy", self.sparse_weights.astype(np.float16))
        np.save(folder / "idf.npy", np.vstack([self.idf]).astype(np.float32))
        np.save(folder / "bias.npy", self.sparse_bias.astype(np.float32))
        names = {"classes": self.classes, "vocabulary": list(self.vocabulary)}
        (folder / "names.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> CardClassifier:
        """The classifier of a snapshot."""
        names = json.loads((folder / "names.json").read_bytes())
        dense = np.load(folder / "dense.npy")
        return cls(
            classes=names["classes"],
            dense_weights=dense[:-1],
            dense_bias=dense[-1],
            vocabulary={f: i for i, f in enumerate(names["vocabulary"])},
            idf=np.load(folder / "idf.npy")[0],
            sparse_weights=np.load(folder / "sparse.npy"),
            sparse_bias=np.load(folder / "bias.npy"),
        )


def _log_softmax(scores: Vector) -> Vector:
    shifted = scores - scores.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), dtype=np.float32)
