"""What cards say of each other and of themselves: names that lead nowhere, and texts that contradict or repeat.

These are mistakes that a reader meets and a schema does not see: a step number that is out of range, a card named
with a typo, a symptom that two cards claim, an error code that its domain does not have.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kb.guidance.card import Card
from kb.guidance.problem import Problem
from kb.guidance.references import named_steps
from kb.guidance.when import parse_when

FEWEST_WORDS = 4
_NAME = re.compile(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`")
_LEAD = re.compile(r"\*\*(.+?)\*\*")
_ERROR = re.compile(r"(.+) (-?\d+)")


def inconsistencies(cards: list[Card], tables: Mapping[str, Any], unread: Iterable[str] = ()) -> Iterator[Problem]:
    """Every contradiction and repetition within the cards and against the tables of error codes.

    `unread` are the ids of cards that are there and cannot be read.
    """
    known = {card.id for card in cards} | set(unread)
    for card in cards:
        yield from _steps(card)
        yield from _names(card, known)
        yield from _codes(card, tables)
        if card.origin == "nekb":
            yield from _route(card)
            yield from _near_misses(card)
            yield from _uncited(card)
    yield from _repeated([card for card in cards if card.origin == "nekb"])


def _steps(card: Card) -> Iterator[Problem]:
    last = len(card.steps)
    leads: dict[str, int] = {}
    for at, step in enumerate(card.steps, 1):
        beyond = sorted(n for n in named_steps(step.text) if not 1 <= n <= last)
        if beyond:
            yield Problem(card.id, f"step {at}", f"names step {beyond[0]} of {last}", "Name a step that is there.")
        if at in named_steps(step.text):
            yield Problem(card.id, f"step {at}", "names itself", "Name the step that comes next.")
        lead = _LEAD.match(step.text)
        first = leads.setdefault(_folded(lead[1] if lead else step.text), at)
        if first != at:
            yield Problem(card.id, f"step {at}", f"repeats step {first}", "Make one step of the two.")
        yield from _platforms(card, at, step.when)


def _platforms(card: Card, at: int, when: str | None) -> Iterator[Problem]:
    """A step for a platform that the card is not about is never shown where the card is right."""
    about = card.applies_to.platforms
    if not about:
        return
    for clause in parse_when(when or ""):
        if clause.key not in ("platform", "os"):
            continue
        for name in (value.split(" ")[0] for value in clause.values):
            if name not in about:
                yield Problem(
                    card.id,
                    f"step {at}",
                    f"is for {name}, which the card is not about",
                    "Name it in applies_to.platforms, or change the condition.",
                )


def _names(card: Card, known: set[str]) -> Iterator[Problem]:
    """A name in backticks that is nearly a card's is a typo; other names are commands and values."""
    for at, text in ((0, card.summary), *((n, s.text) for n, s in enumerate(card.steps, 1))):
        field = f"step {at}" if at else "summary"
        for name in set(_NAME.findall(text)) - known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if near:
                yield Problem(card.id, field, f"names `{name}`, which is no card", f"Did you mean `{near[0]}`?")
        if f"`{card.id}`" in text:
            yield Problem(card.id, field, "sends the reader to the card itself", "Name another card, or a step.")


def _codes(card: Card, tables: Mapping[str, Any]) -> Iterator[Problem]:
    domains = {str(d["domain"] or d["enum"]).lower(): {c["code"] for c in d["cases"]} for d in tables["domains"]}
    for error in card.signals.errors:
        named = _ERROR.fullmatch(error)
        if named and named[1].lower() in domains and int(named[2]) not in domains[named[1].lower()]:
            yield Problem(
                card.id,
                "signals.errors",
                f"{error!r} is a code that its domain does not have",
                "Look it up in the table.",
            )


def _route(card: Card) -> Iterator[Problem]:
    route = card.route
    kinds = {route.kind, route.otherwise}
    if "file_bug" in kinds and not route.attach:
        yield Problem(
            card.id, "route.attach", "is empty though a bug is to be filed", "Say what the report should carry."
        )
    if route.kind == "request_entitlement" and not route.form:
        yield Problem(card.id, "route.form", "is missing though something is to be requested", "Name the request form.")
    if "ask_forum" in kinds and not route.subtopic:
        yield Problem(
            card.id, "route.subtopic", "is missing though the forum is a stop", "Name the subtopic to post in."
        )


def _near_misses(card: Card) -> Iterator[Problem]:
    own = {_folded(text) for text in card.phrasings}
    for miss in card.near_misses:
        if len(miss.text.split()) < FEWEST_WORDS:
            yield Problem(card.id, "near_misses", f"{miss.text!r} says too little alone", "Name what it is about.")
        if _folded(miss.text) in own:
            yield Problem(
                card.id, "near_misses", f"{miss.text!r} is a symptom of the card too", "Keep it in one place."
            )


def _uncited(card: Card) -> Iterator[Problem]:
    cited = {c for s in card.steps for c in s.cites} | set(card.summary_cites) | {card.route.form}
    for id in card.links:
        if id not in cited:
            yield Problem(card.id, "links", f"names {id!r}, which nothing in the card cites", "Cite it, or drop it.")


def _repeated(cards: list[Card]) -> Iterator[Problem]:
    owners: dict[str, list[str]] = defaultdict(list)
    for card in cards:
        for text in {_folded(t) for t in card.phrasings}:
            owners[text].append(card.id)
    for text, ids in owners.items():
        if len(ids) > 1:
            yield Problem(ids[0], "symptoms", f"{text[:60]!r} is a symptom of {ids[1]!r} too", "Keep it in one card.")


def _folded(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(" .?!:")
