"""A judgement in a terminal. The draft stands last and by itself, so that it can be copied whole."""

from __future__ import annotations

from collections.abc import Iterator

from api.text import one_line, plain, safe_url
from kb.triage import Duplicate, LeftOut, Triage


def triage_lines(found: Triage) -> Iterator[str]:
    """The judgement as plain lines; everything of the poster's is without control characters."""
    yield one_line(found.thread.title)
    if found.thread.url:
        yield f"  {safe_url(found.thread.url) or ''}"
    yield ""
    yield f"Topic   {found.topic or 'none that nekb knows'}"
    yield f"Route   {found.route.replace('_', ' ')}"
    yield f"Sure    {found.outcome.replace('_', ' ')}, confidence {found.confidence:.2f}"
    yield from _cards(found)
    if found.duplicates:
        yield from ("", "Likely duplicates" if found.duplicates[0].likely else "Threads near to it")
        for duplicate in found.duplicates:
            yield from _duplicate(duplicate)
    if found.left_out:
        yield from ("", "Left out by the poster")
        yield from (f"  {_left_out(item)}" for item in found.left_out)
    yield ""
    if found.draft is None:
        yield "No draft: nothing that nekb knows answers this thread."
    else:
        yield "Draft reply, for you to check and edit; nekb posts nothing:"
        yield "---"
        yield plain(found.draft)


def _cards(found: Triage) -> Iterator[str]:
    if not found.cards:
        return
    yield from ("", "Likely cards")
    for card in found.cards:
        yield f"  {card.probability:4.0%}  {one_line(card.title)} [{card.id}]"
        yield f"        {one_line('; '.join(card.why))}"


def _duplicate(duplicate: Duplicate) -> Iterator[str]:
    marks = [word for word, on in (("Apple replied", duplicate.apple_replied), ("accepted", duplicate.accepted)) if on]
    ground = "; ".join([*duplicate.why, *marks]) or "near, and no more than that"
    yield f"  {one_line(duplicate.title)} ({ground})"
    yield f"    {safe_url(duplicate.url) or ''}"


def _left_out(item: LeftOut) -> str:
    note = "" if item.checked else " (perhaps said: no machine can tell)"
    return f"- {one_line(item.question)}{' (would change the answer)' if item.changes_answer else note}"
