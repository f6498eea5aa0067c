"""Checking the body of guidance: every claim cited, every link known, every id real, nothing in a circle.

`problems` finds everything at once for `nekb guidance check`; `require_valid` stops a build at the first.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kb.errors import GuidanceError
from kb.guidance.card import STYLES, Card
from kb.guidance.consistency import inconsistencies
from kb.guidance.problem import Problem
from kb.matching.classifier import NONE
from kb.resources import Resource
from kb.signals.compiling import table_cards

FEWEST_SYMPTOMS = 10
_HEDGES = re.compile(
    r"\b(may|might|reported(?:ly)?|reports?|unconfirmed|seems?|appears?|possibl[ey]|not confirmed|unverified|"
    r"worth a look|suggests?|undocumented|third[- ]party|could)\b",
    re.IGNORECASE,
)


def problems(
    cards: list[Card], resources: Mapping[str, Resource], tables: Mapping[str, Any], unread: Collection[str] = ()
) -> list[Problem]:
    """Every problem of the cards and of what the tables say of them.

    `unread` are the ids of cards that are there and cannot be read: to name one is no problem.
    """
    known = {card.id for card in cards} | set(unread)
    names = _table_names(tables)
    low = _low_confidence(tables)
    found: list[Problem] = []
    for card in cards:
        found += _id(card)
        found += _citations(card, resources)
        found += _references(card, known)
        found += _hedging(card, resources, low)
        found += _signals(card, names)
        if card.origin == "nekb":
            found += _symptoms(card)
    found += _cycles(cards)
    found += inconsistencies(cards, tables, unread)
    found += [
        Problem("tables", where, f"names the unknown card {id!r}", "Name a card of data/guidance/.")
        for where, id in table_cards(dict(tables))
        if id not in known
    ]
    return found


def require_valid(cards: list[Card], resources: Mapping[str, Resource], tables: Mapping[str, Any]) -> None:
    """Raise `GuidanceError` for the first problem."""
    found = problems(cards, resources, tables)
    if found:
        more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
        first = found[0]
        raise GuidanceError(f"{first.card}: {first.field} {first.what}.{more}", first.remedy)


def _id(card: Card) -> Iterator[Problem]:
    if card.id == NONE:
        yield Problem(card.id, "id", "is what a question is that belongs to no card", "Choose another id.")


def _citations(card: Card, resources: Mapping[str, Resource]) -> Iterator[Problem]:
    for at, step in enumerate(card.steps, 1):
        if not step.cites:
            yield Problem(card.id, f"step {at}", "cites nothing", "End it with [@resource-id].")
    if not card.summary_cites:
        yield Problem(card.id, "summary", "cites nothing", "End each of its claims with [@resource-id].")
    cited = {c for s in card.steps for c in s.cites} | set(card.summary_cites) | set(card.links)
    if card.route.form:
        cited.add(card.route.form)
    for id in sorted(cited - set(resources)):
        yield Problem(card.id, "citation", f"[@{id}] is in no resource list", "Use an id of data/resources.yaml.")
    if not card.links:
        yield Problem(card.id, "links", "is empty", "Name the most important resource first.")
    for field, day in (("reviewed", card.reviewed), ("facts_as_of", card.facts_as_of)):
        if day > dt.date.today() + dt.timedelta(days=1):
            yield Problem(card.id, field, "lies in the future", "Write the day of the review.")


def _references(card: Card, known: set[str]) -> Iterator[Problem]:
    for field, ids in (("see_also", card.see_also), ("near_misses", [m.card for m in card.near_misses])):
        for id in ids:
            if id not in known:
                yield Problem(card.id, field, f"names the unknown card {id!r}", "Name a card of data/guidance/.")
            elif id == card.id:
                yield Problem(card.id, field, "names the card itself", "Name another card.")


def _hedging(card: Card, resources: Mapping[str, Resource], low: set[str]) -> Iterator[Problem]:
    """A single report, or a fact of low confidence, may not be stated as certain."""
    parts = [(f"step {at}", s.text, s.cites) for at, s in enumerate(card.steps, 1)]
    for field, text, cites in [*parts, ("summary", card.summary, card.summary_cites)]:
        if _HEDGES.search(text):
            continue
        weak = [c for c in cites if c in resources and resources[c].standing == "report"]
        if weak:
            yield Problem(card.id, field, f"states the single report {weak[0]!r} as certain", "Word it as reported.")
        folded = text.lower()
        for name in sorted(low):
            if name in folded:
                yield Problem(card.id, field, f"states {name!r} (low confidence) as certain", "Word it as reported.")


def _low_confidence(tables: Mapping[str, Any]) -> set[str]:
    """Names and `domain code` pairs whose meaning is known with low confidence."""
    low = set()
    for d in tables["domains"]:
        for c in d["cases"]:
            if c["confidence"].startswith("low"):
                if c["symbol"]:
                    low.add(c["symbol"].lower())
                if d["domain"]:
                    low |= {f"{d['domain']} {c['code']}".lower(), f"{d['domain']} code {c['code']}".lower()}
    return low


def _table_names(tables: Mapping[str, Any]) -> dict[str, set[str]]:
    names = {kind: set(values) for kind, values in tables["names"].items()}
    return names | {"error": {str(d["domain"] or d["enum"]).lower() for d in tables["domains"]}}


def _signals(card: Card, names: Mapping[str, set[str]]) -> Iterator[Problem]:
    groups = (
        ("api", card.signals.apis),
        ("entitlement", card.signals.entitlements),
        ("log", card.signals.logs),
    )
    for kind, values in groups:
        for value in values:
            if value not in names[kind]:
                yield Problem(
                    card.id,
                    f"signals.{kind}",
                    f"{value!r} is in no signal table",
                    "Use a name of data/signals/ or add it there.",
                )
    for error in card.signals.errors:
        if error.rsplit(" ", 1)[0].lower() not in names["error"] and error.lower() not in names["error"]:
            yield Problem(
                card.id,
                "signals.errors",
                f"{error!r} has an unknown domain",
                "Write '<domain> <code>' with a domain of data/signals/error_codes.yaml.",
            )


def _symptoms(card: Card) -> Iterator[Problem]:
    count = len(card.phrasings)
    if count < FEWEST_SYMPTOMS:
        yield Problem(card.id, "symptoms", f"has {count} phrasings", f"Write {FEWEST_SYMPTOMS} or more.")
    for style in STYLES:
        if not card.symptoms.get(style):
            yield Problem(card.id, "symptoms", f"has none in the style {style!r}", "Write one.")
    if not card.ask_for:
        yield Problem(card.id, "ask_for", "is empty", "Say what an expert would need next.")


def _cycles(cards: list[Card]) -> Iterator[Problem]:
    ways = {card.id: card.see_also for card in cards}
    done: set[str] = set()

    def walk(id: str, path: tuple[str, ...]) -> Iterator[Problem]:
        if id in path:
            circle = " -> ".join((*path[path.index(id) :], id))
            yield Problem(
                id,
                "see_also",
                f"goes in a circle: {circle}",
                "Point from the narrower card to the wider one.",
            )
            return
        if id in done:
            return
        for other in ways.get(id, ()):
            yield from walk(other, (*path, id))
        done.add(id)

    for id in ways:
        yield from walk(id, ())
