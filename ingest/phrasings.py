"""Phrasings: ways in which a card's trouble is told, from which its ranking is learned.

`data/phrasings/told` holds them as people tell them, `retold` the same troubles as somebody else could have told
them, `thought-up` tidier ones. The classifier learns from all; questions are compared with the first only, for the
others make hardly anything better there (docs/matching.md), and every passage costs time.

A line is an object with a `text`, its `style`, and where there are any the further cards that it teaches (`also`), the
address of the report that it rewords (`source`), or of the one that it tells again (`retells`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kb.errors import GuidanceError
from kb.guidance.card import Card
from kb.matching.classifier import NONE

_OUT_OF_SCOPE = "out-of-scope"


@dataclass(frozen=True)
class Phrasing:
    """One way to tell the trouble of the card `id`, or of no card (`NONE`).

    `also` are further cards that would help; `reported` says that somebody really had the trouble, and `told` that
    people tell it so.
    """

    id: str
    text: str
    also: tuple[str, ...] = ()
    reported: bool = False
    told: bool = True


def read_phrasings(data: Path, cards: list[Card]) -> list[Phrasing]:
    """Every phrasing, those of a card side by side.

    Raises `GuidanceError` where a file or a line names a card that there is not.
    """
    known = {card.id for card in cards} | {NONE}
    found = [p for path in sorted((data / "phrasings").glob("*/*.jsonl")) for p in _read(path)]
    for p in found:
        for id in (p.id, *p.also):
            if id not in known:
                raise GuidanceError(f"A phrasing names a card {id}; there is none.", f"See {data / 'phrasings'}.")
    return found


def _read(path: Path) -> Iterator[Phrasing]:
    id = NONE if path.stem == _OUT_OF_SCOPE else path.stem
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            raw = json.loads(line)
            yield Phrasing(
                id,
                raw["text"],
                tuple(raw.get("also", ())),
                "source" in raw or "retells" in raw,
                path.parent.name == "told",
            )
