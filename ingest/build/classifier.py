"""Training the classifier on the cards' phrasings: logistic regression over vectors, and over terms and signals."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ingest.build.inputs import Inputs
from kb.documents import Passage
from kb.encoder import Vector
from kb.lexical import terms
from kb.matching.classifier import NONE, CardClassifier, features
from kb.signals import SignalTables, read_signals
from kb.snapshot import SCHEMA, Manifest

DENSE_C = 20.0  # inverse of the L2 penalty; chosen on the tuning questions (docs/matching.md)
SPARSE_C = 30.0
# What a trouble that somebody really had weighs against one that was thought up, and the share of either that teaches a
# further card; both chosen by cross-validation (docs/matching.md).
REPORTED = 3.0
ALSO = 0.5
MAX_ITERATIONS = 300  # it takes about 90
TOLERANCE = 2e-4  # half of it takes a third longer and ranks alike
_MIN_COUNT = 3


class Training:
    """What teaches a snapshot's classifier, and where an earlier snapshot was taught the same, its classifier.

    The model of terms needs no vector, so it can be trained before there are any.
    """

    def __init__(
        self, lessons: Sequence[Passage], inputs: Inputs, encoder: str, earlier: Iterable[tuple[Path, Manifest]]
    ) -> None:
        """`encoder` names what makes the lessons' vectors; `earlier` are the snapshots of before."""
        self._lessons = lessons
        self._tables = inputs.tables
        self._classes = [*(card.id for card in inputs.cards), NONE]
        self.hash = _hash(lessons, self._classes, inputs.tables, encoder)
        self._same = next((folder for folder, manifest in earlier if manifest.classifier == self.hash), None)

    def learn_terms(self) -> TermModel | None:
        """The model over terms and signals; None where an earlier classifier is taken over."""
        if self._same is not None:
            return None
        tables = SignalTables.from_json(self._tables)
        found = [features(terms(p.text), read_signals(p.text, tables)) for p in self._lessons]
        return train_terms(examples_of(self._lessons), found, self._classes)

    def write(self, learnt: TermModel | None, vectors: Vector, folder: Path) -> None:
        """Write the classifier, of which `learn_terms` gave a part.

        `vectors` are those of the first lessons; the others teach by their terms alone.
        """
        if learnt is None:
            assert self._same is not None
            shutil.copytree(self._same / "classifier", folder)
            return
        dense = train_vectors(examples_of(self._lessons[: len(vectors)]), vectors, self._classes)
        sparse = (learnt.weights, learnt.bias)
        CardClassifier(self._classes, *dense, learnt.vocabulary, learnt.idf, *sparse).write(folder)


def _hash(lessons: Iterable[Passage], classes: list[str], tables: Mapping[str, Any], encoder: str) -> str:
    """The hash of all that teaches: the lessons, what reads signals in them, and what makes their vectors."""
    numbers = [DENSE_C, SPARSE_C, MAX_ITERATIONS, TOLERANCE, REPORTED, ALSO, _MIN_COUNT]
    digest = hashlib.sha256(json.dumps([numbers, classes, tables, encoder, SCHEMA], sort_keys=True).encode())
    for p in lessons:
        digest.update(json.dumps([p.owner, p.text, p.embedded, p.also, p.reported], ensure_ascii=False).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Example:
    """That the lesson of a number is of a card, or of `NONE`, and how much that weighs."""

    lesson: int
    label: str
    weight: float = 1.0


def examples_of(lessons: Iterable[Passage]) -> list[Example]:
    """What passages teach: the card that each belongs to, and for less those that would help too."""
    found = []
    for number, p in enumerate(lessons):
        weight = REPORTED if p.reported else 1.0
        found.append(Example(number, p.owner, weight))
        found += [Example(number, id, weight * ALSO) for id in p.also]
    return found


@dataclass(frozen=True)
class TermModel:
    """The part of a classifier that reads terms and signals: a weight for each of the `vocabulary` and each class."""

    vocabulary: dict[str, int]
    idf: Vector
    weights: Vector
    bias: Vector


def train_vectors(examples: Sequence[Example], vectors: Vector, classes: list[str]) -> tuple[Vector, Vector]:
    """Weights (dimensions, classes) and bias over the vectors of the lessons; the same examples give the same."""
    return _fit(vectors[[e.lesson for e in examples]], examples, classes, DENSE_C)


def train_terms(examples: Sequence[Example], found: Sequence[Counter[str]], classes: list[str]) -> TermModel:
    """The model over the features `found` in each lesson; the same examples give the same."""
    vocabulary, idf, matrix = _sparse_matrix(found)
    return TermModel(vocabulary, idf, *_fit(matrix[[e.lesson for e in examples]], examples, classes, SPARSE_C))


def _fit(x: Any, examples: Sequence[Example], classes: list[str], c: float) -> tuple[Vector, Vector]:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    labels = np.array([classes.index(e.label) for e in examples])
    weights = np.array([e.weight for e in examples])
    model = LogisticRegression(C=c, max_iter=MAX_ITERATIONS, tol=TOLERANCE, class_weight="balanced")
    with threadpool_limits(1):  # the products are small: a second thread waits more than it works
        model.fit(x, labels, sample_weight=weights)
    columns = np.zeros((model.coef_.shape[1], len(classes)), dtype=np.float32)
    bias = np.full(
        len(classes), float(model.intercept_.min()) - 5.0, dtype=np.float32
    )  # a class nobody taught stays unlikely
    columns[:, model.classes_] = model.coef_.T
    bias[model.classes_] = model.intercept_
    return columns, bias


def _sparse_matrix(found: Sequence[Counter[str]]) -> tuple[dict[str, int], Vector, Any]:
    """The vocabulary, its inverse document frequencies, and a row of length 1 for each lesson."""
    from scipy.sparse import csr_matrix

    seen: Counter[str] = Counter()
    for counts in found:
        seen.update(counts.keys())
    kept = sorted(f for f, n in seen.items() if n >= _MIN_COUNT)
    vocabulary = {f: i for i, f in enumerate(kept)}
    idf = np.log((1 + len(found)) / (1 + np.array([seen[f] for f in kept], dtype=np.float32))) + 1
    rows: list[int] = []
    columns: list[int] = []
    values: list[Vector] = []
    for row, counts in enumerate(found):
        known = sorted((vocabulary[f], n) for f, n in counts.items() if f in vocabulary)
        raw = np.array([(1 + np.log(n)) * idf[c] for c, n in known], dtype=np.float32)
        rows += [row] * len(known)
        columns += [c for c, _ in known]
        values.append(raw / max(float(np.linalg.norm(raw)), 1e-9))
    # in float32 the training takes a sixth less
    matrix = csr_matrix((np.concatenate(values), (rows, columns)), shape=(len(found), len(kept)))
    return vocabulary, idf.astype(np.float32), matrix
