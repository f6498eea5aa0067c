"""Searching documents: the same two legs as an answer's threads, with filters and pages."""

from __future__ import annotations

from dataclasses import dataclass

from kb.filters import Filters
from kb.matching.question import Question
from kb.matching.threads import RankedThread, mixed_ranking
from kb.snapshot import Snapshot

DEPTH = 400  # passages a leg gives before filters


@dataclass(frozen=True)
class Found:
    """One page of a search, and whether there are more; `degraded_reason` where it was by words alone."""

    documents: list[RankedThread]
    more: bool
    degraded_reason: str | None = None


def search(query: str, snapshot: Snapshot, filters: Filters, limit: int, offset: int = 0) -> Found:
    """Documents like the query that pass the filters, best first."""
    question = Question(query, snapshot, {})
    ranked = mixed_ranking(question, DEPTH, offset + limit + 1, filters)
    reason = question.degraded.sentence if question.degraded else None
    return Found(ranked[offset : offset + limit], len(ranked) > offset + limit, reason)
