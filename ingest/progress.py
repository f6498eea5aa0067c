"""How far a long run is, told to whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a run: a name and a total, then how many more are done."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins; `total` is 0 where the size is not known."""

    def advance(self, done: int) -> None:
        """So many more of the stage are done."""


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def advance(self, done: int) -> None:
        """Nothing."""
