"""One thing wrong with a card or a table, as `nekb guidance check` says it."""

from __future__ import annotations

from dataclasses import dataclass

from kb.errors import GuidanceError


@dataclass(frozen=True)
class Problem:
    """One thing wrong: the card (or table), the field, what is wrong, what to do."""

    card: str
    field: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.card}: {self.field} {self.what}. {self.remedy}"


class MalformedCardError(GuidanceError):
    """A file that is no card. `problem` names the file in the place of the card."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.card}: {problem.field} {problem.what}.", problem.remedy)
        self.problem = problem
