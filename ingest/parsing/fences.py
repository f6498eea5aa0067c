"""Fenced code blocks of Markdown, found in one pass: a page may hold thousands of fences that nothing closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[^`\n]*)$", re.MULTILINE)


def parted(text: str) -> Iterator[tuple[str, bool]]:
    """The text in its parts, each with whether it is a fenced code block; the last part is none, and may be empty."""
    at = 0
    for start, end in _blocks(text):
        yield text[at:start], False
        yield text[start:end], True
        at = end
    yield text[at:], False


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Where each block begins and ends. A block ends at a bare fence as long as the one that opened it, or longer.

    A fence that no later one closes opens nothing.
    """
    fences = list(_FENCE.finditer(text))
    closing = [0 if m["language"].strip() else len(m["fence"]) for m in fences]
    longest = [*accumulate(reversed(closing), max, initial=0)][::-1]  # from each fence on
    opened: re.Match[str] | None = None
    for at, fence in enumerate(fences):
        if opened is None:
            opened = fence if longest[at + 1] >= len(fence["fence"]) else None
        elif closing[at] >= len(opened["fence"]):
            yield opened.start(), fence.end()
            opened = None
