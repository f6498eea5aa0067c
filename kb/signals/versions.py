"""Operating systems named with a version, and devices: `iOS 26.0.1`, `Tahoe`, `iPhone17,1`, `iPhone 17 Pro`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from kb.answer import Signal
from kb.signals.letters import lowered
from kb.signals.tables import SignalTables

SYSTEMS = {
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
    "iphone os": "iOS",
    "ipad os": "iPadOS",
}
UNIT = r"\s*(?:GB|MB|ms|sec|min|mini|inch|core|Pro|Plus|Max)"  # behind a number that is no version
_OS = re.compile(
    r"(?<![A-Za-z0-9_])(?P<os>iOS|iPad\s?OS|iPhone\s?OS|macOS|mac\s?OS\s?X|mac\s?OS|OS\s?X|tvOS|visionOS|watchOS|mac)"
    r"(?:[\s_:\-(=\"']|\b(?:version|ver|v|sdk|build|sur|系统|版本)\b\.?|"
    r"\b(?:big sur|sonoma|ventura|monterey|sequoia|tahoe|catalina|mojave)\b){0,4}"
    # `10.0.0.x` is an address and `20C69` a build.
    r"(?P<version>\d{1,2}(?:\.\d{1,2}(?:\.\d{1,2}(?!\.x\b))?)?)"
    rf"(?![\d%]|\.\d|[A-Z]\d{{1,4}}[a-z]?\b|{UNIT})",
    re.IGNORECASE,
)
# What follows a version is one of the same system: `iOS 18.2.1 and 17.6.1`, `macOS 14 through 14.1.2`, `iOS 16/17`,
# `iOS 16 17`.
_NEXT = re.compile(
    r"(?:\s?[,/&+–-]\s?|\s?(?:,\s?)?\b(?:and|or|to|through|then|vs\.?|und|oder|et|ou|y|o|и|или)\b\s|\s?[、和与及或]\s?"
    r"|\s(?=\d{1,2}(?:\.\d{1,2}){0,2}(?:[\s,.;:?!)]|$)))"
    r"(?P<version>\d{1,2}(?:\.\d{1,2}){0,2})"
    rf"(?![\d%]|:\d|\.\d|\.x\b|[A-Za-z]\d|{UNIT})",
    re.IGNORECASE,
)
_INCHES = ("9.7", "10.5", "12.9")  # of iPads
NEAR = 3  # years: `iOS 16 and 17` are two, `iOS 17 and 12 users` is one
_FIRST_WHOLE = 11  # of macOS, before it were 10.x
_TEN, _SNOW_LEOPARD, _LAST_IOS_TEN = 10, 6, 3  # there was no iOS 10.4, and nobody speaks of macOS 10.5
# The first and the last version before they were called by the year.
_SHIPPED = {
    "macOS": (10, 15),
    "iOS": (6, 18),
    "iPadOS": (13, 18),
    "tvOS": (9, 18),
    "watchOS": (2, 11),
    "visionOS": (1, 2),
}
_FAR = 30
_RENUMBERED = 26  # the first version that is called by the year
_MODEL = re.compile(
    r"\b(?P<model>iPhone|iPad|MacBook(?:\s(?:Air|Pro|Neo))?|iMac|Mac\s?mini|Mac\s?Studio|Mac\s?Pro(?![a-z])|Apple\sTV"
    r"|Vision\sPro|Apple\sWatch)(?!OS|d)"  # no `ipAddress`
    # Not the pronoun of `l'iPhone se déconnecte`.
    r"(?P<variant>\s?(?:\d{1,2}(?:s|c|e)?\+?|X[RS]?|(?-i:SE)|SE(?=\s*(?:[\d(,.;:?!)]|$))|Air|Pro|mini|Max)"
    r"(?:\s(?:Pro\s?Max|Pro|Plus|Max|mini|Air))?(?![A-Za-z]))?",
    re.IGNORECASE,
)
# The version of the system behind a machine: `iPhone 8+ 12.1`, `iPhone XS (16.5.1)`, `iPad Pro 10.5 with 14.8`.
_DEVICE_OS = re.compile(
    r"\b(?P<model>iPhone|iPad|iMac|Mac(?:Book)?)s?"
    r"(?:\s(?:9\.7|10\.5|12\.9|20\d\d|\d{1,2}(?:s|c|e)?\+?|X[RS]?|SE|Air|Pro|mini|Max|Plus|Studio)){0,3}[\s,(/:-]{1,3}"
    r"(?:running\s|on\s|with\s|w/\s?|mit\s|en\s|su\s|avec\s|con\s|с\s|на\s|M\d,?\s|v)?"
    r"(?P<version>\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)(?!\.?\d|%|\s*(?:GB|MB|ms|sec|min|inch|with\b))",
    re.IGNORECASE,
)
# A version with its build, whose number tells the system: 15.0 is macOS with 24A335, and iOS with 19A346.
_BUILT = re.compile(
    r"(?<![\d.])(?P<version>\d{2}\.\d{1,2}(?:\.\d{1,2})?)(?:b\d)?[\s,]{1,2}\(?(?P<build>[12]\d)[A-Z]\d{1,4}[a-z]?\b"
)
_HARDWARE = re.compile(
    r"\b(?P<id>(?:iPhone|iPad|Mac|MacBookPro|MacBookAir|iMac|AppleTV|RealityDevice|Watch|Macmini)\d{1,2},\d{1,2})\b"
)
_HARDWARE_END = re.compile(r"\d*,\d")  # of `iPhone17,1`, which is an identifier and no model
_VERSION_END = re.compile(r"\.\d")  # of `iPhone 14.5`, which is no iPhone 14
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
        family = SYSTEMS.get(re.sub(r"\s+", " ", m["os"].lower()), "macOS")
        if plausible(family, m["version"]) and not (m["os"].lower() == "mac" and _is_model(text, m)):
            yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start(), end=m.end("version"))
            yield from _further(text, family, m)
    for m in _DEVICE_OS.finditer(text):
        family = _family(m["model"], m["version"])
        if plausible(family, m["version"]) and m["version"] not in _INCHES:
            yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start(), end=m.end("version"))
    yield from _built(text)
    yield from _release_names(text, tables)


def _family(model: str, version: str) -> str:
    """The system of a machine; that of an iPad was iOS until 12."""
    if model.lower() == "ipad":
        return "iPadOS" if _major(version) >= _SHIPPED["iPadOS"][0] else "iOS"
    return "iOS" if model.lower() == "iphone" else "macOS"


def _is_model(text: str, found: re.Match[str]) -> bool:
    """Whether the number behind "mac" is rather that of a machine: `Mac14,2`, `mac 13"`."""
    before, after = text[found.start("version") - 1], text[found.end() : found.end() + 2]
    machine = before not in " (" or after[:1] in tuple("\"”″'-") or re.match(r",\d", after) is not None
    return "." not in found["version"] and (machine or int(found["version"]) < _FIRST_WHOLE)


def _further(text: str, family: str, first: re.Match[str]) -> Iterator[Signal]:
    """The versions that are told in one breath with a first one."""
    before, end = first["version"], first.end("version")
    while m := _NEXT.match(text, end):
        apart = years_between(family, m["version"], before)
        if not plausible(family, m["version"]) or ("." not in m["version"] and not 0 < apart <= NEAR):
            return
        end = m.end()
        yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start("version"), end=end)


def _release_names(text: str, tables: SignalTables) -> Iterator[Signal]:
    """macOS releases by name, with the version that follows: `Ventura 13.4 beta`; High Sierra is no Sierra."""
    low = lowered(text)
    for m in _named_releases(tuple(tables.os_names)).finditer(low):
        major = tables.os_names[m["name"]]
        version = m["version"] if m["version"] and re.match(rf"{re.escape(major)}\b", m["version"]) else None
        end = m.end() if version else m.end("name")
        yield Signal(kind="os", value=f"macOS {version or major}", start=m.start(), end=end)


@cache
def _named_releases(names: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the names, the longest first, and a version behind it."""
    longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"\b(?P<name>{longest_first})\b(?:\s*\(?(?P<version>\d{{1,2}}(?:\.\d+)*))?")


def plausible(family: str, version: str) -> bool:
    """Whether Apple has shipped or may ship such a version: macOS 10.6 to 15 and 26 on, iOS 6 to 18 and 26 on."""
    first, last = _SHIPPED[family]
    major, minor = _major(version), version.split(".")[1] if "." in version else "0"
    if len(minor) > 1 and minor.startswith("0"):  # of a date
        return False
    if major == _TEN:
        return int(minor) >= _SNOW_LEOPARD if family == "macOS" else int(minor) <= _LAST_IOS_TEN
    return first <= major <= last or _RENUMBERED <= major <= _FAR


def _built(text: str) -> Iterator[Signal]:
    """Versions with a build of macOS or of iOS, whose first number is that of Darwin."""
    for m in _BUILT.finditer(text):
        major, build = _major(m["version"]), int(m["build"])
        for family, before, after in (("macOS", 9, -1), ("iOS", 4, -3)):
            if build == major + (after if major >= _RENUMBERED else before) and plausible(family, m["version"]):
                yield Signal(
                    kind="os", value=f"{family} {m['version']}", start=m.start("version"), end=m.end("version")
                )


def years_between(family: str, one: str, other: str) -> int:
    """How many years lie between two versions: after iOS 18 and macOS 15 came 26."""
    skipped = 10 if family == "macOS" else 7
    years = [_major(version) - (skipped if _major(version) >= _RENUMBERED else 0) for version in (one, other)]
    return abs(years[0] - years[1])


def _major(version: str) -> int:
    return int(version.split(".", maxsplit=1)[0])


def find_devices(text: str, tables: SignalTables) -> Iterator[Signal]:
    """Models by name and by hardware identifier."""
    for m in _HARDWARE.finditer(text):
        yield Signal(kind="device", value=tables.devices.get(m["id"], m["id"]), start=m.start(), end=m.end())
    for m in _MODEL.finditer(text):
        if not _HARDWARE_END.match(text, m.end()):
            end = m.end("model") if _VERSION_END.match(text, m.end()) else m.end()
            yield Signal(kind="device", value=" ".join(text[m.start() : end].split()), start=m.start(), end=end)


def platform_of(signal: Signal) -> str | None:
    """The platform that an OS or a device implies; iPadOS counts as iOS."""
    if signal.kind == "os":
        family = signal.value.split(" ")[0]
        return "iOS" if family == "iPadOS" else family
    low = signal.value.lower()
    return next((platform for family, platform in _FAMILY_PLATFORM if low.startswith(family)), None)
