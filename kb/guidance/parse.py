"""Reading card files: front matter, summary, numbered checklist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from kb.errors import GuidanceError
from kb.guidance.card import Card
from kb.guidance.problem import MalformedCardError, Problem
from kb.guidance.when import parse_when
from kb.yamltext import read_yaml

_FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n(.*)\Z", re.DOTALL)
_CITE = re.compile(r"\s*\[@([a-z0-9][a-z0-9-]*)\]")
_WHEN = re.compile(r"\s*\{when:\s*([^}]*)\}\s*$")
_CHECKLIST = re.compile(r"^## Checklist[ \t]*\r?$", re.MULTILINE)
_STRAY = re.compile(r"\{when\b|^\d+\)", re.MULTILINE)
_STEP = re.compile(r"^(\d+)\.\s+", re.MULTILINE)


Origin = Literal["nekb", "user"]


def card_files(folder: Path) -> list[Path]:
    """The files of a folder that are to be cards, by id. Editors and systems put hidden ones beside them."""
    return sorted(folder.glob("[!.]*.md"))


def read_cards(folder: Path, origin: Origin = "nekb") -> list[Card]:
    """Every card of a folder, by id. Raises `MalformedCardError` for the first that is not well formed."""
    return [read_card(path, origin) for path in card_files(folder)]


def read_every_card(folder: Path, origin: Origin = "nekb") -> tuple[list[Card], list[Problem]]:
    """The cards of a folder that are well formed, by id, and what is first wrong with each of the others."""
    cards, malformed = [], []
    for path in card_files(folder):
        try:
            cards.append(read_card(path, origin))
        except MalformedCardError as error:
            malformed.append(error.problem)
    return cards, malformed


def read_card(path: Path, origin: Origin = "nekb") -> Card:
    """One card file. Raises `MalformedCardError` naming the file, the field and the remedy."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(path, "file", f"cannot be read ({error})", "Save it as UTF-8 text.") from error
    parts = _FRONT.match(text)
    if not parts:
        raise _bad(path, "front matter", "is missing", "Begin the file with a YAML block between two lines of ---.")
    try:
        front = read_yaml(parts[1])
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2026-02-30 is the latter
        where = " ".join(str(error).split())
        raise _bad(path, "front matter", f"is not YAML: {where}", "Quote values that hold a colon or a #.") from error
    if not isinstance(front, dict):
        raise _bad(path, "front matter", "is not a mapping", "Write `field: value` lines.")
    return _validate(path, front | _body(path, parts[2]) | {"origin": origin})


def _body(path: Path, body: str) -> dict[str, Any]:
    parts = _CHECKLIST.split(body, maxsplit=1)
    if len(parts) == 1:
        raise _bad(path, "Checklist", "is missing", "Add a line `## Checklist` and a numbered list below it.")
    head, checklist = parts
    summary, cites = _split_cites(head)
    starts = list(_STEP.finditer(checklist))
    if checklist[: starts[0].start() if starts else None].strip():
        raise _bad(path, "Checklist", "has text before its first step", "Begin it with `1. `, or move the text up.")
    steps = []
    for at, start in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(checklist)
        steps.append(_step(path, at + 1, checklist[start.end() : end]))
    return {"summary": summary, "summary_cites": cites, "steps": steps}


def _step(path: Path, number: int, text: str) -> dict[str, Any]:
    when = _WHEN.search(text)
    if when:
        text = text[: when.start()]
        try:
            clauses = parse_when(when[1])
        except GuidanceError as error:
            raise _bad(path, f"step {number}:", error.sentence.rstrip("."), error.remedy) from error
        if not clauses:
            raise _bad(path, f"step {number}", "has a condition that says nothing", "Leave {when: } out, or fill it.")
    if stray := _STRAY.search(text):
        remedy = "Write steps as `2. `, and a condition on a line of its own behind the citations."
        raise _bad(path, f"step {number}", f"holds {stray[0]!r} in its text", remedy)
    prose, cites = _split_cites(text)
    return {"text": prose, "cites": cites, "when": when[1].strip() if when else None}


def _split_cites(text: str) -> tuple[str, list[str]]:
    """The text as one paragraph without citation marks, and the ids cited, each once."""
    cites = list(dict.fromkeys(_CITE.findall(text)))
    return " ".join(_CITE.sub("", text).split()), cites


def _validate(path: Path, fields: dict[str, Any]) -> Card:
    try:
        card = Card.from_dict(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise _bad(path, field, first["msg"][0].lower() + first["msg"][1:], "See docs/guidance-format.md.") from error
    if card.id != path.stem:
        raise _bad(path, "id", f"is {card.id!r}", f"Name the file {card.id}.md, or the card {path.stem}.")
    return card


def _bad(path: Path, field: str, what: str, remedy: str) -> MalformedCardError:
    return MalformedCardError(Problem(path.name, field, what, remedy))
