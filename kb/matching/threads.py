"""Ranking threads: dense and lexical scores mixed, several passages of a thread counted once, good answers first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
    best = sorted(_best_passages(question, depth, filters).items(), key=lambda item: -item[1].score)
    if filters == EVERYTHING and len(best) > limit:  # no bonus lifts a document from below here to among the first
        border = best[limit - 1][1].score - ANSWERED_BONUS
        best = [(owner, p) for owner, p in best if p.score >= border]
    found = dict(best)
    heads = question.snapshot.heads(found)
    ranked = [(_with_bonus(found[id].score, head), head) for id, head in heads.items() if filters.keep(head)]
    ranked.sort(key=lambda r: (-r[0], r[1].id))
    return [_thread(question, head, score, found[head.id]) for score, head in ranked[:limit]]


class _Passage(NamedTuple):
    score: float
    dense: float
    lexical: float
    row: int


def _best_passages(question: Question, depth: int, filters: Filters) -> dict[str, _Passage]:
    """The best passage of each document that a leg found."""
    space = question.snapshot.documents
    dense = question.nearest(depth, filters)
    share = 0.0 if question.degraded else DENSE_SHARE
    lexical = dict(space.lexical.search(question.read.terms, depth))
    saturation = 8.0 + 1.5 * len(set(question.read.terms))  # a BM25 score of a passage that shares most terms
    best: dict[str, _Passage] = {}
    for row, owner in space.owners_of(dense.keys() | lexical.keys()).items():
        d, x = max(dense.get(row, 0.0), 0.0), min(lexical.get(row, 0.0) / saturation, 1.0)
        found = _Passage(share * d + (1 - share) * x, d, x, row)
        best[owner] = max(best.get(owner, found), found)
    return best


def _with_bonus(score: float, head: Head) -> float:
    return min(score + (ANSWERED_BONUS if head.accepted or head.apple_replied else 0.0), 1.0)


def _thread(question: Question, head: Head, score: float, p: _Passage) -> RankedThread:
    return RankedThread(head, score, p.dense, p.lexical, excerpt(question.snapshot.documents.text(p.row)))


def excerpt(text: str) -> str:
    """The first sentence or two of a passage, cut at a word."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXCERPT else flat[:_EXCERPT].rsplit(" ", 1)[0] + " …"
