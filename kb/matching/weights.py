"""Weights of the ranking, and the two calibrations of what comes of it, fitted on labelled questions.

They live in `data/ranking.json` with the figures of the fit; `kb.evaluation.fit` writes them (docs/matching.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.once import Once

Values = npt.NDArray[np.float64]

FEATURES = (
    "dense_max",
    "dense_top3",
    "dense_text",
    "lexical_text",
    "lexical_phrasing",
    "classifier_dense",
    "classifier_sparse",
    "scope_dense",
    "code",
    "domain",
    "api",
    "entitlement",
    "log",
    "term",
    "table",
    "platform_conflict",
    "distribution",
    "supervision",
    "packaging",
    "none",
    "ours",
    "foreign",
)
FIGURES = ("best", "margin", "none", "similar", "nearer_none", "not_ours", "identified")


def in_order(ranking: Mapping[str, float]) -> Values:
    """Ranking weights in the order of `FEATURES`; a feature that has none weighs nothing."""
    return np.array([ranking.get(name, 0.0) for name in FEATURES])


@dataclass(frozen=True)
class Logistic:
    """A probability from the named `FIGURES` of a ranking."""

    weights: dict[str, float]
    intercept: float

    def of(self, figures: Mapping[str, float]) -> float:
        """The probability."""
        logit = self.intercept + sum(self.weights.get(name, 0.0) * value for name, value in figures.items())
        return 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0)))


@dataclass(frozen=True)
class Weights:
    """Ranking weights by feature; what confidence and being in scope are read from; the borders of both."""

    ranking: dict[str, float]
    confidence: Logistic
    scope: Logistic
    answered_from: float
    no_match_below: float

    @Once
    def by_feature(self) -> Values:
        """The ranking weights in the order of `FEATURES`."""
        return in_order(self.ranking)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Weights:
        """The weights of `data/ranking.json` or of a snapshot."""
        return cls(
            raw["ranking"],
            Logistic(**raw["confidence"]),
            Logistic(**raw["scope"]),
            raw["answered_from"],
            raw["no_match_below"],
        )
