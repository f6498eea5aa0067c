"""The part of a long paste that a report needs: the lines around what was read in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

LONGEST = 3_000  # characters
_AROUND = 4  # lines before and after a line with a signal
CUT = "[...]"


def excerpt(text: str, read: Sequence[str]) -> str:
    """The text, or of a long one the lines around the strings that were `read` in it, the most telling first."""
    if len(text) <= LONGEST:
        return text
    lines = [line[:LONGEST] for line in text.split("\n")]
    kept = _kept(lines, [r for r in read if r.strip() and "\n" not in r])
    shown: list[str] = []
    before = -1
    for at in sorted(kept):
        shown += [CUT] * (at != before + 1) + [lines[at]]
        before = at
    return "\n".join([*shown, CUT] if before < len(lines) - 1 else shown)


def _kept(lines: Sequence[str], read: Sequence[str]) -> set[int]:
    """The lines that fit: around each string in turn, then from the beginning where nothing was read."""
    found = (at for string in read for at, line in enumerate(lines) if string in line)
    centres = list(islice(found, LONGEST)) or [0]  # more lines than that have no room
    kept: set[int] = set()
    left = LONGEST
    for centre in centres:
        near = sorted(
            range(max(0, centre - _AROUND), min(len(lines), centre + _AROUND + 1)), key=lambda n: abs(n - centre)
        )
        for at in near:
            if at not in kept and len(lines[at]) < left:
                kept.add(at)
                left -= len(lines[at]) + 1
    return kept or {0}
