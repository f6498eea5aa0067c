"""Feedback: votes on answers, which become evaluation questions and never change a ranking by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Engine, insert, select

from api.records.clock import now
from api.records.redaction import redacted, shortened
from api.records.tables import feedback
from kb.asking import readable
from kb.surrogates import without_surrogates


def keep_feedback(
    engine: Engine,
    *,
    query: str,
    helpful: bool,
    surface: str,
    card: str | None = None,
    reason: str | None = None,
    expected: str | None = None,
    snapshot: str | None = None,
) -> None:
    """Keep one vote, on what `ask` read. Raises `BadInputError` where that is nothing."""
    row = {
        "at": now(),
        "query": redacted(shortened(readable(query), 20_000)),
        "card": card,
        "helpful": helpful,
        "surface": surface,
        "reason": redacted(shortened(without_surrogates(reason), 2_000)) if reason else None,
        "expected": expected,
        "snapshot": snapshot,
    }
    with engine.begin() as db:
        db.execute(insert(feedback).values(**row))


def evaluation_lines(engine: Engine) -> Iterator[str]:
    """Votes as labelled questions: a helpful card, or the one named as right, is what is expected."""
    with engine.connect() as db:
        for row in db.execute(select(feedback).order_by(feedback.c.id)).mappings():
            right = row["expected"] or (row["card"] if row["helpful"] else None)
            if right:
                yield json.dumps(
                    {"id": f"feedback-{row['id']}", "query": row["query"], "style": "feedback", "expect": [right]},
                    ensure_ascii=False,
                )
