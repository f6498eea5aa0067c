"""Labelled questions: what was asked, and which cards are a right first answer, the best one first."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from kb.asking import readable
from kb.errors import BadInputError
from kb.surrogates import load_json


class LabelledQuestion(BaseModel):
    """A question of an evaluation file, its text as `ask` reads it. `expect` empty means out of scope.

    `signals` are those a reader must find, and no others: `{}` where the text has none, absent where nobody looked.

    `split` says what the question may be used for: `tune` (weights and calibration are fitted on it), `rank` (weights
    only) or `report`.
    A question of ambiguous scope is left out of every figure.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    query: Annotated[str, AfterValidator(readable)]
    style: str = "question"
    topic: str = ""
    expect: tuple[str, ...]
    signals: dict[str, Any] | None = None
    split: str = "report"
    ambiguous_scope: bool = False

    @property
    def in_scope(self) -> bool:
        """Whether any card answers it."""
        return bool(self.expect)


def read_questions(path: Path, *splits: str) -> list[LabelledQuestion]:
    """The questions of a JSON-lines file, of some splits or all, without those of ambiguous scope.

    Raises `BadInputError` naming the line that cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"The evaluation file {path} cannot be read: {error}.", "Name a JSON-lines file."
        ) from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            question = LabelledQuestion.model_validate(load_json(line))
        except BadInputError as error:
            raise BadInputError(
                f"{path.name}, line {number}: {error.sentence}", error.remedy, code=error.code
            ) from error
        except (ValueError, ValidationError) as error:
            raise BadInputError(
                f"{path.name}, line {number} is no labelled question: {error}.",
                'Each line is an object with "id", "query" and "expect" (card ids, best first).',
            ) from error
        if not question.ambiguous_scope and (not splits or question.split in splits):
            found.append(question)
    return found


def check_measurable(questions: Sequence[LabelledQuestion], cards: Container[str]) -> None:
    """See to it that there are questions, and that every card exists which one expects: else it could never come first.

    Raises `BadInputError` where there are none, or naming the first card that does not exist.
    """
    if not questions:
        raise BadInputError("There is no labelled question to measure by.", "Name a file and a split that hold some.")
    for question in questions:
        if (unknown := next((id for id in question.expect if id not in cards), None)) is not None:
            raise BadInputError(
                f"Question {question.id} expects `{unknown}`, and there is no such card.",
                "Correct the id (`nekb guidance list` has them all), or build after adding the card.",
            )
