"""Deciding: how sure, which outcome, what is missing.

Scores are not thresholds. Two logistics of seven named figures of the ranking, fitted on labelled questions in scope
and out of it, say how likely the first card is a right one (confidence) and how likely the question is ours at all
(scope); the borders of the outcome are chosen on their scales (docs/matching.md).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kb.answer import Missing, Outcome
from kb.matching.candidates import COLUMN
from kb.matching.cards import RankedCard, rank_cards
from kb.matching.classifier import NONE
from kb.matching.features import OURS
from kb.matching.question import Question
from kb.matching.weights import Weights
from kb.signals.tables import SYSTEM

MAX_QUESTIONS = 2
_MAX_OPTIONS = 6
_SHORT = 10  # terms
_SURE = 0.97  # of the first card: what is asked beyond costs more time than it changes answers
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


def figures_of(ranked: list[RankedCard]) -> dict[str, float]:
    """The seven figures of a ranking that confidence and scope are read from.

    `similar` and `nearer_none` are cosines: that of the first card, and by how much what is not ours is nearer than
    any card. `not_ours` is the log-odds that the vector alone gives for that.
    """
    none = next(r for r in ranked if r.id == NONE)
    cards = [r for r in ranked if r.id != NONE]
    best, second = cards[0], cards[1] if len(cards) > 1 else None
    return {
        "best": _logit(best.probability),
        "margin": min(best.score - second.score, 8.0) if second else 8.0,
        "none": min(max(none.score - best.score, -8.0), 8.0),
        "similar": _cosine(best),
        "nearer_none": _cosine(none) - max(map(_cosine, cards)),
        "not_ours": min(max(float(none.values[COLUMN["scope_dense"]]), -8.0), 8.0),
        "identified": float(best.identified),
    }


@dataclass(frozen=True, slots=True)
class Decision:
    """What a ranking comes to.

    `confidence` is the calibrated probability that the first card is a right one, `scope` that the question is ours,
    whichever card is the right one; both are read from the `figures`.
    """

    figures: dict[str, float]
    confidence: float
    scope: float
    outcome: Outcome


def decide(ranked: list[RankedCard], weights: Weights) -> Decision:
    """`no_match` where the question is hardly ours; else `answered` from a border of confidence on.

    An exact code with its domain is ours whatever the words around it are like.
    """
    figures = figures_of(ranked)
    sure, ours = weights.confidence.of(figures), weights.scope.of(figures)
    outcome: Outcome = "answered" if sure >= weights.answered_from else "uncertain"
    if ours < weights.no_match_below:
        outcome = "uncertain" if any(r.identified for r in ranked) else "no_match"
    return Decision(figures, sure, ours, outcome)


def concluded(question: Question, ranked: list[RankedCard]) -> tuple[Decision, list[Missing]]:
    """What the ranking of a question comes to in its answer, and what is asked beside it."""
    weights = question.snapshot.weights
    decided = decide(ranked, weights)
    missing = missing_for(question, ranked, decided.outcome)
    return unsettled(decided, question, missing, weights), missing


def unsettled(decided: Decision, question: Question, missing: list[Missing], weights: Weights) -> Decision:
    """Not answered while the domain of a bare code is asked for: with another one another card would come first.

    Nor where one word of the field is all that was said: it fits its card well, and says nothing of the trouble.
    """
    settled = not any(m.signal == "error" for m in missing) and not _hardly_a_question(question)
    if decided.outcome != "answered" or settled:
        return decided
    return replace(decided, outcome="uncertain", confidence=min(decided.confidence, weights.answered_from - 0.01))


def _hardly_a_question(question: Question) -> bool:
    """Whether the text is a single word that identifies nothing."""
    named = any(s.kind in ("error", *OURS) and not s.implied for s in question.signals)
    return len(set(question.read.terms)) <= 1 and not named


def missing_for(question: Question, ranked: list[RankedCard], outcome: Outcome) -> list[Missing]:
    """What would change the first card: each fact that is not named is tried with its values, at most two are asked.

    The domain of a bare code comes first: nothing else tells as much. It is all that is asked where nothing was
    found. What was given is never asked again.
    """
    if outcome == "no_match":
        return _missing_domain(question, ranked, "") if _hardly_more_than_a_code(question, ranked) else []
    first = _first_card(ranked)
    named = question.named()
    asked = _missing_domain(question, ranked, first)
    for kind in _OPTIONS:
        if len(asked) == MAX_QUESTIONS:
            break
        if kind in named or kind in question.given or ranked[0].probability > _SURE:
            continue
        values = _options(kind, named.get("platform", []))
        if any(_first_with(question, {kind: v}) not in ("", first) for v in values):
            asked.append(Missing(signal=kind, question=_ASK[kind], options=list(values)))
    return asked


def _options(kind: str, platforms: list[str]) -> tuple[str, ...]:
    """The values to choose from on the platforms that are known: supervision is for iOS, Developer ID for a Mac."""
    if not platforms:
        return _OPTIONS[kind]
    if kind == "supervision" and "iOS" not in platforms:
        return ()
    return tuple(v for v in _OPTIONS[kind] if v != "developer-id" or "macOS" in platforms)


def _hardly_more_than_a_code(question: Question, ranked: list[RankedCard]) -> bool:
    """Whether the text is short and names nothing of somebody else's: a longer one would have said what it is about."""
    foreign = next(r.features["foreign"] for r in ranked if r.id == NONE)
    return not foreign and len(question.read.terms) <= _SHORT


def _missing_domain(question: Question, ranked: list[RankedCard], first: str) -> list[Missing]:
    """The question for the domain of a code that stands bare, where a domain would change the first card.

    `first` is the first card's id, empty where nothing was found.
    """
    code = next((s.code for s in question.signals if s.kind == "error" and s.domain is None), None)
    if code is None or "error" in question.given:
        return []
    options = _domains_of(code, question, ranked)
    changes = any(_first_with(question, {"error": f"{name} {code}"}) not in ("", first) for name in options)
    return [Missing(signal="error", question=_ASK["error"], options=options)] if changes else []


def _domains_of(code: int, question: Question, ranked: list[RankedCard]) -> list[str]:
    """The domains that know a code, as options: public ones first, those of a topic that is likely here before others.

    What only logs show, and what lies beneath, is left out: who has such a code has its domain beside it.
    """
    likely: dict[str, float] = defaultdict(float)
    for r in ranked:
        if r.id != NONE:
            likely[question.snapshot.cards[r.id].topic] += r.probability
    domains = question.snapshot.signals.domains.values()
    knows = [d for d in domains if code in d.cases and d.visibility not in ("private", SYSTEM)]
    knows.sort(key=lambda d: (d.visibility != "public", -round(likely.get(d.topic, 0.0), 2)))
    return [d.name for d in knows[:_MAX_OPTIONS]]


def _first_with(question: Question, extra: Mapping[str, str]) -> str:
    """The first card's id with one more fact, empty where nothing would be found."""
    ranked = rank_cards(question.with_given(extra))
    found = decide(ranked, question.snapshot.weights).outcome != "no_match"
    return _first_card(ranked) if found else ""


def _first_card(ranked: list[RankedCard]) -> str:
    return next(r.id for r in ranked if r.id != NONE)


def _cosine(ranked: RankedCard) -> float:
    """That of the question and the nearest of what people tell of a card."""
    return float(ranked.values[COLUMN["dense_max"]])


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
