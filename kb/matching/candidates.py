"""The candidates of a question, every card and the class of foreign questions, and their features as one matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kb.matching.weights import FEATURES

if TYPE_CHECKING:
    from kb.encoder import Vector

Matrix = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
COLUMN = {name: at for at, name in enumerate(FEATURES)}


@dataclass(frozen=True)
class Groups:
    """Passages by candidate: `rows` of the guidance space, those of a candidate side by side from its start on."""

    candidates: Index
    rows: Index
    starts: Index
    group: Index  # of each of the rows, as an index into `candidates`

    @classmethod
    def of(cls, groups: dict[int, list[int]]) -> Groups:
        """The groups of some rows by candidate."""
        sizes = [len(rows) for rows in groups.values()]
        return cls(
            np.array(list(groups), dtype=np.intp),
            np.array([row for rows in groups.values() for row in rows], dtype=np.intp),
            np.cumsum([0, *sizes[:-1]], dtype=np.intp),
            np.repeat(np.arange(len(sizes)), sizes),
        )

    def best(self, scores: Vector, count: int = 1) -> list[Vector]:
        """The best scores of each group, the highest first; -inf where a group has fewer passages."""
        left = scores.take(self.rows)
        found = []
        for _ in range(count):
            most = np.maximum.reduceat(left, self.starts)
            found.append(most)
            at = np.flatnonzero(left == most[self.group])
            first = np.searchsorted(self.group[at], np.arange(len(most)))  # one of those that score alike
            left[at[first]] = -np.inf
        return found


@dataclass(frozen=True)
class Layout:
    """What all questions to a snapshot have in common: the candidates, by id, and whose each passage is."""

    ids: list[str]
    at: dict[str, int]
    owners: list[int]  # the candidate of each passage
    is_asked: list[bool]  # whether a passage is a question itself
    asked: Groups
    told: Groups
    classes: Index  # the candidate of each class of the classifier

    @classmethod
    def of(cls, passages: Sequence[tuple[str, bool]], ids: Iterable[str], classes: Iterable[str]) -> Layout:
        """The layout of some cards' passages; each has its owner and whether it is a question itself."""
        ordered = sorted(ids)
        at = {id: n for n, id in enumerate(ordered)}
        asked: dict[int, list[int]] = {}
        told: dict[int, list[int]] = {}
        for row, (owner, is_asked) in enumerate(passages):
            (asked if is_asked else told).setdefault(at[owner], []).append(row)
        return cls(
            ordered,
            at,
            [at[owner] for owner, _ in passages],
            [is_asked for _, is_asked in passages],
            Groups.of(asked),
            Groups.of(told),
            np.array([at[id] for id in classes], dtype=np.intp),
        )

    def nothing(self) -> Matrix:
        """The features of candidates of which nothing is known."""
        return np.zeros((len(self.ids), len(FEATURES)))

    def put_classes(self, values: Matrix, feature: str, found: Vector) -> None:
        """Write what a classifier says of its classes; a card that it was not taught gets its lowest."""
        values[:, COLUMN[feature]] = found.min()
        values[self.classes, COLUMN[feature]] = found


class Candidates:
    """What is known of the candidates of one question: `values` (candidates, features), and reasons in words by id."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.values = layout.nothing()
        self.why: defaultdict[str, list[str]] = defaultdict(list)

    def set(self, id: str, feature: str, value: float) -> None:
        """Give a candidate a feature."""
        self.values[self.layout.at[id], COLUMN[feature]] = value

    def add(self, id: str, feature: str, value: float) -> None:
        """More of a feature."""
        self.values[self.layout.at[id], COLUMN[feature]] += value

    def count(self, ids: Iterable[str], feature: str, reason: str) -> None:
        """One more of a feature for some candidates, and why."""
        for id in ids:
            self.add(id, feature, 1.0)
            if reason not in self.why[id]:
                self.why[id].append(reason)
