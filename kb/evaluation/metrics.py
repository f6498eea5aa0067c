"""Figures of merit, each with the definition it follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
_SEED = 20260318


@dataclass(frozen=True)
class Figure:
    """A mean with its 95 % interval from a bootstrap over questions, and the number of questions."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def figure(values: Sequence[float]) -> Figure:
    """The mean of per-question values with its bootstrap interval."""
    if not values:
        return Figure(math.nan, math.nan, math.nan, 0)
    data = np.array(values, dtype=float)
    draws = np.random.default_rng(_SEED).integers(0, len(data), (_RESAMPLES, len(data)))
    means = data[draws].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(float(data.mean()), float(low), float(high), len(data))


def hit(ranked: Sequence[str], expect: Sequence[str], depth: int) -> float:
    """1 where an acceptable card is among the first `depth`."""
    return float(any(id in expect for id in ranked[:depth]))


def reciprocal_rank(ranked: Sequence[str], expect: Sequence[str]) -> float:
    """One over the rank of the first acceptable card, 0 where there is none."""
    return next((1 / (at + 1) for at, id in enumerate(ranked) if id in expect), 0.0)


def ndcg(ranked: Sequence[str], expect: Sequence[str], depth: int = 10) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002); cards gain 3, 2, then 1 in their order."""
    gains = {id: max(3 - at, 1) for at, id in enumerate(expect)}
    got = sum(gains.get(id, 0) / math.log2(at + 2) for at, id in enumerate(ranked[:depth]))
    ideal = sum(g / math.log2(at + 2) for at, g in enumerate(sorted(gains.values(), reverse=True)[:depth]))
    return got / ideal if ideal else 0.0


def auc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """The chance that a question in scope scores above one out of scope (Mann-Whitney), ties counted half."""
    if not inside or not outside:
        return math.nan
    a, b = np.array(inside)[:, None], np.array(outside)[None, :]
    return float((a > b).mean() + 0.5 * (a == b).mean())


@dataclass(frozen=True)
class Bin:
    """A bin of the reliability diagram: mean confidence, share that was right, number of questions."""

    confidence: float
    right: float
    count: int


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Equal-width bins of confidence that hold any question."""
    found = []
    for at in range(bins):
        low, high = at / bins, (at + 1) / bins
        inside = [
            (c, r) for c, r in zip(confidences, right, strict=True) if low <= c < high or (at == bins - 1 and c == 1)
        ]
        if inside:
            count = len(inside)
            found.append(Bin(sum(c for c, _ in inside) / count, sum(r for _, r in inside) / count, count))
    return found


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The mean gap between confidence and accuracy over the bins, weighted by their size (Naeini et al., 2015)."""
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.confidence - b.right) for b in bins) / total if total else math.nan


def f1(found: int, wanted: int, common: int) -> float:
    """The harmonic mean of precision and recall over counts."""
    return 2 * common / (found + wanted) if found + wanted else 1.0


Metric = Callable[[Sequence[str], Sequence[str]], float]
RANKING: dict[str, Metric] = {
    "hit@1": lambda ranked, expect: hit(ranked, expect, 1),
    "hit@3": lambda ranked, expect: hit(ranked, expect, 3),
    "best@3": lambda ranked, expect: float(expect[0] in ranked[:3]),
    "MRR": reciprocal_rank,
    "nDCG@10": ndcg,
}
