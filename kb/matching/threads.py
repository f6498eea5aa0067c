"""Ranking threads: dense and lexical scores mixed, several passages of a thread counted once, good answers first."""

from __future__ import annotations

from dataclasses import dataclass

from kb.documents import Head
from kb.filters import EVERYTHING, Filters
from kb.matching.question import Question

DEPTH = 60
DENSE_SHARE = 0.6  # of the mix; the rest is lexical (docs/matching.md)
LIKELY = 0.5  # a mixed score from here on is shown
ANSWERED_BONUS = 0.03  # an accepted or Apple answer before an unanswered twin
_EXCERPT = 240


@dataclass(frozen=True)
class RankedThread:
    """A document like the question; `score` mixes cosine and saturated BM25, 0 to about 1."""

    head: Head
    score: float
    dense: float
    lexical: float
    excerpt: str


def rank_threads(question: Question, limit: int) -> list[RankedThread]:
    """The documents most like the question, each once, best first."""
    return mixed_ranking(question, DEPTH, limit)


def mixed_ranking(question: Question, depth: int, limit: int, filters: Filters = EVERYTHING) -> list[RankedThread]:
    """Documents by the mix of both legs, `depth` passages deep, those that the filters let through.

    Where the dense leg cannot answer, the lexical one ranks alone and the question says that it is degraded.
    """
    space = question.snapshot.documents
    dense = question.nearest(depth, filters)
    share = 0.0 if question.degraded else DENSE_SHARE
    lexical = dict(space.lexical.search(question.read.terms, depth))
    saturation = 8.0 + 1.5 * len(set(question.read.terms))  # a BM25 score of a passage that shares most terms
    by_owner: dict[str, tuple[float, float, float, str]] = {}
    for row, (owner, text) in space.passages(dense.keys() | lexical.keys()).items():
        d, x = max(dense.get(row, 0.0), 0.0), min(lexical.get(row, 0.0) / saturation, 1.0)
        found = (share * d + (1 - share) * x, d, x, text)
        by_owner[owner] = max(by_owner.get(owner, found), found)
    heads = question.snapshot.heads(by_owner)
    ranked = [_thread(head, *by_owner[id]) for id, head in heads.items() if filters.keep(head)]
    ranked.sort(key=lambda r: (-r.score, r.head.id))
    return ranked[:limit]


def _thread(head: Head, mixed: float, dense: float, lexical: float, text: str) -> RankedThread:
    bonus = ANSWERED_BONUS if head.accepted or head.apple_replied else 0.0
    return RankedThread(head, min(mixed + bonus, 1.0), dense, lexical, excerpt(text))


def excerpt(text: str) -> str:
    """The first sentence or two of a passage, cut at a word."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXCERPT else flat[:_EXCERPT].rsplit(" ", 1)[0] + " …"
