"""Pointers: which cards a signal points to, looked up by the signal and not by going through the cards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kb.answer import Signal
from kb.guidance.card import Card

_NAMED = {"api": "apis", "entitlement": "entitlements", "log": "logs"}
_SETTINGS = {"distribution": "distributions", "supervision": "supervision", "packaging": "packaging"}
FOREIGN = ("Android", "Windows", "Linux")


@dataclass(frozen=True)
class Pointers:
    """Card ids by feature and value, such as `("api", "NEVPNManager")`; the platforms of cards that name some."""

    by_value: dict[tuple[str, str], list[str]]
    platforms: dict[str, frozenset[str]]

    @classmethod
    def of(cls, cards: Iterable[Card]) -> Pointers:
        """The pointers of a snapshot's cards."""
        found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        platforms = {}
        for card in cards:
            for value in _values(card):
                found[value].append(card.id)
            if card.applies_to.platforms:
                platforms[card.id] = frozenset(map(str, card.applies_to.platforms))
        return cls(dict(found), platforms)

    def to(self, feature: str, value: str) -> list[str]:
        """The cards that a value of a feature points to."""
        return self.by_value.get((feature, value), [])

    def against(self, signals: list[Signal]) -> list[str]:
        """The cards that are about other platforms than those of the question."""
        asked = {s.value for s in signals if s.kind == "platform"}
        if not asked:
            return []
        ours = asked.difference(FOREIGN)
        return [id for id, about in self.platforms.items() if not ours & about]


def _values(card: Card) -> Iterator[tuple[str, str]]:
    errors = dict.fromkeys(e.lower() for e in card.signals.errors)
    yield from (("code", e) for e in errors)
    yield from (("domain", d) for d in dict.fromkeys(e.split(" ")[0] for e in errors))
    for feature, field in _NAMED.items():
        yield from ((feature, v) for v in dict.fromkeys(getattr(card.signals, field)))
    for feature, field in _SETTINGS.items():
        yield from ((feature, v) for v in dict.fromkeys(getattr(card.applies_to, field)))
