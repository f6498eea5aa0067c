"""What people ask that the guidance does not answer surely, alike questions together; votes, cards, days beside it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, case, func, select

from api.records.retention import since
from api.records.tables import feedback, questions
from kb.matching.question import Text
from kb.snapshot import Snapshot

LIKE = 0.7  # cosine from which two questions count as one: paraphrases of a card's symptom lie above it
MOST_TEXTS = 300  # different questions that are compared, newest first
_SHOWN_REASONS = 5


@dataclass(frozen=True)
class Asked:
    """A question as it was asked, how often, and how well it was answered at best."""

    query: str
    times: int
    outcome: str
    confidence: float
    card: str | None
    last: str


@dataclass(frozen=True)
class Group:
    """Questions that are alike; the one asked most often stands for them."""

    questions: tuple[Asked, ...]

    @property
    def times(self) -> int:
        """How often any of them was asked."""
        return sum(q.times for q in self.questions)


@dataclass(frozen=True)
class Votes:
    """What was thought of a card (None: of an answer that had none)."""

    card: str | None
    helpful: int
    unhelpful: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Day:
    """The answers of a day (UTC) by outcome."""

    day: str
    answered: int
    uncertain: int
    no_match: int


@dataclass(frozen=True)
class Gaps:
    """Everything the report shows, for the last `days`."""

    days: int
    asked: int
    unsure: int
    groups: tuple[Group, ...]
    votes: tuple[Votes, ...]
    used: tuple[tuple[str, int], ...]
    by_day: tuple[Day, ...]


def find_gaps(engine: Engine, snapshot: Snapshot, days: int) -> Gaps:
    """The report of the last days."""
    start = since(days)
    by_day = _by_day(engine, start)
    unsure = _unsure(engine, start)
    return Gaps(
        days=days,
        asked=sum(d.answered + d.uncertain + d.no_match for d in by_day),
        unsure=sum(d.uncertain + d.no_match for d in by_day),
        groups=grouped(unsure, snapshot),
        votes=_votes(engine, start),
        used=_used(engine, start),
        by_day=by_day,
    )


def _unsure(engine: Engine, start: str) -> list[Asked]:
    t = questions.c
    query = (
        select(
            t.query,
            func.count().label("times"),
            func.max(t.outcome).label("outcome"),  # "uncertain" sorts behind "no_match"
            func.max(t.confidence).label("confidence"),
            func.max(t.card).label("card"),
            func.max(t.at).label("last"),
        )
        .where(t.at >= start, t.outcome != "answered")
        .group_by(t.query)
        .order_by(func.max(t.at).desc())
        .limit(MOST_TEXTS)
    )
    with engine.connect() as db:
        return [Asked(r.query, r.times, r.outcome, r.confidence, r.card, r.last) for r in db.execute(query)]


def grouped(asked: list[Asked], snapshot: Snapshot) -> tuple[Group, ...]:
    """Alike questions together, the most asked group first: each joins the first group whose head it is like."""
    ordered = sorted(asked, key=lambda a: (-a.times, a.query))
    groups: list[list[Asked]] = []
    heads: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    for question in ordered:
        vector = Text(question.query, snapshot).vector
        likeness = [float(head @ vector) for head in heads]
        best = int(np.argmax(likeness)) if likeness else -1
        if best >= 0 and likeness[best] >= LIKE:
            groups[best].append(question)
        else:
            groups.append([question])
            heads.append(vector)
    found = [Group(tuple(g)) for g in groups]
    return tuple(sorted(found, key=lambda g: -g.times))


def _votes(engine: Engine, start: str) -> tuple[Votes, ...]:
    t = feedback.c
    query = select(t.card, t.helpful, t.reason).where(t.at >= start).order_by(t.id.desc())
    counted: dict[str | None, tuple[int, int]] = {}
    reasons: dict[str | None, list[str]] = defaultdict(list)
    with engine.connect() as db:
        for card, helpful, reason in db.execute(query):
            up, down = counted.get(card, (0, 0))
            counted[card] = (up + bool(helpful), down + (not helpful))
            if reason and len(reasons[card]) < _SHOWN_REASONS:
                reasons[card].append(reason)
    votes = [Votes(c, up, down, tuple(reasons[c])) for c, (up, down) in counted.items()]
    return tuple(sorted(votes, key=lambda v: (-v.unhelpful, -v.helpful, v.card or "")))


def _used(engine: Engine, start: str) -> tuple[tuple[str, int], ...]:
    t = questions.c
    times = func.count().label("times")
    query = (
        select(t.card, times)
        .where(t.at >= start, t.card.is_not(None))
        .group_by(t.card)
        .order_by(times.desc(), t.card)
        .limit(20)
    )
    with engine.connect() as db:
        return tuple((r.card, r.times) for r in db.execute(query))


def _by_day(engine: Engine, start: str) -> tuple[Day, ...]:
    t = questions.c
    day = func.substr(t.at, 1, 10).label("day")
    outcomes = [func.sum(case((t.outcome == o, 1), else_=0)) for o in ("answered", "uncertain", "no_match")]
    with engine.connect() as db:
        rows = db.execute(select(day, *outcomes).where(t.at >= start).group_by(day).order_by(day))
        return tuple(Day(*row) for row in rows)


def gap_lines(gaps: Gaps) -> Iterator[str]:
    """Each group as a line of an evaluation file.

    `ambiguous_scope` keeps a line out of every figure until somebody has written what is right into `expect` and taken
    the mark away; an empty `expect` would claim that the question is out of scope.
    """
    for number, group in enumerate(gaps.groups, 1):
        first, *others = group.questions
        line = {
            "id": f"gap-{number}",
            "query": first.query,
            "style": "gap",
            "expect": [],
            "ambiguous_scope": True,
            "asked": group.times,
            "nearest": first.card,
            "like_it": [q.query for q in others],
        }
        yield json.dumps(line, ensure_ascii=False)
