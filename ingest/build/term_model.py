"""Training the model over terms and signals: a multinomial logistic regression with several right classes a lesson.

What is made small is what the lessons miss, and an L2 penalty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ingest.build.lessons import Lessons
from kb.encoder import Vector
from kb.matching.classifier import TermModel

PENALTY = 1 / 20  # chosen on reports that teach, by cross-validation (docs/matching.md)
ITERATIONS = 150  # a hundred more change no figure
MIN_COUNT = 3
_KEPT_STEPS = 8  # of the minimiser's memory
NUMBERS = (PENALTY, ITERATIONS, MIN_COUNT)  # other ones teach another model


def train_terms(found: Sequence[Counter[str]], lessons: Lessons) -> TermModel:
    """The model over the features `found` in each lesson; the same lessons give the same."""
    vocabulary, idf, rows = _rows(found)
    weights = _minimised(rows, lessons)
    return TermModel(vocabulary, idf, weights[:-1], weights[-1])


def _minimised(rows: Any, lessons: Lessons) -> Vector:
    """The weights (features and a last row, the bias, by classes) that miss least, from zeros.

    torch's L-BFGS keeps its vectors in float32 and takes a third of the time of SciPy's (docs/performance.md).
    """
    import torch

    shape = (rows.shape[1] + 1, lessons.right.shape[1])
    parameters = torch.zeros(shape, requires_grad=True)
    parameters.grad = torch.zeros(shape)
    weights: Vector = parameters.detach().numpy()  # both share their memory with torch
    slope: Vector = parameters.grad.numpy()
    columns = rows.T.tocsr()

    def loss() -> torch.Tensor:
        # SciPy's sparse products, forth and back, take two thirds of the time of torch's.
        scores = torch.from_numpy(rows @ weights[:-1] + weights[-1]).requires_grad_()
        missed = lessons.missed(torch.log_softmax(scores, 1)).sum()
        (wrong,) = torch.autograd.grad(missed, scores)
        slope[:-1] = columns @ wrong.numpy() + PENALTY * weights[:-1]
        slope[-1] = wrong.sum(0).numpy()
        return missed.detach() + PENALTY / 2 * float(np.vdot(weights[:-1], weights[:-1]))

    torch.optim.LBFGS([parameters], max_iter=ITERATIONS, history_size=_KEPT_STEPS, line_search_fn="strong_wolfe").step(
        loss
    )
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
