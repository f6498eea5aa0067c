"""The pasted text with its signals marked. Of a long paste only what stands around them is shown.

A signal is marked where it first stands; what is cut out may hold it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kb.answer import Signal

AROUND = 240  # characters kept beside a signal
_LEAST_CUT = 200  # a gap shorter than this is not worth cutting


@dataclass(frozen=True)
class Piece:
    """A run of the text: plain (`signal` is None), marked, or a cut (`left_out` characters are not shown)."""

    text: str
    signal: Signal | None = None
    left_out: int = 0


def marked(text: str, signals: Sequence[Signal]) -> list[Piece]:
    """The text in pieces, in order. Where spans overlap the earlier and longer one is marked."""
    spans = _spans(text, signals)
    if not spans:
        return list(_trimmed(text, first=True, last=False))
    pieces: list[Piece] = []
    at = 0
    for s in spans:
        pieces += _trimmed(text[at : s.start], first=at == 0, last=False, before=True)
        pieces.append(Piece(text[s.start : s.end], s))
        at = s.end
    return [*pieces, *_trimmed(text[at:], first=False, last=True)]


def _spans(text: str, signals: Sequence[Signal]) -> list[Signal]:
    kept: list[Signal] = []
    ordered = sorted(signals, key=lambda s: (s.start, -s.end, s.implied))
    for s in ordered:
        inside = 0 <= s.start < s.end <= len(text)
        if inside and (not kept or s.start >= kept[-1].end):
            kept.append(s)
    return kept


def _trimmed(text: str, *, first: bool, last: bool, before: bool = False) -> Iterator[Piece]:
    """Plain text between signals; its middle, or the end away from a signal, is cut."""
    head = 0 if first and before else AROUND
    tail = 0 if last or not before else AROUND
    if len(text) <= head + tail + _LEAST_CUT:
        if text:
            yield Piece(text)
        return
    cut_from = _line_end(text, head)
    cut_to = _line_start(text, len(text) - tail)
    if cut_from >= cut_to:
        cut_from, cut_to = head, len(text) - tail
    if cut_from:
        yield Piece(text[:cut_from])
    yield Piece("", left_out=cut_to - cut_from)
    if cut_to < len(text):
        yield Piece(text[cut_to:])


def _line_end(text: str, at: int) -> int:
    """The end of the line at an offset, where it is near."""
    found = text.find("\n", at, at + _LEAST_CUT // 2) if at else -1
    return found + 1 if found >= 0 else at


def _line_start(text: str, at: int) -> int:
    found = text.rfind("\n", max(at - _LEAST_CUT // 2, 0), at) if at < len(text) else -1
    return found + 1 if found >= 0 else at
