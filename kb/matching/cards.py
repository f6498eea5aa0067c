"""Ranking guidance cards: the named features of every card, weighted, and a reason for each.

Several passages of one card count once, through its best and its three best. An exact identifier, a code with its
domain, has a lane of its own: its card is always among the first three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kb.matching.candidates import COLUMN, Matrix
from kb.matching.classifier import NONE
from kb.matching.question import Question
from kb.matching.weights import FEATURES, Values

LANE = 3


@dataclass(slots=True)
class RankedCard:
    """A card, or `NONE`, with the values of its features, its score (log-odds scale) and the reasons in words."""

    id: str
    values: Matrix
    score: float
    probability: float
    why: list[str] = field(default_factory=list)

    @property
    def features(self) -> dict[str, float]:
        """The values by the names of their features."""
        return dict(zip(FEATURES, self.values.tolist(), strict=True))

    @property
    def identified(self) -> bool:
        """Whether an exact code with its domain points here."""
        return bool(self.values[COLUMN["code"]] > 0)


def rank_cards(question: Question) -> list[RankedCard]:
    """Every card and the class of foreign questions, best first, with probabilities that sum to one."""
    told, text = question.told, question.read
    values = told.values + text.by_terms + text.by_vector
    return order(told.layout.ids, values, question.snapshot.weights.by_feature, told.why)


def order(ids: Sequence[str], values: Matrix, weights: Values, why: Mapping[str, list[str]]) -> list[RankedCard]:
    """Score candidates by their features (candidates, features), best first, with the identifier lane kept.

    Of candidates with the same score the one that comes first stays first.
    """
    scores = values @ weights
    odds = np.exp(scores - scores.max())
    probabilities = (odds / odds.sum()).tolist()
    best = np.argsort(-scores, kind="stable").tolist()
    found = scores.tolist()
    return with_lane([RankedCard(ids[n], values[n], found[n], probabilities[n], why.get(ids[n], [])) for n in best])


def with_lane(ordered: list[RankedCard]) -> list[RankedCard]:
    """Move the best identified card into the first three where it is not there by itself."""
    cards = [r for r in ordered if r.id != NONE]
    exact = next((r for r in cards if r.identified), None)
    if exact is None or exact in cards[:LANE]:
        return ordered
    ordered.remove(exact)
    third = cards[LANE - 1]
    ordered.insert(ordered.index(third), exact)
    return ordered
