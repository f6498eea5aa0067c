"""Texts to take along: the answer as Markdown, and drafts of a bug report, a forum post or a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from api.records.redaction import redacted
from api.text import one_line, plain, safe_url
from api.web.excerpt import excerpt
from kb.answer import Answer, Guidance, Link, Signal
from kb.guidance.card import Card
from kb.guidance.condition import only, value

BLANK = "____"
_NAMED = 3  # errors and APIs in a title
_CODE = re.compile(r"((?<!`)`[^`]++`(?!`))")
_SIGNS = re.compile(r"([\\\[\]<&])")  # what ends a link, and what begins HTML


@dataclass(frozen=True)
class Draft:
    """A text for a place: `kind` names its template."""

    kind: str
    label: str
    place: str
    text: str


def answer_markdown(answer: Answer) -> str:
    """The first card of an answer with its checklist, citations and threads."""
    if not answer.guidance:
        return "nekb has nothing on this.\n"
    card = answer.guidance[0]
    lines = [f"# {one_line(card.title)}", "", plain(card.summary), "", "## Checklist", ""]
    lines += [_step(n, s.text, s.when, s.links) for n, s in enumerate(card.steps, 1)]
    lines += _listed("Have ready", card.ask_for)
    lines += _listed("Links", (_link(item) for item in card.links))
    lines += _listed("Threads like it", (_link(Link(title=t.title, url=t.url)) for t in answer.threads))
    return "\n".join([*lines, "", _origin(card)]) + "\n"


def card_markdown(card: Card, links: dict[str, Link]) -> str:
    """A whole card."""
    lines = [f"# {one_line(card.title)}", "", plain(card.summary), "", "## Checklist", ""]
    lines += [_step(n, s.text, s.when, [links[c] for c in s.cites if c in links]) for n, s in enumerate(card.steps, 1)]
    lines += _listed("Have ready", (a.question for a in card.ask_for))
    lines += _listed("Links", (_link(links[id]) for id in card.links if id in links))
    return "\n".join([*lines, "", f"nekb: {card.id}, reviewed {card.reviewed}"]) + "\n"


def _step(number: int, text: str, when: str | None, links: Iterable[Link]) -> str:
    return " ".join([f"{number}. {one_line(text)}{only(when)}", *(_link(item) for item in links)])


def _link(link: Link) -> str:
    parts = _CODE.split(one_line(link.title))
    title = "".join(part if at % 2 else _SIGNS.sub(r"\\\1", part) for at, part in enumerate(parts))
    address = safe_url(link.url)
    return f"[{title}](<{address}>)" if address else title


def _listed(title: str, items: Iterable[str]) -> list[str]:
    found = [f"- {one_line(item)}" for item in items]
    return ["", f"## {title}", "", *found] if found else []


def _origin(card: Guidance) -> str:
    return f"nekb: {card.id}, reviewed {card.reviewed}, look again after {' or '.join(card.recheck_after)}"


def drafts(text: str, answer: Answer, card: Card) -> list[Draft]:
    """The draft of the card's route, then that of its next stop; a fix that did not help goes to the forum."""
    kinds = [card.route.kind, card.route.otherwise or "ask_forum", "ask_forum"]
    wanted = list(dict.fromkeys("ask_forum" if k in ("fix", "out_of_scope") else k for k in kinds))
    if card.route.kind == "fix":
        wanted.sort(key=lambda k: k != (card.route.otherwise or "ask_forum"))
    facts = _Facts(text, answer.signals)
    return [_DRAFTS[kind](facts, card, answer.guidance[0]) for kind in wanted[:2]]


class _Facts:
    """What the text says, for the blanks of a draft."""

    def __init__(self, text: str, signals: list[Signal]) -> None:
        self.text = redacted(plain(text)).strip()
        self._signals = signals
        self._read = [text[s.start : s.end] for s in sorted(signals, key=lambda s: s.kind != "error") if not s.implied]

    def of(self, *kinds: str) -> str:
        """The values of a kind, or a blank. What was only implied is marked as a guess to check."""
        found = [
            one_line(value(s.value)) + (" (please check)" if s.implied else "")
            for s in self._signals
            if s.kind in kinds
        ]
        return ", ".join(dict.fromkeys(found)) or BLANK

    @property
    def short(self) -> str:
        """What a title should name: the errors and APIs that the text itself names, a few of them."""
        found = [s for s in self._signals if s.kind in ("error", "api") and not s.implied]
        found.sort(key=lambda s: s.kind != "error")
        return ", ".join(list(dict.fromkeys(one_line(s.value) for s in found))[:_NAMED]) or BLANK

    @property
    def errors(self) -> str:
        """Errors with their symbols."""
        found = [one_line(s.value) + (f" ({s.symbol})" if s.symbol else "") for s in self._signals if s.kind == "error"]
        return ", ".join(dict.fromkeys(found)) or BLANK

    @property
    def excerpt(self) -> str:
        """The text around its signals as a code block, without what looks like a secret or a person."""
        body = excerpt(self.text, self._read)
        fence = "```"
        while fence in body:
            fence += "`"
        return f"{fence}\n{body}\n{fence}"


def _environment(facts: _Facts) -> list[str]:
    version = facts.of("os")
    return [
        f"- Platform and OS version: {facts.of('platform') + ' ' + BLANK if version == BLANK else version}",
        f"- Device model: {facts.of('device')}",
        f"- Xcode version: {BLANK}",
        f"- How the build was distributed: {facts.of('distribution')}",
        f"- Supervised or managed: {facts.of('supervision')}",
        f"- API: {facts.of('api')}",
        f"- Error: {facts.errors}",
    ]


def _tried(card: Guidance) -> list[str]:
    return [f"- [ ] {_action(s.text)}: {BLANK}" for s in card.steps]


def _action(text: str) -> str:
    """The first words of a step: what it says in bold, else its first sentence."""
    flat = one_line(text)
    bold = flat.split("**")
    first = bold[1] if len(bold) > 2 and not bold[0] else flat.split(". ")[0]
    return first.rstrip(".:?! ").replace("**", "")


def _asked(card: Card) -> list[str]:
    return [f"- {one_line(a.question)} {BLANK}" for a in card.ask_for]


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _bug(facts: _Facts, card: Card, shown: Guidance) -> Draft:
    lines = [
        f"Title: {BLANK} (one line: what fails, where, since which build; mention {facts.short})",
        "Area: Networking, Network Extension",
        "",
        "Environment",
        *_environment(facts),
        f"- First OS build that fails, last one that works: {BLANK}",
        *_section("Steps to reproduce", [f"1. {BLANK}", f"2. {BLANK}"]),
        *_section("Expected", [BLANK]),
        *_section("Actual", [f"{BLANK} (how often, and the exact time of one failure)"]),
        *_section("Message or log", [facts.excerpt]),
        *_section("Ruled out", _tried(shown)),
        *_section("More", _asked(card)),
        *_section("Attached", [f"- [ ] {one_line(a)}" for a in card.route.attach]),
    ]
    return Draft("file_bug", "Draft a bug report", "Feedback Assistant", "\n".join(lines) + "\n")


def _post(facts: _Facts, card: Card, shown: Guidance) -> Draft:
    where = card.route.subtopic or "App & System Services > Networking"
    lines = [
        f"Title: {BLANK} ({facts.short})",
        f"Subtopic: {one_line(where)}",
        f"Tags: {', '.join(one_line(t) for t in card.route.tags) or 'Network Extension'}",
        "",
        f"I am trying to {BLANK}. I expect {BLANK}; instead {BLANK}.",
        "",
        "**Environment**",
        *_environment(facts),
        *_section("**Message or log**", [facts.excerpt]),
        *_section("**What I checked**", _tried(shown)),
        *_section("**More**", _asked(card)),
        *_section("**Bug number**", [facts.of("bug_number")]),
    ]
    return Draft("ask_forum", "Draft a forum post", "Apple Developer Forums", "\n".join(lines) + "\n")


def _request(facts: _Facts, card: Card, shown: Guidance) -> Draft:
    named = facts.of("entitlement")
    wanted = named if named != BLANK else next(iter(card.signals.entitlements), BLANK)
    lines = [
        f"Entitlement: {wanted}",
        f"App: {BLANK} (name, bundle ID, App Store or TestFlight address)",
        f"Team ID: {BLANK}",
        f"What the app does for its users: {BLANK}",
        f"Why it needs this entitlement, and which APIs it calls: {BLANK}",
        f"Why the APIs that need no grant are not enough: {BLANK}",
        f"Who will use it, and how it is distributed: {facts.of('distribution')}",
        *_section("Have ready", _asked(card)),
        *_section("Attached", [f"- [ ] {one_line(a)}" for a in card.route.attach]),
    ]
    return Draft("request_entitlement", "Draft the request", one_line(shown.title), "\n".join(lines) + "\n")


def _support(facts: _Facts, card: Card, shown: Guidance) -> Draft:
    lines = [
        f"Subject: {one_line(shown.title)}",
        "",
        f"Team ID: {BLANK}",
        f"App: {BLANK} (name, bundle ID)",
        f"Entitlement: {facts.of('entitlement')}",
        f"Request or case number, and when it was sent: {BLANK}",
        f"What happened since: {BLANK}",
        *_section("Message", [facts.excerpt]),
        *_section("Checked", _tried(shown)),
        *_section("More", _asked(card)),
    ]
    return Draft("contact_support", "Draft a message to support", "Apple Developer Support", "\n".join(lines) + "\n")


_DRAFTS = {"file_bug": _bug, "ask_forum": _post, "request_entitlement": _request, "contact_support": _support}
