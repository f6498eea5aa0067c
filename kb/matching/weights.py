"""Weights of the ranking and the calibration of confidence, fitted on labelled questions.

They live in `data/ranking.json` with the figures of the fit; `kb.evaluation.fit` writes them (docs/matching.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FEATURES = (
    "dense_max",
    "dense_top3",
    "dense_text",
    "lexical_text",
    "lexical_phrasing",
    "classifier_dense",
    "classifier_sparse",
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
CONFIDENCE_FEATURES = ("best", "margin", "none", "similar", "identified")


@dataclass(frozen=True)
class Weights:
    """Ranking weights by feature; the logistic calibration of confidence; the two thresholds of the outcome."""

    ranking: dict[str, float]
    confidence: dict[str, float]
    intercept: float
    answered_from: float
    no_match_below: float

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Weights:
        """The weights of `data/ranking.json` or of a snapshot."""
        return cls(**{k: raw[k] for k in ("ranking", "confidence", "intercept", "answered_from", "no_match_below")})
