"""Deciding: how sure, which outcome, what is missing.

Scores are not thresholds: confidence is a logistic of five named figures, fitted on labelled questions in scope and
out of it, and the two borders of the outcome are chosen on its scale (docs/matching.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from kb.answer import Missing, Outcome
from kb.matching.cards import RankedCard, rank_cards
from kb.matching.classifier import NONE
from kb.matching.question import Question
from kb.matching.weights import Weights

MAX_QUESTIONS = 2
_OPTIONS: dict[str, tuple[str, ...]] = {
    "platform": ("iOS", "macOS"),
    "distribution": ("xcode", "testflight", "app-store", "ad-hoc", "developer-id"),
    "supervision": ("unmanaged", "supervised"),
}
_ASK = {
    "platform": "Which platform is this on?",
    "distribution": "How was this build distributed?",
    "supervision": "Is the device supervised or managed?",
    "error": "Which error domain does the code belong to?",
}


def confidence_features(ranked: list[RankedCard]) -> dict[str, float]:
    """The five figures that confidence is read from."""
    none = next(r for r in ranked if r.id == NONE)
    cards = [r for r in ranked if r.id != NONE]
    best, second = cards[0], cards[1] if len(cards) > 1 else None
    return {
        "best": _logit(best.probability),
        "margin": min(best.score - second.score, 8.0) if second else 8.0,
        "none": min(max(none.score - best.score, -8.0), 8.0),
        "similar": best.features["dense_max"],
        "identified": float(best.identified),
    }


def confidence(ranked: list[RankedCard], weights: Weights) -> float:
    """The calibrated probability that the first card is a right one."""
    figures = confidence_features(ranked)
    logit = weights.intercept + sum(weights.confidence.get(k, 0.0) * v for k, v in figures.items())
    return 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0)))


def outcome_of(sure: float, ranked: list[RankedCard], weights: Weights) -> Outcome:
    """`no_match` where the question is foreign or nothing is likely; `answered` above the upper border."""
    if ranked[0].id == NONE or sure < weights.no_match_below:
        return "no_match"
    return "answered" if sure >= weights.answered_from else "uncertain"


def missing_for(question: Question, ranked: list[RankedCard]) -> list[Missing]:
    """What would change the first card: each unnamed fact is tried with its values, and asked for when it matters."""
    named = question.named()
    asked = []
    unresolved = [s for s in question.signals if s.kind == "error" and s.domain is None]
    if unresolved:
        asked.append(_missing_domain(question, unresolved[0].code))
    first = next(r.id for r in ranked if r.id != NONE)
    for kind, values in _OPTIONS.items():
        if kind in named or len(asked) >= MAX_QUESTIONS or ranked[0].probability > 0.97:
            continue
        changed = [v for v in values if _first_with(question, {kind: v}) != first]
        if changed:
            asked.append(Missing(signal=kind, question=_ASK[kind], options=list(values)))
    return asked[:MAX_QUESTIONS]


def _missing_domain(question: Question, code: int | None) -> Missing:
    tables = question.snapshot.signals
    knows = [d.name for d in tables.domains.values() if code in d.cases and d.visibility == "public"]
    return Missing(signal="error", question=_ASK["error"], options=knows[:8])


def _first_with(question: Question, extra: Mapping[str, str]) -> str:
    return next(r.id for r in rank_cards(question.with_given(extra)) if r.id != NONE)


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
