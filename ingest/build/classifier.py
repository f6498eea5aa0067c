"""Training the classifier on the cards' phrasings: logistic regression over vectors, and over terms and signals."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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
MAX_ITERATIONS = 300  # it takes about 100
_MIN_COUNT = 3


@dataclass(frozen=True)
class Example:
    """A phrasing with the card it belongs to (or `NONE`), its sparse features, and how much it weighs.

    Where it has no vector, only its features teach.
    """

    label: str
    vector: Vector | None
    features: Counter[str]
    weight: float = 1.0


def write_classifier(
    lessons: list[Passage],
    vectors: Vector,
    inputs: Inputs,
    encoder: str,
    folder: Path,
    earlier: Iterable[tuple[Path, Manifest]],
) -> str:
    """Train and write the classifier, or take over an earlier snapshot's that was taught the same; return its hash.

    `vectors` are those of the first lessons, made by `encoder`; the others teach by their features alone. To read the
    features takes seconds, so it is done only where they are needed.
    """
    cards = [card.id for card in inputs.cards]
    taught = _hash(lessons, cards, inputs.tables, encoder)
    for snapshot, manifest in earlier:
        if manifest.classifier == taught:
            shutil.copytree(snapshot / "classifier", folder)
            return taught
    tables = SignalTables.from_json(inputs.tables)
    train([e for p, v in zip_longest(lessons, vectors) for e in examples_of(p, v, tables)], cards).write(folder)
    return taught


def _hash(lessons: Iterable[Passage], cards: list[str], tables: Mapping[str, Any], encoder: str) -> str:
    """The hash of all that teaches: the lessons, what reads signals in them, and what makes their vectors."""
    settings = [DENSE_C, SPARSE_C, MAX_ITERATIONS, REPORTED, ALSO, _MIN_COUNT, cards, tables, encoder, SCHEMA]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for p in lessons:
        digest.update(json.dumps([p.owner, p.text, p.embedded, p.also, p.reported], ensure_ascii=False).encode())
    return digest.hexdigest()


def examples_of(lesson: Passage, vector: Vector | None, tables: SignalTables) -> list[Example]:
    """What a passage teaches: the card that it belongs to, and for less those that would help too."""
    found = features(terms(lesson.text), read_signals(lesson.text, tables))
    weight = REPORTED if lesson.reported else 1.0
    further = [Example(id, vector, found, weight * ALSO) for id in lesson.also]
    return [Example(lesson.owner, vector, found, weight), *further]


def train(examples: list[Example], cards: list[str]) -> CardClassifier:
    """Fit both models. The same examples give the same weights."""
    classes = [*cards, NONE]
    labels = np.array([classes.index(e.label) for e in examples])
    weights = np.array([e.weight for e in examples])
    there = [at for at, e in enumerate(examples) if e.vector is not None]
    vectors = np.vstack([e.vector for e in examples if e.vector is not None])
    dense_w, dense_b = _fit(vectors, labels[there], weights[there], len(classes), DENSE_C)
    vocabulary, idf, matrix = _sparse_matrix(examples)
    sparse_w, sparse_b = _fit(matrix, labels, weights, len(classes), SPARSE_C)
    return CardClassifier(classes, dense_w, dense_b, vocabulary, idf, sparse_w, sparse_b)


def _fit(
    x: object, labels: npt.NDArray[np.int64], weights: npt.NDArray[np.float64], classes: int, c: float
) -> tuple[Vector, Vector]:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=c, max_iter=MAX_ITERATIONS, tol=1e-4, class_weight="balanced")
    with threadpool_limits(1):  # the products are small: a second thread waits more than it works
        model.fit(x, labels, sample_weight=weights)
    columns = np.zeros((model.coef_.shape[1], classes), dtype=np.float32)
    bias = np.full(
        classes, float(model.intercept_.min()) - 5.0, dtype=np.float32
    )  # a class nobody taught stays unlikely
    columns[:, model.classes_] = model.coef_.T
    bias[model.classes_] = model.intercept_
    return columns, bias


def _sparse_matrix(examples: list[Example]) -> tuple[dict[str, int], Vector, object]:
    from scipy.sparse import csr_matrix

    seen: Counter[str] = Counter()
    for e in examples:
        seen.update(e.features.keys())
    kept = sorted(f for f, n in seen.items() if n >= _MIN_COUNT)
    vocabulary = {f: i for i, f in enumerate(kept)}
    idf = np.log((1 + len(examples)) / (1 + np.array([seen[f] for f in kept], dtype=np.float32))) + 1
    rows, columns, values = [], [], []
    for row, e in enumerate(examples):
        known = sorted((vocabulary[f], n) for f, n in e.features.items() if f in vocabulary)
        raw = np.array([(1 + np.log(n)) * idf[c] for c, n in known])
        norm = max(float(np.linalg.norm(raw)), 1e-9) if known else 1.0
        rows += [row] * len(known)
        columns += [c for c, _ in known]
        values += list(raw / norm)
    # float32 takes a sixth off the training
    matrix = csr_matrix((values, (rows, columns)), shape=(len(examples), len(kept)), dtype=np.float32)
    return vocabulary, idf.astype(np.float32), matrix
