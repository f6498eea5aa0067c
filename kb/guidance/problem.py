"""One thing wrong with a card or a table, as `nekb guidance check` says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong: the card (or table), the field, what is wrong, what to do."""

    card: str
    field: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.card}: {self.field} {self.what}. {self.remedy}"
