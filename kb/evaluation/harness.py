"""Running labelled questions through nekb and through the plain baselines, in one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kb.answer import Signal
from kb.deciding import concluded
from kb.evaluation.metrics import (
    RANKING,
    Bin,
    Figure,
    auc,
    expected_calibration_error,
    f1,
    figure,
    hit,
    reliability,
)
from kb.evaluation.questions import LabelledQuestion
from kb.matching.cards import rank_cards
from kb.matching.classifier import NONE
from kb.matching.question import Question
from kb.snapshot import Snapshot


@dataclass(frozen=True)
class Judged:
    """What a system said of one question: card ids best first, a score for being in scope, and for nekb the rest.

    `confidence` is the probability that the first card is right.
    """

    question: LabelledQuestion
    ranked: list[str]
    score: float
    confidence: float = 0.0
    outcome: str = "answered"
    signals: list[Signal] = field(default_factory=list)


System = Callable[[LabelledQuestion], Judged]


@dataclass(frozen=True)
class Figures:
    """The figures of one system on one set of questions."""

    ranking: dict[str, Figure]
    turned_away: Figure
    wrongly_turned_away: Figure
    auc: float
    calibration_error: float
    bins: list[Bin]
    signals_f1: float | None
    count: int


def nekb_system(snapshot: Snapshot) -> System:
    """nekb itself: the outcome and the confidence are those of the answer that people see."""

    def judge(labelled: LabelledQuestion) -> Judged:
        question = Question(labelled.query, snapshot, {})
        ranked = rank_cards(question)
        decided, _ = concluded(question, ranked)
        cards = [r.id for r in ranked if r.id != NONE]
        return Judged(labelled, cards, decided.scope, decided.confidence, decided.outcome, question.signals)

    return judge


def figures(judged: Sequence[Judged], *, calibrated: bool = True) -> Figures:
    """Every figure over the judged questions; calibration only for a system whose score is a probability."""
    inside = [j for j in judged if j.question.in_scope]
    outside = [j for j in judged if not j.question.in_scope]
    answered = [j for j in judged if j.outcome != "no_match"]
    right = [hit(j.ranked, j.question.expect, 1) == 1.0 for j in answered]
    bins = reliability([j.confidence for j in answered], right) if calibrated else []
    return Figures(
        ranking={
            name: figure([metric(j.ranked, j.question.expect) for j in inside]) for name, metric in RANKING.items()
        },
        turned_away=figure([float(j.outcome == "no_match") for j in outside]),
        wrongly_turned_away=figure([float(j.outcome == "no_match") for j in inside]),
        auc=auc([j.score for j in inside], [j.score for j in outside]),
        calibration_error=expected_calibration_error(bins),
        bins=bins,
        signals_f1=signals_f1(judged),
        count=len(judged),
    )


def by(judged: Sequence[Judged], key: Callable[[LabelledQuestion], str]) -> dict[str, Figures]:
    """The figures per group, such as per style or per topic."""
    groups: dict[str, list[Judged]] = {}
    for j in judged:
        groups.setdefault(key(j.question), []).append(j)
    return {name: figures(group) for name, group in sorted(groups.items())}


def signals_f1(judged: Sequence[Judged]) -> float | None:
    """F1 over domain, code, API, OS and platform of the questions that are labelled with signals."""
    found = wanted = common = 0
    labelled = [(labels, j.signals) for j in judged if (labels := j.question.signals) is not None]
    if not labelled:
        return None
    for labels, signals in labelled:
        want = _labels(labels)
        # An API that something implies is no claim about the text: it can be right, not wrong.
        claimed = [s for s in signals if not (s.implied and s.kind == "api")]
        have = (_read(claimed) | (_read(signals) & want)) - _symbols(labels, want)
        found, wanted, common = found + len(have), wanted + len(want), common + len(have & want)
    return f1(found, wanted, common)


_COUNTED = ("domain", "code", "api", "os", "platform")


def _read(signals: Sequence[Signal]) -> set[tuple[str, str]]:
    out: set[tuple[str, str]] = set()
    for s in signals:
        if s.kind == "error":
            out |= {("domain", s.domain.lower())} if s.domain else set()
            out |= {("code", str(s.code))} if s.code is not None else set()
        elif s.kind == "api":
            out |= {("api", part) for part in _parts(s.value)}
        elif s.kind in ("os", "platform"):
            out.add((s.kind, s.value.lower()))
    return out


def _parts(api: str) -> set[str]:
    """A type and its member apart, without the arguments: `A.b(c:)` is `a` and `b`, `b:c:` is `b`."""
    return set(api.lower().split("(")[0].split(":")[0].split("."))


def _symbols(labels: dict[str, Any], want: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Names that a label files as symbols and not as APIs: to read them is neither asked for nor wrong."""
    symbols = labels.get("symbol", [])
    return {("api", p) for s in (symbols if isinstance(symbols, list) else [symbols]) for p in _parts(str(s))} - want


def _labels(labels: dict[str, Any]) -> set[tuple[str, str]]:
    out = set()
    for key, value in labels.items():
        name = {"error_domain": "domain"}.get(key, key)
        if name in _COUNTED:
            values = value if isinstance(value, list) else [value]
            for v in values:
                out |= {("api", p) for p in _parts(str(v))} if name == "api" else {(name, str(v).lower())}
    return out
