"""Versions that stand without the name of their system: `on 15.3`, `26.4 beta`, `17.0 was fine`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kb.answer import Signal
from kb.signals.versions import NEAR, SYSTEMS, UNIT, plausible, years_between

# A version that stands without its system: `on 15.3`, `since 26.0.1`, `(14.4)`, `XR, 13.5,`, `15.1.`, `26.4 beta`.
_ALONE = re.compile(
    r"(?<![\d.])(?:(?:\b(?:on|since|under|after|from|to|until|before|in|with|of|simulator|sim"
    r"|auf|nach|seit|ab|mit|sur|depuis|en|su|на|с|после)\s"
    r"|\bw/\s?|\bProductVersion:\s*)(?P<behind>\d{2}\.\d{1,2}(?:\.\d)?)(?!\.?[\dx]|\s?%|[A-Za-z])"
    r"|(?:^|[(（,/]\s?)(?P<apart>\d{2}\.\d{1,2}(?:\.\d)?)(?=[),;:）]|\.?\s*$|\.\s)"
    r"|(?P<early>\d{2}\.\d{1,2}(?:\.\d)?)(?=\s?(?:public\s|developer\s)?(?:beta|b\d|RC)\b)"
    r"|\A(?P<first>\d{2}\.\d{1,2}(?:\.\d)?)(?=[\s:,])|\s(?P<last>\d{2}\.\d{1,2}(?:\.\d)?)\s*\Z"
    r"|\b(?:on|since)\s(?P<whole>1[1-8]|2[67])(?=[,;:)?]|\.(?!\d)|\s(?:and|it|there|beta|dev)\b|\Z))",
    re.MULTILINE | re.IGNORECASE,
)
# Where one stands with its system, a near one needs no word before it: `17.0 was fine`, `15.x too`, `and on 15?`.
_BESIDE = re.compile(
    rf"(?<![\w.,:/-])(?:(?P<version>\d{{2}}\.\d{{1,2}})(?!\.?\d|[\w%/]|{UNIT})|(?P<series>\d{{2}})\.[x*](?!\w)"
    r"|(?:(?<=\bon )|(?<=\bfrom ))(?P<whole>\d{2})(?=[?,;)]|\.(?!\d)|\s(?:on|it)\b|$))",
    re.IGNORECASE,
)
# Three parts are a system's where its platform is known and nothing before them says whose else they are.
_THREE_PARTS = re.compile(r"(?<![\w.])(?P<version>\d{2}\.\d{1,2}\.\d{1,2})(?!\.?[\dx]|%|/)")
_ANOTHERS = re.compile(
    r"\b(?:xcode|darwin|kernel|xnu|(?<!os_)(?<!os )(?<!product)(?<!software )version|ver|v|app|client|build|release"
    r"|lib\w*|sdk|wireguard|openvpn|openssl|swift|react(?: native)?|vue|angular|rails|php|postgres|nginx|flutter|node"
    r"|python|java|electron|ruby|go|qt|xamarin|maui|net|dext|pod|unity|expo|ionic|capacitor|cordova|kotlin|gradle"
    r"|windows|ubuntu|debian|android|chrome|firefox|safari|docker)"
    r"[\s:=v-]{0,3}(?P<version>\d{1,2}(?:\.\d{1,2}){0,2})(?!\.?\d)",
    re.IGNORECASE,
)
# macOS went from 15 to 26, so these are of iOS.
_OF_IOS_ALONE = re.compile(r"1[678]\.[0-7](?:\.\d)?")
_UPDATED = re.compile(
    r"\b(?:updat\w{1,3}|upgrad\w{1,3})\s(?:to|auf|a|à|su|naar)\s(?P<version>1[678]\.\d{1,2}(?:\.\d)?)(?!\.?\d)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"iPhone \d", re.IGNORECASE)
_MAC_TEN = re.compile(r"(?<![\d.])(?P<version>10\.1[0-6](?:\.[0-9])?)(?!\.?\d|/)")


def versions_alone(text: str, found: list[Signal]) -> Iterator[Signal]:
    """The versions of a system that the text names elsewhere, or not at all where only one system had them.

    `found` are the other signals of the text. The system is that of the versions which stand with one, else the one
    platform; where there are such versions, another must be near them.
    """
    told = [s.value.split(" ") for s in found if s.kind == "os"]
    platforms = {s.value for s in found if s.kind == "platform"}
    if not told and platforms <= {"macOS"} and (old := [m.span("version") for m in _MAC_TEN.finditer(text)]):
        yield from _of("macOS", text, old, platforms)
    elif not told and not platforms:
        if alone := _of_ios(text, found):
            yield from _of("iOS", text, alone, platforms)
            yield from _near(text, "iOS", [text[start:end] for start, end in alone])
    else:
        families = {family for family, _ in told} or platforms
        if len(families) == 1 and (family := next(iter(families))) in SYSTEMS.values():
            near = _near(text, family, [version for _, version in told])
            yield from (s for s in near if told or "." in s.value or not _numbered_model(found))


def _numbered_model(found: list[Signal]) -> bool:
    """Whether a model is called by its number, so that a whole number may be one too: `iPhone 15, but not on 13`."""
    return any(s.kind == "device" and _NUMBERED.match(s.value) for s in found)


def _of_ios(text: str, found: list[Signal]) -> list[tuple[int, int]]:
    """Where versions stand that only iOS had, in a text that speaks of nothing of somebody else's."""
    if updated := _UPDATED.search(text):
        return [updated.span("version")]
    if any(s.kind == "foreign" for s in found):
        return []
    return [(start, end) for start, end in _alone(text, [_ALONE]) if _OF_IOS_ALONE.fullmatch(text, start, end)]


def _of(family: str, text: str, spans: list[tuple[int, int]], platforms: set[str]) -> Iterator[Signal]:
    """Versions that say by themselves of which system they are, and its platform where nothing else does."""
    for start, end in spans:
        yield Signal(kind="os", value=f"{family} {text[start:end]}", start=start, end=end)
    if not platforms:
        start, end = spans[0]
        yield Signal(kind="platform", value=family, start=start, end=end, implied=True)


def _near(text: str, family: str, told: list[str]) -> Iterator[Signal]:
    """Versions of a system that is known."""
    for start, end in _alone(text, (_ALONE, _THREE_PARTS, *([_BESIDE] if told else []))):
        version = text[start:end]
        near = not told or any(years_between(family, version, other) <= NEAR for other in told)
        if near and plausible(family, version):
            yield Signal(kind="os", value=f"{family} {version}", start=start, end=end)


def _alone(text: str, patterns: Iterable[re.Pattern[str]]) -> list[tuple[int, int]]:
    """Where versions stand, less those that the text gives to something else, there or elsewhere."""
    found = [m.span(m.lastgroup or "version") for pattern in patterns for m in pattern.finditer(text)]
    theirs = {m["version"] for m in _ANOTHERS.finditer(text)} if found else set()
    return [(start, end) for start, end in found if text[start:end] not in theirs]
