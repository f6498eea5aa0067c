"""Versions that stand without the name of their system: `on 15.3`, `26.4 beta`, `17.0 was fine`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.answer import Signal
from kb.signals.versions import NEAR, SYSTEMS, UNIT, plausible, years_between

# A version that stands without its system: `on 15.3`, `since 26.0.1`, `(14.4)`, `XR, 13.5,`, `15.1.`, `26.4 beta`.
_ALONE = re.compile(
    r"(?<![\d.])(?:(?:\b(?:on|since|under|after|from|to|until|before|in|with|of|simulator|sim|auf|nach|seit|ab|sur|depuis)\s"
    r"|\bw/\s?|\bProductVersion:\s*)(?P<behind>\d{2}\.\d{1,2}(?:\.\d)?)(?!\.?[\dx]|\s?%|[A-Za-z])"
    r"|(?:^|[(（,/]\s?)(?P<apart>\d{2}\.\d{1,2}(?:\.\d)?)(?=[),;:）]|\.?\s*$|\.\s)"
    r"|(?P<early>\d{2}\.\d{1,2}(?:\.\d)?)(?=\s(?:public\s|developer\s)?(?:beta|b\d|RC)\b)"
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
_THREE_PARTS = re.compile(r"(?<![\d.])(?P<version>\d{2}\.\d{1,2}\.\d{1,2})(?!\.?[\dx]|%|/)")
_ANOTHERS = re.compile(
    r"\b(?:xcode|darwin|kernel|xnu|(?<!os_)(?<!os )(?<!product)version|ver|v|app|client|build|release|lib\w*|sdk"
    r"|wireguard|openvpn|openssl|swift|react native|flutter|node|python|java|electron|ruby|go|qt|xamarin|maui|net|dext"
    r"|pod|unity|expo|ionic|capacitor|cordova|kotlin|gradle|windows|ubuntu|debian|android|chrome|firefox|safari|docker)"
    r"[\s:=v-]{0,3}(?P<version>\d{1,2}(?:\.\d{1,2}){0,2})(?!\.?\d)",
    re.IGNORECASE,
)
# After an update, 16 to 18 are versions of iOS: macOS went from 15 to 26.
_UPDATED = re.compile(
    r"\b(?:updat\w{1,3}|upgrad\w{1,3})\s(?:to|auf|a|à|su|naar)\s(?P<version>1[678]\.\d{1,2}(?:\.\d)?)(?!\.?\d)",
    re.IGNORECASE,
)
_MAC_TEN = re.compile(r"(?<![\d.])(?P<version>10\.1[0-6](?:\.[0-9])?)(?!\.?\d|/)")


def versions_alone(text: str, found: list[Signal]) -> Iterator[Signal]:
    """The versions of a system that the text names elsewhere, or not at all where only one system had them.

    `found` are the other signals of the text. The system is that of the versions which stand with one, else the one
    platform; where there are such versions, another must be near them.
    """
    told = [s.value.split(" ") for s in found if s.kind == "os"]
    platforms = {s.value for s in found if s.kind == "platform"}
    if not told and platforms <= {"macOS"} and (old := [*_MAC_TEN.finditer(text)]):
        yield from _of("macOS", old, platforms)
    elif not told and not platforms and (updated := _UPDATED.search(text)):
        yield from _of("iOS", [updated], platforms)
    else:
        families = {family for family, _ in told} or platforms
        if len(families) == 1 and (family := next(iter(families))) in SYSTEMS.values():
            yield from _near(text, family, [version for _, version in told])


def _of(family: str, found: list[re.Match[str]], platforms: set[str]) -> Iterator[Signal]:
    """Versions that say by themselves of which system they are, and its platform where nothing else does."""
    for m in found:
        yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start("version"), end=m.end("version"))
    if not platforms:
        start, end = found[0].span("version")
        yield Signal(kind="platform", value=family, start=start, end=end, implied=True)


def _near(text: str, family: str, told: list[str]) -> Iterator[Signal]:
    """Versions of a system that is known, less those that the text gives to something else, there or elsewhere."""
    patterns = (_ALONE, _THREE_PARTS, *([_BESIDE] if told else []))
    found = [(m, m.lastgroup or "version") for pattern in patterns for m in pattern.finditer(text)]
    theirs = {m["version"] for m in _ANOTHERS.finditer(text)} if found else set()
    for m, group in found:
        version = m[group]
        near = not told or any(years_between(family, version, other) <= NEAR for other in told)
        if near and version not in theirs and plausible(family, version):
            yield Signal(kind="os", value=f"{family} {version}", start=m.start(group), end=m.end(group))
