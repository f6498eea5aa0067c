"""Ranking threads: dense and lexical scores mixed, several passages of a thread counted once, good answers first.

Both scores have a meaning of their own, so that their mix can be cut: the cosine, and BM25 against the highest score
that the question's terms could reach. What was tried, with figures, is in docs/threads.md.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from kb.documents import Head, fold
from kb.filters import EVERYTHING, Filters
from kb.matching.question import Question
from kb.snapshot import Space

Numbers = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]

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
UNDATED = -1  # of a day
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
        return self.score - self.standing >= _least(self.by_words)


def _least(by_words: bool) -> float:
    """The mix from which on a document is likely."""
    return LIKELY_BY_WORDS if by_words else LIKELY


def rank_threads(question: Question, limit: int, *, likely: bool = False) -> list[RankedThread]:
    """The documents most like the question, each once, best first; on demand only the likely ones."""
    return mixed_ranking(question, DEPTH, limit, likely=likely)


def mixed_ranking(
    question: Question, depth: int, limit: int, filters: Filters = EVERYTHING, *, likely: bool = False
) -> list[RankedThread]:
    """Documents by the mix of both legs, `depth` passages deep, those that the filters let through.

    Where the dense leg cannot answer, the lexical one ranks alone and the question says that it is degraded.
    """
    space = question.snapshot.documents
    dense, lexical = question.nearest(depth, filters), question.by_words(depth)
    by_words = question.degraded is not None
    found = best_passages(space, dense, lexical, 0.0 if by_words else DENSE_SHARE)
    if filters != EVERYTHING:
        heads = question.snapshot.heads(found.numbers.tolist())
        found = found.only([filters.keep(heads[number]) for number in found.numbers.tolist()])
    standing = standings(space.lifts[found.numbers], space.days[found.numbers])
    order = np.argsort(-found.scores - standing, kind="stable")
    if likely:
        order = order[found.scores[order] >= _least(by_words)]
    return _each_once(found, standing, order, question, limit)


@dataclass(frozen=True)
class Matches:
    """The best passage of each document that was found: parallel arrays in the order of the documents' numbers.

    `scores` is the mix of `dense` and `lexical`; `rows` are the passages.
    """

    numbers: Numbers
    scores: Scores
    dense: Scores
    lexical: Scores
    rows: Numbers

    def only(self, kept: Sequence[bool]) -> Matches:
        """Those that are to be kept."""
        return Matches(*(getattr(self, f.name)[np.array(kept, dtype=bool)] for f in fields(self)))


def best_passages(
    space: Space, dense: Mapping[int, float], lexical: Mapping[int, float], share: float = DENSE_SHARE
) -> Matches:
    """The best passage of each document, by the cosine and the share of BM25 of each row."""
    rows = np.array([*dense.keys() | lexical.keys()], dtype=np.int64)
    d = np.array([max(dense.get(row, 0.0), 0.0) for row in rows.tolist()])
    x = np.array([lexical.get(row, 0.0) for row in rows.tolist()])
    mixed = share * d + (1 - share) * x
    best = np.lexsort((rows, -mixed))  # of passages that score alike the one that comes first in its document
    numbers, at = np.unique(space.numbers[rows[best]], return_index=True)
    first = best[at]
    return Matches(numbers, mixed[first], d[first], x[first], rows[first])


def standings(lifts: Scores, days: Numbers) -> Scores:
    """What documents' answers, the links to them and their age add to their scores; a day is `UNDATED` or counted."""
    dated = days != UNDATED
    newest = days.max(initial=UNDATED)
    years = np.where(dated, newest - days, 0) / 365
    found: Scores = lifts - OUTDATED * (1 - 0.5 ** (years / 2))
    return found


def lift_of(head: Head) -> float:
    """What a document's answers and the links to it add to its score, whatever else was found."""
    answered = ANSWERED if head.accepted or head.apple_replied else 0.0
    return answered + CANONICAL * min(math.log2(1 + head.weight) / 5, 1.0)


def day_of(head: Head) -> int:
    """The day of what was last said in a document, counted from the first of January of the year 1, or `UNDATED`."""
    try:
        return dt.date.fromisoformat((head.updated or "")[:10]).toordinal()
    except ValueError:
        return UNDATED


def _each_once(found: Matches, standing: Scores, order: Numbers, question: Question, limit: int) -> list[RankedThread]:
    """The first `limit`, without those whose passage says what an earlier one's says."""
    kept: list[RankedThread] = []
    said: list[frozenset[str]] = []
    for start in range(0, len(order), limit):
        some = order[start : start + limit]
        texts = question.snapshot.documents.texts(found.rows[some].tolist())
        heads = question.snapshot.heads(found.numbers[some].tolist())
        for at in some.tolist():
            text = texts[int(found.rows[at])]
            words = frozenset(fold(text).split())
            if any(_alike(words, other) for other in said):
                continue
            said.append(words)
            kept.append(
                RankedThread(
                    heads[int(found.numbers[at])],
                    min(max(float(found.scores[at] + standing[at]), 0.0), 1.0),
                    float(found.dense[at]),
                    float(found.lexical[at]),
                    float(standing[at]),
                    excerpt(text),
                    by_words=question.degraded is not None,
                )
            )
            if len(kept) == limit:
                return kept
    return kept


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two texts have nearly all their words in common; a handful of words says too little to tell."""
    return len(one) >= 8 and len(one & other) >= ALIKE * len(one | other)


def excerpt(text: str) -> str:
    """The first sentence or two of a passage, cut at a word."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXCERPT else flat[:_EXCERPT].rsplit(" ", 1)[0] + " …"
