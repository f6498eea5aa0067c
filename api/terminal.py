"""The answer in a terminal: the card first, its checklist, its links, then threads, then what is missing.

Coloured and with links to click on a terminal that has both; plain lines when piped and where there is no colour.
Everything that came from outside passes through `api.text` first.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from api.text import one_line, safe_url
from api.wording import ROUTES
from kb.guidance.condition import condition

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from kb.answer import Answer, Guidance, Link, Thread
    from kb.guidance.card import Card

_INLINE = re.compile(r"\*\*(?P<bold>.+?)\*\*|`(?P<code>[^`]+)`")
_OUTCOMES = {"answered": "", "uncertain": "Not sure. The nearest guidance:", "no_match": ""}
_WIDTH = 100
_OTHER_FROM = 0.02  # a probability below which another card is not worth a line in a terminal


def show(answer: Answer) -> None:
    """Print an answer to standard output."""
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False, width=None)
        if console.color_system is not None and not console.no_color:
            for line in rich_lines(answer, addresses=_without_links()):
                console.print(line, soft_wrap=False, crop=False)
            return
    sys.stdout.write("\n".join(plain_lines(answer)) + "\n")


def _without_links() -> bool:
    """Whether the terminal is one that has colours and shows a link's title alone, with nothing to click."""
    term = os.environ.get("TERM", "")
    return os.environ.get("TERM_PROGRAM") == "Apple_Terminal" or term == "linux" or term.startswith("screen")


def plain_lines(answer: Answer) -> Iterator[str]:
    """The answer as plain text, wrapped at 100 columns."""
    if answer.outcome == "no_match":
        yield NOTHING
        yield from _asked(answer)
        return
    if _OUTCOMES[answer.outcome]:
        yield from (_OUTCOMES[answer.outcome], "")
    first, *others = _worth_showing(answer)
    yield from _plain_card(first, answer)
    if others:
        yield from ("", "Other guidance")
        yield from (f"  {one_line(g.title)} [{g.id}]" for g in others)
    if answer.threads:
        yield from ("", _threads_heading(answer))
        for t in answer.threads:
            yield f"  {one_line(t.title)}{_marks(t)}"
            yield f"    {one_line(t.url)}"
    yield from _asked(answer)


def _threads_heading(answer: Answer) -> str:
    """What the threads are, and what kept them from being found by meaning."""
    reason = one_line(answer.degraded_reason or "")
    return f"Threads like it, found by words alone. {reason}" if answer.degraded else "Threads like it"


def _asked(answer: Answer) -> Iterator[str]:
    """What is missing, with what to type for it."""
    if answer.missing:
        yield from ("", "Would change the answer")
        yield from (f"  {_missing(m.question, m.signal, m.options)}" for m in answer.missing)


def _worth_showing(answer: Answer) -> list[Guidance]:
    """The first card, and others that may be the right one."""
    first, *others = answer.guidance
    return [first, *(g for g in others if g.score >= _OTHER_FROM)]


NOTHING = (
    "Nothing here: this does not look like a question on Apple's Network Extension, or nothing known answers it.\n"
    "Add the API, the error domain and code, or the log lines around the failure and ask again."
)


def _plain_card(card: Guidance, answer: Answer) -> Iterator[str]:
    cited = Citations(card)
    yield one_line(card.title)
    yield from _wrapped(_unmarked(card.summary), "")
    yield ""
    for at, step in enumerate(card.steps, 1):
        marks = "".join(f" [{n}]" for n in cited.numbers(step.links))
        yield from _wrapped(_unmarked(step.text) + marks, f"{at:>2}. ", "    ")
    if card.ask_for:
        yield from ("", "Have ready")
        for question in card.ask_for:
            yield from _wrapped(_unmarked(question), "  - ", "    ")
    yield from ("", "Links")
    for n, link in enumerate(cited.links, 1):
        yield f" [{n}] {_titled(link)}"
        yield f"     {safe_url(link.url) or ''}"
    yield from ("", *_wrapped(footer(card, answer), ""))


class Citations:
    """The links of a card, numbered once: those of the card first, then what its steps cite besides."""

    def __init__(self, card: Guidance) -> None:
        cited = [*card.links, *(link for step in card.steps for link in step.links)]
        self.links = list({link.url: link for link in cited}.values())
        self._numbers = {link.url: n for n, link in enumerate(self.links, 1)}

    def numbers(self, links: list[Link]) -> list[int]:
        """The numbers of a step's links."""
        return [self._numbers[link.url] for link in links]


def footer(card: Guidance, answer: Answer) -> str:
    """Where the card stands: its id, confidence, route, dates."""
    again = " or ".join(card.recheck_after)
    return (
        f"[{card.id}] confidence {answer.confidence:.2f}, route {answer.route.replace('_', ' ')}, "
        f"reviewed {card.reviewed}, facts of {card.facts_as_of}, look again after {again}"
    )


def _titled(link: Link) -> str:
    return one_line(link.title) + (" (a search for the title: the page's address is not known)" if link.search else "")


def _link_lines(links: list[Link]) -> Iterator[str]:
    for link in links:
        yield f"{_titled(link)}: {safe_url(link.url) or ''}"


def _marks(thread: Thread) -> str:
    marks = [text for text, on in (("Apple replied", thread.apple_replied), ("accepted answer", thread.accepted)) if on]
    if thread.activity:
        marks.append(one_line(thread.activity))
    return f" ({', '.join(marks)})" if marks else ""


def _missing(question: str, signal: str, options: list[str]) -> str:
    hint = f" --with {signal}={'|'.join(options)}" if options else ""
    return f"{one_line(question)}{hint}"


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    wrapper = TextWrapper(
        width=_WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(one_line(text))


def _unmarked(text: str) -> str:
    """Markdown emphasis taken off; code keeps its backquotes, so that a command's end is seen."""
    return _INLINE.sub(lambda m: m["bold"] if m["bold"] else m[0], text)


def rich_lines(answer: Answer, *, addresses: bool = False) -> Iterator[RenderableType]:
    """The answer for a terminal, as rich text objects; no markup is ever read out of the text itself.

    With `addresses` each link's address stands below it, for a terminal where it cannot be clicked.
    """
    from rich.text import Text

    if answer.outcome == "no_match":
        yield Text(NOTHING)
        yield from _rich_asked(answer)
        return
    if _OUTCOMES[answer.outcome]:
        yield Text(_OUTCOMES[answer.outcome], style="yellow")
        yield ""
    first, *others = _worth_showing(answer)
    yield from _rich_card(first, answer, addresses)
    if others:
        yield from ("", Text("Other guidance", style="bold"))
        for g in others:
            yield Text.assemble("  ", one_line(g.title), (f"  {g.id}", "dim"))
    if answer.threads:
        yield from ("", Text(_threads_heading(answer), style="bold"))
        for t in answer.threads:
            yield Text.assemble("  ", _clickable(t.title, t.url), (_marks(t), "dim"))
            if addresses:
                yield _below(t.url, 4)
    yield from _rich_asked(answer)


def _rich_asked(answer: Answer) -> Iterator[RenderableType]:
    from rich.text import Text

    if answer.missing:
        yield from ("", Text("Would change the answer", style="bold"))
        for m in answer.missing:
            yield Text(f"  {_missing(m.question, m.signal, m.options)}")


def _rich_card(card: Guidance, answer: Answer, addresses: bool) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    cited = Citations(card)
    yield Text(one_line(card.title), style="bold green" if answer.outcome == "answered" else "bold yellow")
    yield _inline(card.summary)
    yield ""
    for at, step in enumerate(card.steps, 1):
        line = Text.assemble((f"{at}. ", "bold"), _inline(step.text))
        for n, link in zip(cited.numbers(step.links), step.links, strict=True):
            line.append(" ")
            line.append_text(_clickable(f"[{n}]", link.url, style="cyan"))
        yield Padding(line, (0, 0, 0, 2))
    if card.ask_for:
        yield from ("", Text("Have ready", style="bold"))
        for question in card.ask_for:
            yield Text.assemble("  • ", _inline(question))
    yield from ("", Text("Links", style="bold"))
    for n, link in enumerate(cited.links, 1):
        yield Text.assemble(f" [{n}] ", _clickable(link.title, link.url), (" (search)" if link.search else "", "dim"))
        if addresses:
            yield _below(link.url, 5)
    yield from ("", Text(footer(card, answer), style="dim"))


def _inline(text: str) -> Text:
    from rich.text import Text

    out, at, flat = Text(), 0, one_line(text)
    for m in _INLINE.finditer(flat):
        out.append(flat[at : m.start()])
        out.append(m["bold"] or m["code"], style="bold" if m["bold"] else "cyan")
        at = m.end()
    out.append(flat[at:])
    return out


def _clickable(title: str, url: str, *, style: str = "underline") -> Text:
    from rich.text import Text

    address = safe_url(url)
    return Text(one_line(title), style=f"{style} link {address}" if address else style)


def _below(url: str, indent: int) -> Text:
    """An address on a line of its own, whole however narrow the terminal is, so that it can be copied."""
    from rich.text import Text

    return Text(" " * indent + (safe_url(url) or ""), no_wrap=True, overflow="ignore")


def _route_lines(card: Card, resources: Mapping[str, Link]) -> Iterator[str]:
    route = card.route
    yield f"What it is: {ROUTES[route.kind].lower()}"
    if route.otherwise:
        yield f"If that does not help: {ROUTES[route.otherwise].lower()}"
    if route.form and route.form in resources:
        yield from _link_lines([resources[route.form]])
    if route.subtopic:
        tags = f", tagged {', '.join(route.tags)}" if route.tags else ""
        yield f"On the forum: {one_line(route.subtopic + tags)}"
    yield from (f"  attach: {one_line(item)}" for item in route.attach)
    if card.see_also:
        yield f"See also: {', '.join(card.see_also)}"


def card_lines(card: Card, resources: Mapping[str, Link]) -> Iterator[str]:
    """A whole card as plain text: checklist with conditions and citations, symptoms, near-misses, route."""
    yield f"{one_line(card.title)}  [{card.id}, {card.topic}]"
    yield from _wrapped(_unmarked(card.summary), "")
    yield from ("", "Checklist")
    for at, step in enumerate(card.steps, 1):
        only = f" (only: {condition(step.when)})" if step.when else ""
        yield from _wrapped(_unmarked(step.text) + only, f"{at:>2}. ", "    ")
        yield from (f"    {line}" for line in _link_lines([resources[c] for c in step.cites if c in resources]))
    yield from ("", "Have ready")
    for ask in card.ask_for:
        yield from _wrapped(_unmarked(ask.question), "  - ", "    ")
    yield from ("", "Symptoms")
    for text in card.phrasings:
        yield from _wrapped(text, "  - ", "    ")
    if card.near_misses:
        yield from ("", "Not this card")
        yield from (f"  - {one_line(m.text)} -> {m.card}" for m in card.near_misses)
    yield from ("", *_route_lines(card, resources))
    yield from ("", "Links")
    yield from (f"  {line}" for line in _link_lines([resources[id] for id in card.links if id in resources]))
    yield ""
    yield f"reviewed {card.reviewed}, facts of {card.facts_as_of}, look again after {' or '.join(card.recheck_after)}"
