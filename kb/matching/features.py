"""The features of every candidate: what its passages' wording and the question's signals say for it, and why.

They come in three matrices that add up, each with columns of its own, since they rest on different things: the terms of
the text, its vector, and what is known beside its wording.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from kb.answer import Signal
from kb.guidance.card import Card
from kb.matching.candidates import COLUMN, Candidates, Matrix
from kb.matching.classifier import NONE, signal_features
from kb.matching.pointers import FOREIGN, Pointers
from kb.signals.tables import SYSTEM, SignalTables

if TYPE_CHECKING:
    from kb.matching.question import Question, Text

LEXICAL_DEPTH = 200
# What a card about other platforms has against it, in the fitted weight of one that the text names: who answers the
# question for the platform means it, while a text may name one in passing.
_GIVEN_PLATFORM = 8.0
OURS = ("api", "entitlement", "log", "wrapper", "phrase", "plist")


def by_terms(text: Text) -> Matrix:
    """How like the passages of each candidate are by their words: BM25 of the best, against that of the best of all."""
    layout = text.snapshot.layout
    found = layout.nothing()
    phrasing, told = np.zeros(len(layout.ids)), np.zeros(len(layout.ids))
    for row, score in text.snapshot.guidance.lexical.search(text.terms, LEXICAL_DEPTH):
        at = layout.owners[row]
        group = phrasing if layout.is_asked[row] else told
        if group[at] == 0.0:  # the best passage of each comes first
            group[at] = score
    for name, group in (("lexical_phrasing", phrasing), ("lexical_text", told)):
        found[:, COLUMN[name]] = group / (group.max() or 1.0)
    return found


def by_vector(text: Text) -> Matrix:
    """How like the passages of each candidate are by their vectors, and what the classifier says of the vector."""
    snapshot, layout = text.snapshot, text.snapshot.layout
    found = layout.nothing()
    scores = snapshot.guidance.vectors.scores(text.vector)
    best = np.stack(layout.asked.best(scores, 3))
    there = best > -np.inf
    found[layout.asked.candidates, COLUMN["dense_max"]] = best[0]
    found[layout.asked.candidates, COLUMN["dense_top3"]] = best.sum(0, where=there) / there.sum(0)
    found[layout.told.candidates, COLUMN["dense_text"]] = layout.told.best(scores)[0]
    layout.put_classes(found, "classifier_dense", snapshot.classifier.vectors.of(text.vector))
    found[layout.at[NONE], COLUMN["scope_dense"]] = snapshot.classifier.not_ours(text.vector)
    return found


def by_signals(question: Question) -> Candidates:
    """What the signals of a question point to, and what the classifier says of its terms and signals."""
    snapshot = question.snapshot
    found = Candidates(snapshot.layout)
    signals = snapshot.classifier.terms.weigh(signal_features(question.signals))
    sparse = snapshot.classifier.terms.of(question.read.weighed, signals)
    snapshot.layout.put_classes(found.values, "classifier_sparse", sparse)
    _signals(found, question.signals, snapshot.pointers)
    conflict = _GIVEN_PLATFORM if question.given.keys() & {"platform", "os"} else 1.0
    for id in snapshot.pointers.against(question.signals):
        found.set(id, "platform_conflict", conflict)
    for id, term in question.read.decisive:
        found.count((id,), "term", f"“{term}” in the text")
    _tables(found, question.signals, snapshot.signals)
    for name, value in {"none": 1.0, **_whose(question.signals, snapshot.signals)}.items():
        found.set(NONE, name, value)
    return found


def _whose(signals: Iterable[Signal], tables: SignalTables) -> dict[str, float]:
    """How much of the text is ours and how much somebody else's, as features of the class of foreign questions."""
    named = [s for s in signals if not s.implied]
    ours = {s.value for s in named if s.kind in OURS or _of_a_domain(s, tables)}
    foreign = {s.value for s in named if s.kind == "foreign" or (s.kind == "platform" and s.value in FOREIGN)}
    foreign |= {s.value for s in named if s.kind == "error" and s.domain and not _of_a_domain(s, tables)}
    return {"ours": math.log1p(len(ours)), "foreign": math.log1p(len(foreign))}


def _of_a_domain(s: Signal, tables: SignalTables) -> bool:
    """Whether an error is of a domain of ours."""
    known = tables.domain_named(s.domain) if s.kind == "error" and s.domain else None
    return known is not None and known.visibility != SYSTEM


def _signals(found: Candidates, signals: list[Signal], pointers: Pointers) -> None:
    for s in signals:
        if s.kind == "error":
            _error(found, s, pointers)
        elif s.kind in ("api", "entitlement"):
            name = {"api": "API"}.get(s.kind, s.kind)
            found.count(pointers.to(s.kind, s.value), s.kind, f"the {name} {s.value}")
        elif s.kind == "log":
            found.count(pointers.to("log", s.value), "log", f"log lines of {s.value}")
    for kind in ("distribution", "supervision", "packaging"):
        about = {id for s in signals if s.kind == kind for id in pointers.to(kind, s.value)}
        found.count(about, kind, f"{kind} is what this card is about")


def _error(found: Candidates, s: Signal, pointers: Pointers) -> None:
    if not s.domain:
        return
    exact = pointers.to("code", f"{s.domain} {s.code}".lower()) if s.code is not None else []
    found.count(exact, "code", f"{s.symbol or 'error code'} ({s.domain} {s.code})")
    others = [id for id in pointers.to("domain", s.domain.lower()) if id not in exact]
    found.count(others, "domain", f"errors of {s.domain}")


def _tables(found: Candidates, signals: list[Signal], tables: SignalTables) -> None:
    """Each signal's table names cards, best first; the first counts whole, the next by its rank."""
    for s in signals:
        for rank, id in enumerate(_table_cards(s, tables)):
            if id in found.layout.at:
                found.add(id, "table", 1 / (1 + rank))
                if rank == 0 and s.kind in ("phrase", "wrapper", "plist"):
                    found.why[id].append(f"“{s.value}” in the text")


def _table_cards(s: Signal, tables: SignalTables) -> tuple[str, ...] | list[str]:
    if s.kind == "error" and s.domain and s.code is not None:
        domain = tables.domain_named(s.domain)
        case = domain.cases.get(s.code) if domain else None
        return case.cards if case else ()
    entry = tables.named(s.value)
    return entry.cards if entry else ()


def decisive_terms(text: str, cards: Mapping[str, Card]) -> list[tuple[str, str]]:
    """Card id and term of every decisive term that stands in the text."""
    low = text.lower()
    return [(id, term) for id, card in cards.items() for term in card.signals.terms if _lower(term) in low]


@cache
def _lower(term: str) -> str:
    return term.lower()
