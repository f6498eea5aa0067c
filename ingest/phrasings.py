"""Phrasings: ways in which a card's trouble is told, from which its ranking is learned."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from kb.errors import GuidanceError
from kb.guidance.card import Card
from kb.matching.classifier import NONE

_OUT_OF_SCOPE = "out-of-scope"


@dataclass(frozen=True)
class Phrasing:
    """One way to tell a trouble.

    `also` are further cards that would help; `reported` says that somebody really had the trouble.
    """

    text: str
    also: tuple[str, ...] = ()
    reported: bool = False


def read_phrasings(data: Path, cards: list[Card]) -> dict[str, list[Phrasing]]:
    """Phrasings by card id, and under `NONE` those that are not ours.

    Raises `GuidanceError` where a file or a line names a card that there is not.
    """
    known = {card.id for card in cards}
    found: dict[str, list[Phrasing]] = {}
    for path in sorted((data / "phrasings").glob("*.jsonl")):
        label = NONE if path.stem == _OUT_OF_SCOPE else path.stem
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        found[label] = [Phrasing(raw["text"], tuple(raw.get("also", ())), "source" in raw) for raw in lines]
        named = {label, *(id for p in found[label] for id in p.also)}
        for id in sorted(named - known - {NONE}):
            raise GuidanceError(f"{path.name}: there is no card {id}.", "Name the file and `also` after cards.")
    return found
