"""Ranking guidance cards: named features of every card, weighted, and a reason for each.

Several passages of one card count once, through its best and its three best. An exact identifier, a code with its
domain, has a lane of its own: its card is always among the first three.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from kb.answer import Signal
from kb.guidance.card import Card
from kb.matching.classifier import NONE, features
from kb.matching.pointers import FOREIGN, Pointers
from kb.matching.question import Question, Text
from kb.signals.tables import SignalTables
from kb.snapshot import ASKED

if TYPE_CHECKING:
    from kb.encoder import Vector

LEXICAL_DEPTH = 200
LANE = 3
_OURS = ("api", "entitlement", "log", "wrapper", "phrase", "plist")


@dataclass
class RankedCard:
    """A card with its features, its score (log-odds scale) and the reasons in words; `NONE` ranks beside the cards."""

    id: str
    features: dict[str, float] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)
    score: float = 0.0
    probability: float = 0.0

    @property
    def identified(self) -> bool:
        """Whether an exact code with its domain points here."""
        return self.features.get("code", 0.0) > 0


def rank_cards(question: Question) -> list[RankedCard]:
    """Every card and the class of foreign questions, best first, with probabilities that sum to one."""
    snapshot = question.snapshot
    ranked = {id: RankedCard(id, dict(found)) for id, found in question.read.similarity.items()}
    _classified(question, ranked)
    _signals(ranked, question.signals, snapshot.pointers)
    for id, term in question.read.decisive:
        _count(ranked, (id,), "term", f"“{term}” in the text")
    _tables(question.signals, snapshot.signals, ranked)
    ranked[NONE].features |= {"none": 1.0, **_whose(question.signals, snapshot.signals)}
    return order(ranked.values(), snapshot.weights.ranking)


def _whose(signals: Iterable[Signal], tables: SignalTables) -> dict[str, float]:
    """How much of the text is ours and how much somebody else's, as features of the class of foreign questions."""
    named = [s for s in signals if not s.implied]
    ours = {s.value for s in named if s.kind in _OURS or _of_a_domain(s, tables)}
    foreign = {s.value for s in named if s.kind == "foreign" or (s.kind == "platform" and s.value in FOREIGN)}
    foreign |= {s.value for s in named if s.kind == "error" and s.domain and not _of_a_domain(s, tables)}
    return {"ours": math.log1p(len(ours)), "foreign": math.log1p(len(foreign))}


def _of_a_domain(s: Signal, tables: SignalTables) -> bool:
    """Whether an error is of a domain that the tables know."""
    return s.kind == "error" and s.domain is not None and tables.domain_named(s.domain) is not None


def similarity(text: Text) -> dict[str, dict[str, float]]:
    """The dense and the lexical features of every card and of the class of foreign questions."""
    found: dict[str, dict[str, float]] = {id: {} for id in (*text.snapshot.cards, NONE)}
    _dense(text, found)
    _lexical(text, found)
    return found


def order(cards: Iterable[RankedCard], weights: Mapping[str, float]) -> list[RankedCard]:
    """Score cards from their features, best first, with the identifier lane kept."""
    scored = list(cards)
    for r in scored:
        r.score = sum(weights.get(name, 0.0) * value for name, value in r.features.items())
    return with_lane(_normalised(scored))


def _normalised(ranked: Iterable[RankedCard]) -> list[RankedCard]:
    ordered = sorted(ranked, key=lambda r: (-r.score, r.id))
    scores = np.array([r.score for r in ordered])
    odds = np.exp(scores - scores.max())
    for r, p in zip(ordered, odds / odds.sum(), strict=True):
        r.probability = float(p)
    return ordered


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


def _dense(text: Text, found: dict[str, dict[str, float]]) -> None:
    space = text.snapshot.guidance
    scores = np.append(space.vectors.scores(text.vector), np.float32(-np.inf))
    asked, told = space.asked_and_told
    for features_ in found.values():
        features_.update(dense_max=0.0, dense_top3=0.0, dense_text=0.0)
    for id, best in zip(asked.owners, _best_three(scores[asked.rows]), strict=True):
        kept = [score for score in best if score > -np.inf]
        if id in found:
            found[id].update(dense_max=best[0], dense_top3=sum(kept) / len(kept))
    for id, most in zip(told.owners, scores[told.rows].max(axis=1).tolist(), strict=True):
        if id in found:
            found[id]["dense_text"] = most


def _best_three(scores: Vector) -> list[list[float]]:
    """The three highest of each row, highest first; a few times faster than a partition of rows this wide."""
    every = np.arange(len(scores))
    best = []
    for _ in range(3):
        at = scores.argmax(axis=1)
        best.append(scores[every, at])
        scores[every, at] = -np.inf
    found: list[list[float]] = np.stack(best, axis=1).tolist()
    return found


def _lexical(text: Text, found: dict[str, dict[str, float]]) -> None:
    space = text.snapshot.guidance
    best: dict[str, dict[str, float]] = {"phrasing": {}, "text": {}}
    for row, score in space.lexical.search(text.terms, LEXICAL_DEPTH):
        owner, kind = space.owners[row]
        group = best["phrasing" if kind in ASKED else "text"]
        group[owner] = max(group.get(owner, 0.0), score)
    for name, group in best.items():
        top = max(group.values(), default=1.0)
        for id, features_ in found.items():
            features_[f"lexical_{name}"] = group.get(id, 0.0) / top


def _classified(question: Question, ranked: dict[str, RankedCard]) -> None:
    classifier = question.snapshot.classifier
    dense = classifier.dense(question.read.vector)
    sparse = classifier.sparse(features(question.read.terms, question.signals))
    for at, id in enumerate(classifier.classes):
        if id in ranked:
            ranked[id].features["classifier_dense"] = float(dense[at])
            ranked[id].features["classifier_sparse"] = float(sparse[at])
    floor = min(float(dense.min()), float(sparse.min()))
    for r in ranked.values():
        r.features.setdefault("classifier_dense", floor)
        r.features.setdefault("classifier_sparse", floor)


def _signals(ranked: dict[str, RankedCard], signals: list[Signal], pointers: Pointers) -> None:
    for s in signals:
        if s.kind == "error":
            _error(ranked, s, pointers)
        elif s.kind in ("api", "entitlement"):
            name = {"api": "API"}.get(s.kind, s.kind)
            _count(ranked, pointers.to(s.kind, s.value), s.kind, f"the {name} {s.value}")
        elif s.kind == "log":
            _count(ranked, pointers.to("log", s.value), "log", f"log lines of {s.value}")
    for id in pointers.against(signals):
        ranked[id].features["platform_conflict"] = 1.0
    for kind in ("distribution", "supervision", "packaging"):
        about = {id for s in signals if s.kind == kind for id in pointers.to(kind, s.value)}
        _count(ranked, about, kind, f"{kind} is what this card is about")


def _error(ranked: dict[str, RankedCard], s: Signal, pointers: Pointers) -> None:
    if not s.domain:
        return
    exact = pointers.to("code", f"{s.domain} {s.code}".lower()) if s.code is not None else []
    _count(ranked, exact, "code", f"{s.symbol or 'error code'} ({s.domain} {s.code})")
    others = [id for id in pointers.to("domain", s.domain.lower()) if id not in exact]
    _count(ranked, others, "domain", f"errors of {s.domain}")


def _tables(signals: list[Signal], tables: SignalTables, ranked: dict[str, RankedCard]) -> None:
    """Each signal's table names cards, best first; the first counts whole, the next by its rank."""
    for s in signals:
        for rank, id in enumerate(_table_cards(s, tables)):
            if id in ranked:
                ranked[id].features["table"] = ranked[id].features.get("table", 0.0) + 1 / (1 + rank)
                if rank == 0 and s.kind in ("phrase", "wrapper", "plist"):
                    ranked[id].why.append(f"“{s.value}” in the text")


def _table_cards(s: Signal, tables: SignalTables) -> tuple[str, ...] | list[str]:
    if s.kind == "error" and s.domain and s.code is not None:
        domain = tables.domain_named(s.domain)
        case = domain.cases.get(s.code) if domain else None
        return case.cards if case else ()
    entry = tables.named(s.value)
    return entry.cards if entry else ()


def _count(ranked: dict[str, RankedCard], ids: Iterable[str], feature: str, reason: str) -> None:
    for id in ids:
        r = ranked[id]
        r.features[feature] = r.features.get(feature, 0.0) + 1.0
        if reason not in r.why:
            r.why.append(reason)


def decisive_terms(text: str, cards: Mapping[str, Card]) -> list[tuple[str, str]]:
    """Card id and term of every decisive term that stands in the text."""
    low = text.lower()
    return [(id, term) for id, card in cards.items() for term in card.signals.terms if _lower(term) in low]


@cache
def _lower(term: str) -> str:
    return term.lower()
