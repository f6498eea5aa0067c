"""What a card names: other steps by number, also once some are left out, and other cards by id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from kb.answer import Answer, Guidance
from kb.guidance.card import Card

# A number that counts something is no step: "after step 2, 15 seconds later".
_NUMBER = r"\d{1,2}(?!\d)(?! (?:seconds?|minutes?|hours?|days?|times|users?|devices?|[kMG]?B|ms|s)\b)"
_NAMED = re.compile(rf"\b([Ss]teps?)\s+({_NUMBER}(?:(?:, | to | and | or |, and |, or ){_NUMBER})*)")
_PART = re.compile(r"(\d+) to (\d+)|(\d+)")
_CODE = re.compile(r"`([^`]+)`")


def named_steps(text: str) -> set[int]:
    """The numbers of the steps that a text names: "steps 2 to 4 or step 6" names 2, 3, 4 and 6."""
    found: set[int] = set()
    for named in _NAMED.finditer(text):
        for part in _PART.finditer(named[2]):
            found |= set(_numbers(part))
    return found


def renumber(text: str, numbers: Mapping[int, int]) -> str:
    """The text with step numbers as they are once steps are left out; `numbers` maps the steps that stay.

    A step that was left out keeps its number and is said to be one of the whole card.
    """
    return _NAMED.sub(lambda named: f"{named[1]} " + _PART.sub(lambda p: _part(p, numbers), named[2]), text)


def with_titles(answer: Answer, cards: Mapping[str, Card]) -> Answer:
    """The answer for people who do not know our ids: where its guidance names a card, by the title."""
    return replace(answer, guidance=[_with_titles(card, cards) for card in answer.guidance])


def _with_titles(shown: Guidance, cards: Mapping[str, Card]) -> Guidance:
    def titled(text: str) -> str:
        return _CODE.sub(lambda code: f"“{cards[code[1]].title}”" if code[1] in cards else code[0], text)

    return replace(
        shown,
        summary=titled(shown.summary),
        steps=[replace(step, text=titled(step.text)) for step in shown.steps],
        ask_for=[titled(question) for question in shown.ask_for],
    )


def _numbers(part: re.Match[str]) -> range:
    return range(int(part[1]), int(part[2]) + 1) if part[1] else range(int(part[3]), int(part[3]) + 1)


def _part(part: re.Match[str], numbers: Mapping[int, int]) -> str:
    stay = [numbers[n] for n in _numbers(part) if n in numbers]
    if not stay:
        return f"{part[0]} of the whole card"
    return str(stay[0]) if stay[0] == stay[-1] else f"{stay[0]} to {stay[-1]}"
