"""Reading signals out of a symptom: prose, a pasted log, a wrapper's error.

Total: any text gives a list, and every span lies inside the text. Explicit signals carry the span of the words
that gave them; a signal that another one implies carries that one's span and `implied=True`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from kb.answer import Signal
from kb.signals.bare_versions import versions_alone
from kb.signals.codes import FoundCode, find_codes
from kb.signals.letters import lowered
from kb.signals.system_codes import find_system_codes
from kb.signals.tables import PLATFORMS, SYSTEM, TELL, Domain, Entry, SignalTables
from kb.signals.versions import find_devices, find_os, platform_of

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.:\-][A-Za-z0-9_]+)*:?")
_PART = re.compile(r"[A-Za-z0-9_]+")
_PREFIXED = re.compile(r"\b([A-Z]{2,3})(?=[A-Z][a-z])[A-Za-z]{4,60}\b")
# What logs print of Network is private for the most part: nw_endpoint_flow_…, nw_path_evaluator_…, …_block_invoke.
_FUNCTION = re.compile(
    r"\b(?:nw_(?!(?:association|endpoint_(?:flow|handler|proxy|resolver)|flow|read_request|write_request|socket"
    r"|path_(?:evaluator|necp|libinfo)|browser_(?:fail|dns)|listener_(?:socket|inbox)|protocol_(?:boringssl|tcp|quic))_)"
    r"(?!\w*(?:_block_invoke|_internal|_locked|_on_nw_queue))[a-z0-9_]{4,50}"
    r"|(?:SCNetworkReachability|CNCopy|DNSService)[A-Z]\w{2,40}|sec_protocol_[a-z_]{4,50})\b"
)
_BUG = re.compile(r"\bFB\d{7,9}\b")
_WINDOW = 60_000  # of a longer paste the first two thirds of this and the last third are read
_LONGEST_WORD = 200
_MOST = 100  # signals of a kind: an answer carries them all, and a paste can hold thousands
_MAX_PARTS = 6
_FEW_PARTS = 2
_BUNDLE = re.compile(r"(?:com|org|net|io|dev|de|cn|group)\.")
_OF_AN_INTERFACE = re.compile(r"\W?(?:addr|adres|адрес|地址|アドレス|주소|randomi[sz])", re.IGNORECASE)  # behind "MAC"
# System extensions and Developer ID exist on the Mac alone; who speaks of supervision or of a simulator, and names no
# platform, means iOS (docs/matching.md).
_ONLY_THERE = {
    ("packaging", "system-extension"): "macOS",
    ("distribution", "developer-id"): "macOS",
    ("supervision", "supervised"): "iOS",
    ("simulator", "yes"): "iOS",
}


def read_signals(text: str, tables: SignalTables) -> list[Signal]:
    """Every signal of a symptom, in the order of the text, each value once."""
    if len(text) <= _WINDOW:
        return _each_once(_read(text, tables))
    head, tail = _space_before(text, 2 * _WINDOW // 3), _space_before(text, len(text) - _WINDOW // 3)
    end = [replace(s, start=s.start + tail, end=s.end + tail) for s in _read(text[tail:], tables)]
    return _each_once(_read(text[:head], tables) + end)


def _space_before(text: str, at: int) -> int:
    """Where to cut a text so that no word is cut: the last space before a place, if one is near."""
    return next((n for n in range(at, max(at - _LONGEST_WORD, 0), -1) if text[n].isspace()), at)


def _read(text: str, tables: SignalTables) -> list[Signal]:
    named = list(_named(text, tables))
    context = context_domains(text, named, tables)
    domains = [(e.domain, start, end) for e, start, end in named if e.kind == "error" and e.domain and e.code is None]
    codes = _with_system_codes(find_codes(text, tables, context, domains), [*find_system_codes(text)])
    codes = [replace(c, domain=c.domain or tables.domain_by_number.get(c.code)) for c in codes]
    found = [_error_signal(c, tables) for c in codes]
    found += _domains_alone(named, codes, tables)
    found += [_signal(entry, start, end) for entry, start, end in named if entry.kind not in ("error", TELL)]
    found += find_os(text, tables)
    found += find_devices(text, tables)
    found += [Signal(kind="bug_number", value=m[0], start=m.start(), end=m.end()) for m in _BUG.finditer(text)]
    found += _other_frameworks(text, tables)
    found += _functions(text, tables)
    found += _implied(found, named, tables)
    found += versions_alone(text, found)
    return found


def _with_system_codes(codes: list[FoundCode], system: list[FoundCode]) -> list[FoundCode]:
    """All codes; an errno, whose words tell what it is, stands before a code that only its surroundings explain."""
    told = [c for c in system if c.domain]
    codes = [c for c in codes if c.explicit or not any(map(c.overlaps, told))]
    return codes + [c for c in system if not any(_same(c, other) for other in codes)]


def _same(one: FoundCode, other: FoundCode) -> bool:
    return one.code == other.code or one.overlaps(other)


def _other_frameworks(text: str, tables: SignalTables) -> Iterator[Signal]:
    """Classes of frameworks that are not ours, known by their prefix: `CBCentralManager`, `WKWebView`."""
    for m in _PREFIXED.finditer(text):
        framework = tables.foreign_prefixes.get(m[1])
        if framework and tables.word(m[0].lower()) is None:
            yield Signal(kind="foreign", value=framework, start=m.start(), end=m.end())


def _functions(text: str, tables: SignalTables) -> Iterator[Signal]:
    """The C functions of our frameworks that no table has, known by their prefix: `nw_listener_set_queue`."""
    for m in _FUNCTION.finditer(text):
        if tables.word(m[0].lower()) is None:
            yield Signal(kind="api", value=m[0], start=m.start(), end=m.end())


def context_domains(text: str, named: list[tuple[Entry, int, int]], tables: SignalTables) -> list[Domain]:
    """The error domains that the text speaks of: by name, by an API of their topic, by a word of their context."""
    by_name = {e.domain for e, _, _ in named if e.kind == "error" and e.domain}
    if ours := [d for name in by_name if (d := tables.domains[name]).visibility != SYSTEM]:
        return ours
    low = text.lower()
    spoken = _spoken_of(low, tables, lambda d: d.context) or _spoken_of(low, tables, lambda d: d.hinted_by)
    return [d for d in spoken if d.visibility != "enum"] or spoken


def _spoken_of(low: str, tables: SignalTables, words: Callable[[Domain], Iterable[str]]) -> list[Domain]:
    return [d for d in tables.domains.values() if any(_stands_in(word, low) for word in words(d))]


def _stands_in(word: str, low: str) -> bool:
    """Whether a word stands in the text, not as the end of a longer one; other scripts write without spaces.

    One with a space behind it is not the beginning of a longer one either.
    """
    sought = word.rstrip()
    at = low.find(sought)
    while at >= 0 and not _apart(low, at, at + len(sought), whole=sought != word):
        at = low.find(sought, at + 1)
    return at >= 0


def _apart(low: str, start: int, end: int, *, whole: bool) -> bool:
    """Whether what stands there does not end a longer word, nor begin one where it has to be whole."""
    beside = low[max(start - 1, 0) : start] + (low[end : end + 1] if whole else "")
    return not low[start].isascii() or not any(c.isascii() and c.isalnum() for c in beside)


def _named(text: str, tables: SignalTables) -> Iterator[tuple[Entry, int, int]]:
    """Every word and phrase of the tables that stands in the text."""
    low = lowered(text)
    taken: list[tuple[int, int]] = []
    for phrase in tables.raw_phrases:  # the longest first: "not supervised" before "supervised"
        # Most are not there, and four hundred calls to say so would take longer than all the rest.
        if phrase not in low or (at := _first_free(low, phrase, taken)) is None:
            continue
        entry = tables.phrase(phrase)
        assert entry is not None
        if entry.kind != TELL:  # which leaves its words to whatever else they are
            taken.append((at, at + len(phrase)))
        yield entry, at, at + len(phrase)
    for m in _WORD.finditer(text):
        for entry, start, end in _look_up(m[0], m.start(), tables):
            of_plist = entry.kind == "api" and text.startswith("<key>", max(0, start - 5))
            of_hardware = entry.kind == "platform" and _OF_AN_INTERFACE.match(text, end) is not None
            if not of_plist and not of_hardware and not any(a <= start and end <= b for a, b in taken):
                yield entry, start, end


def _first_free(low: str, phrase: str, taken: list[tuple[int, int]]) -> int | None:
    """Where a phrase first stands as such, and not within a longer one."""
    at = low.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if _bounded(low, at, end) and not any(a <= at and end <= b for a, b in taken):
            return at
        at = low.find(phrase, end)
    return None


def _bounded(low: str, start: int, end: int) -> bool:
    """Whether a phrase does not begin or end inside a word."""
    before, after = low[start - 1 : start], low[end : end + 1]
    return not (before.isalnum() and low[start].isalnum() and before.isascii()) and not (
        after.isalpha() and low[end - 1].isalnum() and after.isascii()
    )


def _look_up(word: str, start: int, tables: SignalTables) -> Iterator[tuple[Entry, int, int]]:
    low = word.rstrip(":").lstrip("_").lower().replace(".code.", ".")  # `NEVPNError.Code.configurationStale`
    entry = tables.word(word.lower()) or tables.word(low) or _numbered(low, tables) or _plural(low, tables)
    if entry is not None:
        yield entry, start, start + len(word)
        return
    parts = list(_PART.finditer(word))
    if len(parts) < 2:
        return
    at = 0
    while at < len(parts):
        for to in range(min(len(parts), at + _MAX_PARTS), at, -1):
            piece = word[parts[at].start() : parts[to - 1].end()]
            entry = tables.word(piece.lower())
            if entry is not None and _told_by_part(entry, word, to - at, len(parts)):
                yield entry, start + parts[at].start(), start + parts[to - 1].end()
                at = to - 1
                break
        at += 1


def _told_by_part(entry: Entry, word: str, parts: int, of: int) -> bool:
    """Whether a part of a longer word says what it says alone.

    In a bundle's name an API is no API, and a lone word of a long identifier is no platform.
    """
    if entry.kind == "api":
        return not _BUNDLE.match(word)
    return entry.kind not in ("platform", "distribution") or parts > 1 or of <= _FEW_PARTS


def _numbered(low: str, tables: SignalTables) -> Entry | None:
    """An interface, a process or a foreign system with a number behind its name: `utun4`, `ubuntu16.04`."""
    entry = tables.word(low.rstrip("0123456789."))
    return entry if entry is not None and entry.kind in ("log", "platform") else None


def _plural(low: str, tables: SignalTables) -> Entry | None:
    """A class of which somebody writes several: `NENetworkRules`."""
    entry = tables.word(low[:-1]) if low.startswith(("ne", "nw", "os")) and low.endswith("s") else None
    return entry if entry is not None and entry.kind == "api" else None


def _error_signal(found: FoundCode, tables: SignalTables) -> Signal:
    domain = tables.domains.get(found.domain or "")
    case = domain.cases.get(found.code) if domain else None
    name = domain.name if domain else found.domain
    return Signal(
        kind="error",
        value=f"{name} {found.code}" if name else str(found.code),
        start=found.start,
        end=found.end,
        domain=name,
        code=found.code,
        symbol=case.symbol if case else None,
        implied=not found.explicit and name is not None,
    )


def _domains_alone(named: list[tuple[Entry, int, int]], codes: list[FoundCode], tables: SignalTables) -> list[Signal]:
    """Domains, and symbols of cases, that stand without a code beside them."""
    with_code = {(c.domain, c.code) for c in codes}
    alone = []
    for entry, start, end in named:
        if entry.kind != "error" or entry.domain is None:
            continue
        if entry.code is not None and (entry.domain, entry.code) not in with_code:
            with_code.add((entry.domain, entry.code))
            alone.append(_error_signal(FoundCode(entry.domain, entry.code, start, end, explicit=True), tables))
        elif entry.code is None and not any(d == entry.domain for d, _ in with_code):
            domain = tables.domains[entry.domain]
            alone.append(Signal(kind="error", value=domain.name, start=start, end=end, domain=domain.name))
    return alone


def _signal(entry: Entry, start: int, end: int) -> Signal:
    return Signal(kind=entry.kind, value=entry.value, start=start, end=end)  # type: ignore[arg-type]


def _implied(found: Iterable[Signal], named: list[tuple[Entry, int, int]], tables: SignalTables) -> list[Signal]:
    """What other signals imply: a platform, and the API that a wrapper hides."""
    found = list(found)
    implied = [
        Signal(kind=kind, value=value, start=start, end=end, implied=True)  # type: ignore[arg-type]
        for entry, start, end in named
        for kind, value in entry.implies
    ]
    return [*implied, *_implied_platforms(found, named, tables)]


def _implied_platforms(
    found: list[Signal], named: list[tuple[Entry, int, int]], tables: SignalTables
) -> Iterator[Signal]:
    """A version or a device says its platform always, what exists on one alone only where nothing names one."""
    strong = [(platform_of(s), s.start, s.end) for s in found if s.kind in ("os", "device")]
    strong = [p for p in strong if p[0]]
    if not strong and any(s.kind == "platform" for s in found):
        return
    if not strong:
        strong = [(e.platforms[0], a, b) for e, a, b in named if _one_platform(e.platforms)]
        strong += [(only, s.start, s.end) for s in found if s.kind == "error" and (only := _domain_platform(s, tables))]
        strong += [(only, s.start, s.end) for s in found if (only := _ONLY_THERE.get((s.kind, s.value)))]
    for platform, start, end in strong or _told_platform(named):
        assert platform is not None
        yield Signal(kind="platform", value=platform, start=start, end=end, implied=True)


def _told_platform(named: list[tuple[Entry, int, int]]) -> list[tuple[str | None, int, int]]:
    """The platform that the text tells without naming it, where it tells one alone."""
    told = [(entry.value, start, end) for entry, start, end in named if entry.kind == TELL]
    return [told[0]] if len({value for value, _, _ in told}) == 1 else []


def _one_platform(platforms: tuple[str, ...]) -> bool:
    """Whether an API tells the platform: it lives on one, or on iOS and its smaller kin but not on macOS."""
    return len(platforms) == 1 or (bool(platforms) and platforms[0] == "iOS" and "macOS" not in platforms)


def _domain_platform(signal: Signal, tables: SignalTables) -> str | None:
    domain = tables.domain_named(signal.domain or "")
    if domain is None or not domain.platforms:
        return None
    named = [p for p in PLATFORMS if p in domain.platforms]
    if "macOS" in named and "iOS" not in named:
        return "macOS"
    return "iOS" if "iOS" in named and "macOS" not in named else None


def _each_once(found: list[Signal]) -> list[Signal]:
    kept: dict[tuple[str, str], Signal] = {}
    for s in sorted(found, key=lambda s: (s.implied, s.start, -s.end)):
        kept.setdefault((s.kind, s.value), s)
    count: Counter[str] = Counter()
    found_first = []
    for s in sorted(kept.values(), key=lambda s: (s.start, s.end)):
        count[s.kind] += 1
        if count[s.kind] <= _MOST:
            found_first.append(s)
    return found_first
