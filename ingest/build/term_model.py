"""Training the model over terms and signals: a multinomial logistic regression with several right classes a lesson.

What is made small is half the cross-entropy to the right classes, the best one weighing most, and half the negative
logarithm of the probability that any of them comes first, which is what hit@1 asks for; and an L2 penalty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ingest.build.lessons import Lessons
from kb.encoder import Vector
from kb.matching.classifier import TermModel, log_softmax

PENALTY = 1 / 20  # chosen on reports that teach, by cross-validation (docs/matching.md)
ITERATIONS = 150  # a hundred more change no figure
MIN_COUNT = 3
_KEPT_STEPS = 8  # of the minimiser's memory
NUMBERS = (PENALTY, ITERATIONS, MIN_COUNT)  # other ones teach another model


def train_terms(found: Sequence[Counter[str]], lessons: Lessons) -> TermModel:
    """The model over the features `found` in each lesson; the same lessons give the same."""
    vocabulary, idf, rows = _rows(found)
    weights = _minimised(_loss(rows, lessons), (len(vocabulary) + 1, lessons.right.shape[1]))
    return TermModel(vocabulary, idf, weights[:-1], weights[-1])


def _loss(rows: Any, lessons: Lessons) -> Callable[[Vector, Vector], float]:
    """A function of weights, the last row the bias, that gives the loss and writes its slope into a second array."""
    right, shares, each = lessons.right, lessons.shares, lessons.weights[:, np.newaxis]
    columns = rows.T.tocsr()

    def loss(weights: Vector, slope: Vector) -> float:
        log_p = log_softmax(rows @ weights[:-1] + weights[-1])
        inside = (p := np.exp(log_p)) * right
        total = inside.sum(axis=1, keepdims=True) + 1e-12
        wrong = (p - (inside / total + shares) / 2) * each
        slope[:-1] = columns @ wrong + PENALTY * weights[:-1]
        slope[-1] = wrong.sum(axis=0)
        missed = -(np.log(total) + (shares * log_p).sum(axis=1, keepdims=True)) / 2
        return float((missed * each).sum() + PENALTY / 2 * np.vdot(weights[:-1], weights[:-1]))

    return loss


def _minimised(loss: Callable[[Vector, Vector], float], shape: tuple[int, int]) -> Vector:
    """The weights that make a loss smallest, from zeros.

    torch's L-BFGS keeps its vectors in float32 and takes a third of the time of SciPy's (docs/performance.md).
    """
    import torch

    parameters = torch.zeros(shape, requires_grad=True)
    parameters.grad = torch.zeros(shape)
    weights: Vector = parameters.detach().numpy()  # both share their memory with torch
    slope: Vector = parameters.grad.numpy()
    minimiser = torch.optim.LBFGS(
        [parameters], max_iter=ITERATIONS, history_size=_KEPT_STEPS, line_search_fn="strong_wolfe"
    )
    minimiser.step(lambda: torch.tensor(loss(weights, slope)))
    return weights


def _rows(found: Sequence[Counter[str]]) -> tuple[dict[str, int], Vector, Any]:
    """The vocabulary, its inverse document frequencies, and a sparse row of length 1 for each lesson."""
    from scipy.sparse import csr_matrix

    seen: Counter[str] = Counter()
    for counts in found:
        seen.update(counts.keys())
    kept = sorted(f for f, n in seen.items() if n >= MIN_COUNT)
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
    matrix = csr_matrix((np.concatenate(values), (rows, columns)), shape=(len(found), len(kept)))
    return vocabulary, idf.astype(np.float32), matrix
