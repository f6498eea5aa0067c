"""Operating systems with their versions, and devices: `iOS 26.0.1`, `Tahoe`, `iPhone17,1`, `iPhone 17 Pro`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.answer import Signal
from kb.signals.letters import lowered
from kb.signals.tables import SignalTables

_CANONICAL = {
    "ios": "iOS",
    "ipados": "iPadOS",
    "macos": "macOS",
    "mac os": "macOS",
    "mac os x": "macOS",
    "os x": "macOS",
    "osx": "macOS",
    "tvos": "tvOS",
    "visionos": "visionOS",
    "watchos": "watchOS",
    "mac": "macOS",
}
_UNIT = r"\s*(?:GB|MB|ms|sec|min|mini|inch|core)"  # behind a number that is no version
_OS = re.compile(
    r"\b(?P<os>iOS|iPadOS|macOS|mac\s?OS\s?X|mac\s?OS|OS\s?X|tvOS|visionOS|watchOS|mac)"
    r"(?:[\s_:\-(=\"']|\b(?:version|ver|v|sdk|build|sur|系统|版本)\b\.?|"
    r"\b(?:big sur|sonoma|ventura|monterey|sequoia|tahoe|catalina|mojave)\b){0,4}"
    # `10.0.0.x` is an address and `20C69` a build.
    r"(?P<version>\d{1,2}(?:\.\d{1,2}(?:\.\d{1,2}(?!\.x\b))?)?)"
    rf"(?![\d%]|\.\d|[A-Z]\d{{1,4}}[a-z]?\b|{_UNIT})",
    re.IGNORECASE,
)
# What follows a version is one of the same system: `iOS 18.2.1 and 17.6.1`, `macOS 14 through 14.1.2`, `iOS 16/17`.
_NEXT = re.compile(
    r"(?:\s?[,/&+–-]\s?|\s?(?:,\s?)?\b(?:and|or|to|through|then|vs\.?|und|oder|et|ou|y|o|и|или)\b\s|\s?[、和与及或]\s?)"
    r"(?P<version>\d{1,2}(?:\.\d{1,2}){0,2})"
    rf"(?![\d%]|:\d|\.\d|\.x\b|[A-Za-z]\d|{_UNIT})",
    re.IGNORECASE,
)
_NEAR = 3  # major versions: `iOS 16 and 17` are two, `iOS 17 and 12 users` is one
_MODEL = re.compile(
    r"\b(?P<model>iPhone|iPad|MacBook(?:\s(?:Air|Pro|Neo))?|iMac|Mac\s?mini|Mac\s?Studio|Mac\s?Pro|Apple\sTV"
    r"|Vision\sPro|Apple\sWatch)(?!OS)"
    r"(?P<variant>\s?(?:\d{1,2}(?:s|c|e)?\+?|X[RS]?|SE|Air|Pro|mini|Max)(?:\s(?:Pro\s?Max|Pro|Plus|Max|mini|Air))?)?",
    re.IGNORECASE,
)
# The version of the system right behind a device of Apple's pocket: `iPhone 8+ 12.1`, `iPhone XS (16.5.1)`.
_DEVICE_OS = re.compile(
    r"\b(?P<model>iPhone|iPad)(?:\s(?:\d{1,2}(?:s|c|e)?\+?|X[RS]?|SE|Air|Pro|mini|Max|Plus)){0,3}[\s,(/:-]{1,3}"
    r"(?:running\s|on\s|v)?(?P<version>\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)(?!\.?\d|%|\s*(?:GB|MB|ms|sec|min|inch))",
    re.IGNORECASE,
)
# A version that stands without its system: `on 15.3`, `since 26.0.1`, and `10.15.7`, which only a Mac can have.
_ALONE = re.compile(
    r"(?<![\d.])(?:(?<=\bon )|(?<=\bsince )|(?<=\bunder )|(?<=\bafter ))"
    r"(?P<version>\d{2}\.\d{1,2}(?:\.\d)?)(?!\.?\d|\s?%)"
)
# Three parts are a system's where its platform is known and nothing before them says whose else they are.
_THREE_PARTS = re.compile(r"(?<![\d.])(?P<version>\d{2}\.\d{1,2}\.\d{1,2})(?!\.?\d|%|/)")
_ANOTHERS = re.compile(
    r"(?:xcode|darwin|kernel|xnu|version|ver|v|app|build|release|lib\w*|sdk|wireguard|openvpn|openssl|swift"
    r"|react native|flutter)"
    r"[\s:=v-]*$",
    re.IGNORECASE,
)
_MAC_TEN = re.compile(r"(?<![\d.])(?P<version>10\.1[0-6](?:\.[0-9])?)(?!\.?\d)")
_HARDWARE = re.compile(
    r"\b(?P<id>(?:iPhone|iPad|Mac|MacBookPro|MacBookAir|iMac|AppleTV|RealityDevice|Watch|Macmini)\d{1,2},\d{1,2})\b"
)
_FAMILY_PLATFORM = (
    ("iphone", "iOS"),
    ("ipad", "iOS"),
    ("mac", "macOS"),
    ("imac", "macOS"),
    ("apple tv", "tvOS"),
    ("appletv", "tvOS"),
    ("vision", "visionOS"),
    ("reality", "visionOS"),
    ("watch", "watchOS"),
    ("apple watch", "watchOS"),
)


def find_os(text: str, tables: SignalTables) -> Iterator[Signal]:
    """Every operating system that is named with a version."""
    for m in _OS.finditer(text):
        family = _CANONICAL.get(re.sub(r"\s+", " ", m["os"].lower()), "macOS")
        if _plausible(family, m["version"]) and not (m["os"].lower() == "mac" and "." not in m["version"]):
            yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start(), end=m.end("version"))
            yield from _further(text, family, m)
    for m in _DEVICE_OS.finditer(text):
        family = "iPadOS" if m["model"].lower() == "ipad" else "iOS"
        if _plausible(family, m["version"]):
            yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start(), end=m.end("version"))
    yield from _release_names(text, tables)


def _further(text: str, family: str, first: re.Match[str]) -> Iterator[Signal]:
    """The versions that are told in one breath with a first one."""
    major, end = _major(first["version"]), first.end("version")
    while m := _NEXT.match(text, end):
        apart = abs(_major(m["version"]) - major)
        if not _plausible(family, m["version"]) or ("." not in m["version"] and not 0 < apart <= _NEAR):
            return
        end = m.end()
        yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start("version"), end=end)


def versions_alone(text: str, found: list[Signal]) -> Iterator[Signal]:
    """The versions of a system that the text names elsewhere, or not at all where only one system had them.

    `found` are the other signals of the text: its one platform is the system, unless a version already stands with it.
    """
    if any(s.kind == "os" for s in found):
        return
    platforms = {s.value for s in found if s.kind == "platform"}
    for m in _MAC_TEN.finditer(text):
        if platforms <= {"macOS"}:
            yield Signal(kind="os", value=f"macOS {m['version']}", start=m.start(), end=m.end())
            if not platforms:
                yield Signal(kind="platform", value="macOS", start=m.start(), end=m.end(), implied=True)
            return
    family = next(iter(platforms)) if len(platforms) == 1 else ""
    if family not in _CANONICAL.values():
        return
    alone = [*_ALONE.finditer(text), *_THREE_PARTS.finditer(text)]
    for m in alone:
        if _plausible(family, m["version"]) and not _ANOTHERS.search(text, max(0, m.start() - 30), m.start()):
            yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start("version"), end=m.end("version"))


def _release_names(text: str, tables: SignalTables) -> Iterator[Signal]:
    """macOS releases by name, with the version that follows: `Ventura 13.4 beta`, `Tahoe`."""
    low = lowered(text)
    for name, major in tables.os_names.items():
        if name not in low:
            continue
        for m in re.finditer(rf"\b{re.escape(name)}\b(?:\s*\(?(?P<version>{re.escape(major)}(?:\.\d+)*))?", low):
            yield Signal(kind="os", value=f"macOS {m['version'] or major}", start=m.start(), end=m.end())


def _plausible(family: str, version: str) -> bool:
    """Whether Apple has shipped or may ship such a version: macOS 10 to 16 and 26 on, iOS 6 to 18 and 26 on."""
    low = {"macOS": 10, "iOS": 6, "iPadOS": 13, "tvOS": 9, "visionOS": 1, "watchOS": 2}[family]
    return low <= _major(version) <= 30


def _major(version: str) -> int:
    return int(version.split(".", maxsplit=1)[0])


def find_devices(text: str, tables: SignalTables) -> Iterator[Signal]:
    """Models by name and by hardware identifier."""
    for m in _HARDWARE.finditer(text):
        yield Signal(kind="device", value=tables.devices.get(m["id"], m["id"]), start=m.start(), end=m.end())
    for m in _MODEL.finditer(text):
        if text[m.end() : m.end() + 1] != ",":
            value = " ".join(m[0].split())
            yield Signal(kind="device", value=value, start=m.start(), end=m.end())


def platform_of(signal: Signal) -> str | None:
    """The platform that an OS or a device implies; iPadOS counts as iOS."""
    if signal.kind == "os":
        family = signal.value.split(" ")[0]
        return "iOS" if family == "iPadOS" else family
    low = signal.value.lower()
    return next((platform for family, platform in _FAMILY_PLATFORM if low.startswith(family)), None)
