"""A draft reply: what a person would say from the card, with a citation on every step, for them to edit.

The draft is Markdown, the forum's own format. Of other people's words it holds titles of threads and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from kb.answer import Answer, Link, Step
from kb.guidance.condition import only
from kb.guidance.references import renumber

DRAFTED_STEPS = 6
_DRAFTED = {n: n for n in range(1, DRAFTED_STEPS + 1)}  # a later step is said to be one of the whole card
_ASKED = 4
_SIGNS = re.compile(r"([\\`*_\[\]()<>#|~])")


def draft_reply(answer: Answer, left_out: Sequence[str], duplicates: Sequence[tuple[str, str]]) -> str | None:
    """The draft; None where nothing known answers the thread.

    `left_out` are questions to the poster, `duplicates` pairs of title and address.
    """
    if not answer.guidance:
        return None
    card = answer.guidance[0]
    cited = _Citations(card.links)
    doubt = (
        "I am not certain that this is it, but it looks like" if answer.outcome == "uncertain" else "This looks like"
    )
    parts = [f"{doubt} **{_escaped(card.title)}**: {card.summary}"]
    drafted = [replace(step, text=renumber(step.text, _DRAFTED)) for step in card.steps[:DRAFTED_STEPS]]
    parts.append("\n".join(f"{at}. {_step(step, cited)}" for at, step in enumerate(drafted, 1)))
    if len(card.steps) > DRAFTED_STEPS:
        parts.append(f"(The guidance has {len(card.steps)} steps; these are the first {DRAFTED_STEPS}.)")
    if left_out:
        asked = "\n".join(f"- {question}" for question in left_out[:_ASKED])
        parts.append(f"If that does not settle it, please add:\n\n{asked}")
    if duplicates:
        parts.append("Possibly the same question: " + ", ".join(_link(title, url) for title, url in duplicates) + ".")
    sources = "\n".join(_source(n, link) for n, link in cited.used())
    return "\n\n".join([*parts, f"Sources:\n\n{sources}"]) if sources else "\n\n".join(parts)


class _Citations:
    """Numbers for links, in the order in which steps use them; the card's own come first where no step cites any."""

    def __init__(self, own: Sequence[Link]) -> None:
        self._own = list(own)
        self._numbers: dict[str, tuple[int, Link]] = {}

    def number(self, link: Link) -> int:
        return self._numbers.setdefault(link.url, (len(self._numbers) + 1, link))[0]

    def used(self) -> list[tuple[int, Link]]:
        if not self._numbers:
            for link in self._own:
                self.number(link)
        return list(self._numbers.values())


def _step(step: Step, cited: _Citations) -> str:
    marks = "".join(f" [{cited.number(link)}]" for link in step.links)
    return f"{step.text}{only(step.when)}{marks}"


def _source(number: int, link: Link) -> str:
    where = " (a search for its title)" if link.search else ""
    return f"[{number}] {_link(link.title, link.url)}{where}"


def _link(title: str, url: str) -> str:
    return f"[{_escaped(title)}](<{url.replace('>', '%3E').replace('<', '%3C')}>)"


def _escaped(text: str) -> str:
    """A title on one line, whose signs format nothing."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))
