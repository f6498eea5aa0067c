"""Searching documents: the same two legs as an answer's threads, with filters and pages."""

from __future__ import annotations

from kb.filters import Filters
from kb.matching.question import Question
from kb.matching.threads import RankedThread, mixed_ranking
from kb.snapshot import Snapshot

DEPTH = 400  # passages a leg gives before filters


def search(
    query: str, snapshot: Snapshot, filters: Filters, limit: int, offset: int = 0
) -> tuple[list[RankedThread], bool]:
    """Documents like the query that pass the filters, best first, and whether there are more."""
    ranked = mixed_ranking(Question(query, snapshot, {}), DEPTH, offset + limit + 1, filters)
    return ranked[offset : offset + limit], len(ranked) > offset + limit
