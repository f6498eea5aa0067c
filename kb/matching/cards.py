"""Ranking guidance cards: named features of every card, weighted, and a reason for each.

Several passages of one card count once, through its best and its three best. An exact identifier, a code with its
domain, has a lane of its own: its card is always among the first three.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from kb.answer import Signal
from kb.guidance.card import Card
from kb.matching.classifier import NONE, features
from kb.matching.question import Question, Text
from kb.signals.tables import SignalTables

LEXICAL_DEPTH = 200
LANE = 3
_ASKED = ("symptom", "phrasing")  # passages that are questions themselves
_OURS = ("api", "entitlement", "log", "wrapper", "phrase", "plist")
_FOREIGN = ("Android", "Windows", "Linux")


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
    low = question.text.lower()
    for id, card in snapshot.cards.items():
        _signals(ranked[id], card, question.signals)
        _terms(ranked[id], card, low)
    _tables(question.signals, snapshot.signals, ranked)
    ranked[NONE].features |= {"none": 1.0, **_whose(question.signals, snapshot.signals)}
    return order(ranked.values(), snapshot.weights.ranking)


def _whose(signals: Iterable[Signal], tables: SignalTables) -> dict[str, float]:
    """How much of the text is ours and how much somebody else's, as features of the class of foreign questions."""
    named = [s for s in signals if not s.implied]
    ours = {s.value for s in named if s.kind in _OURS or _of_a_domain(s, tables)}
    foreign = {s.value for s in named if s.kind == "foreign" or (s.kind == "platform" and s.value in _FOREIGN)}
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
    scores = space.vectors.scores(text.vector)
    asked: dict[str, list[float]] = defaultdict(list)
    told: dict[str, list[float]] = defaultdict(list)
    for (owner, kind), score in zip(space.owners, scores.tolist(), strict=True):
        (asked if kind in _ASKED else told)[owner].append(score)
    for id, features_ in found.items():
        best = sorted(asked.get(id, ()), reverse=True)[:3]
        features_["dense_max"] = best[0] if best else 0.0
        features_["dense_top3"] = sum(best) / len(best) if best else 0.0
        features_["dense_text"] = max(told.get(id, (0.0,)))


def _lexical(text: Text, found: dict[str, dict[str, float]]) -> None:
    space = text.snapshot.guidance
    best: dict[str, dict[str, float]] = {"phrasing": {}, "text": {}}
    for row, score in space.lexical.search(text.terms, LEXICAL_DEPTH):
        owner, kind = space.owners[row]
        group = best["phrasing" if kind in _ASKED else "text"]
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


def _signals(r: RankedCard, card: Card, signals: list[Signal]) -> None:
    errors = {e.lower() for e in card.signals.errors}
    for s in signals:
        if s.kind == "error" and s.domain and s.code is not None and f"{s.domain} {s.code}".lower() in errors:
            _count(r, "code", f"{s.symbol or 'error code'} ({s.domain} {s.code})")
        elif s.kind == "error" and s.domain and any(e.split(" ")[0] == s.domain.lower() for e in errors):
            _count(r, "domain", f"errors of {s.domain}")
        elif s.kind == "api" and s.value in card.signals.apis:
            _count(r, "api", f"the API {s.value}")
        elif s.kind == "entitlement" and s.value in card.signals.entitlements:
            _count(r, "entitlement", f"the entitlement {s.value}")
        elif s.kind == "log" and s.value in card.signals.logs:
            _count(r, "log", f"log lines of {s.value}")
    _applies(r, card, signals)


def _applies(r: RankedCard, card: Card, signals: list[Signal]) -> None:
    platforms = [s.value for s in signals if s.kind == "platform"]
    about = card.applies_to.platforms
    if platforms and about and not any(p in about for p in platforms if p not in _FOREIGN):
        r.features["platform_conflict"] = 1.0
    for kind, values in (
        ("distribution", card.applies_to.distributions),
        ("supervision", card.applies_to.supervision),
        ("packaging", card.applies_to.packaging),
    ):
        if any(s.kind == kind and s.value in values for s in signals):
            _count(r, kind, f"{kind} is what this card is about")


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


def _count(r: RankedCard, feature: str, reason: str) -> None:
    r.features[feature] = r.features.get(feature, 0.0) + 1.0
    if reason not in r.why:
        r.why.append(reason)


def _terms(r: RankedCard, card: Card, low: str) -> None:
    """The card's decisive terms that stand in the (lower case) text."""
    for term in card.signals.terms:
        if term.lower() in low:
            _count(r, "term", f"“{term}” in the text")
