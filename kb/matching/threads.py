"""Ranking threads: dense and lexical scores mixed, several passages of a thread counted once, good answers first.

Both scores have a meaning of their own, so that their mix can be cut: the cosine, and BM25 against the highest score
that the question's terms could reach. What was tried, with figures, is in docs/threads.md.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from kb.documents import Head, fold
from kb.filters import EVERYTHING, Filters
from kb.matching.question import Question
from kb.snapshot import Space

DEPTH = 60
DENSE_SHARE = 0.5  # of the mix; the rest is lexical
LIKELY = 0.3  # a mix from here on is shown: of questions that are not ours, one in fifty has a thread there
LIKELY_BY_WORDS = (
    0.15  # the same, where words alone could be asked: one question in four of ours has one, none of others
)
ANSWERED = 0.05  # an accepted or Apple answer before an unanswered twin
CANONICAL = 0.03  # what Apple's replies link to, in full from 31 documents on
OUTDATED = 0.02  # taken from what is far older than the newest that was found; half of it at two years
ALIKE = 0.8  # of their words in common: two passages say the same
_EXCERPT = 240


@dataclass(frozen=True)
class RankedThread:
    """A document like the question.

    `score`, 0 to 1, is the mix of `dense` (cosine) and `lexical` (scaled BM25) with the document's `standing`;
    `by_words` says that the dense leg could not be asked.
    """

    head: Head
    score: float
    dense: float
    lexical: float
    standing: float
    excerpt: str
    by_words: bool = False

    @property
    def likely(self) -> bool:
        """Whether it is like the question at all; its standing does not make it so."""
        return self.score - self.standing >= (LIKELY_BY_WORDS if self.by_words else LIKELY)


def rank_threads(question: Question, limit: int) -> list[RankedThread]:
    """The documents most like the question, each once, best first."""
    return mixed_ranking(question, DEPTH, limit)


def mixed_ranking(question: Question, depth: int, limit: int, filters: Filters = EVERYTHING) -> list[RankedThread]:
    """Documents by the mix of both legs, `depth` passages deep, those that the filters let through.

    Where the dense leg cannot answer, the lexical one ranks alone and the question says that it is degraded.
    """
    space = question.snapshot.documents
    dense, lexical = question.nearest(depth, filters), question.by_words(depth)
    share = 0.0 if question.degraded else DENSE_SHARE
    found = best_passages(space.owners_of(dense.keys() | lexical.keys()), dense, lexical, share)
    heads = question.heads(_worth_a_look(found, space.lifts, limit) if filters == EVERYTHING else found)
    kept = {number: head for number, head in heads.items() if filters.keep(head)}
    standing = standings(kept)
    order = sorted(kept, key=lambda number: (-found[number].score - standing[number], kept[number].id))
    ranked = _each_once([(kept[number], found[number], standing[number]) for number in order], space, limit)
    return [replace(r, by_words=True) for r in ranked] if question.degraded else ranked


class Match(NamedTuple):
    """A passage with its mixed score, those of both legs, and its row."""

    score: float
    dense: float
    lexical: float
    row: int


def best_passages(
    owners: Mapping[int, int], dense: Mapping[int, float], lexical: Mapping[int, float], share: float = DENSE_SHARE
) -> dict[int, Match]:
    """The best passage of each document, by the cosine and the share of BM25 of each row; `owners` has them all."""
    best: dict[int, Match] = {}
    for row, owner in owners.items():
        d, x = max(dense.get(row, 0.0), 0.0), lexical.get(row, 0.0)
        found = Match(share * d + (1 - share) * x, d, x, row)
        best[owner] = max(best.get(owner, found), found)
    return best


def standings(heads: Mapping[int, Head]) -> dict[int, float]:
    """What each document's answers, the links to it and its age add to its score, by number."""
    days = {number: day for number, head in heads.items() if (day := _day(head))}
    newest = max(days.values(), default=None)
    found = {}
    for number, head in heads.items():
        years = (newest - days[number]).days / 365 if newest and number in days else 0.0
        found[number] = lift_of(head) - OUTDATED * (1 - 0.5 ** (years / 2))
    return found


def lift_of(head: Head) -> float:
    """What a document's answers and the links to it add to its score, whatever else was found."""
    answered = ANSWERED if head.accepted or head.apple_replied else 0.0
    return answered + CANONICAL * min(math.log2(1 + head.weight) / 5, 1.0)


def _day(head: Head) -> dt.date | None:
    try:
        return dt.date.fromisoformat((head.updated or "")[:10])
    except ValueError:
        return None


def _worth_a_look(found: Mapping[int, Match], lifts: Sequence[float], limit: int) -> list[int]:
    """The documents that may come among the first, whatever their age; twice as many, for some may be alike."""
    score = {number: match.score + lifts[number] for number, match in found.items()}
    order = sorted(score, key=lambda number: -score[number])
    if len(order) <= 2 * limit:
        return order
    border = score[order[2 * limit - 1]] - OUTDATED
    return [number for number in order if score[number] >= border]


def _each_once(ranked: list[tuple[Head, Match, float]], space: Space, limit: int) -> list[RankedThread]:
    """The first `limit`, without those whose passage says what an earlier one's says."""
    kept: list[RankedThread] = []
    said: list[frozenset[str]] = []
    texts: dict[int, str] = {}
    for at, (head, match, standing) in enumerate(ranked):
        if len(kept) == limit:
            break
        if match.row not in texts:
            texts |= space.texts([match.row for _, match, _ in ranked[at : at + limit]])
        text = texts[match.row]
        words = frozenset(fold(text).split())
        if any(_alike(words, other) for other in said):
            continue
        said.append(words)
        score = min(max(match.score + standing, 0.0), 1.0)
        kept.append(RankedThread(head, score, match.dense, match.lexical, standing, excerpt(text)))
    return kept


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two texts have nearly all their words in common; a handful of words says too little to tell."""
    return len(one) >= 8 and len(one & other) >= ALIKE * len(one | other)


def excerpt(text: str) -> str:
    """The first sentence or two of a passage, cut at a word."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXCERPT else flat[:_EXCERPT].rsplit(" ", 1)[0] + " …"
