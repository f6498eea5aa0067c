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
    r"(?<![A-Za-z0-9_])(?P<os>iOS|iPadOS|macOS|mac\s?OS\s?X|mac\s?OS|OS\s?X|tvOS|visionOS|watchOS|mac)"
    r"(?:[\s_:\-(=\"']|\b(?:version|ver|v|sdk|build|sur|系统|版本)\b\.?|"
    r"\b(?:big sur|sonoma|ventura|monterey|sequoia|tahoe|catalina|mojave)\b){0,4}"
    # `10.0.0.x` is an address and `20C69` a build.
    r"(?P<version>\d{1,2}(?:\.\d{1,2}(?:\.\d{1,2}(?!\.x\b))?)?)"
    rf"(?![\d%]|\.\d|[A-Z]\d{{1,4}}[a-z]?\b|{_UNIT})",
    re.IGNORECASE,
)
# What follows a version is one of the same system: `iOS 18.2.1 and 17.6.1`, `macOS 14 through 14.1.2`, `iOS 16/17`,
# `iOS 16 17`.
_NEXT = re.compile(
    r"(?:\s?[,/&+–-]\s?|\s?(?:,\s?)?\b(?:and|or|to|through|then|vs\.?|und|oder|et|ou|y|o|и|или)\b\s|\s?[、和与及或]\s?|\s(?=\d{1,2}(?:\.\d{1,2}){0,2}(?:[\s,.;:?!)]|$)))"
    r"(?P<version>\d{1,2}(?:\.\d{1,2}){0,2})"
    rf"(?![\d%]|:\d|\.\d|\.x\b|[A-Za-z]\d|{_UNIT})",
    re.IGNORECASE,
)
_NEAR = 3  # years: `iOS 16 and 17` are two, `iOS 17 and 12 users` is one
_FIRST_WHOLE = 11  # of macOS, before it were 10.x
_RENUMBERED = 26  # the first version that is called by the year
_MODEL = re.compile(
    r"\b(?P<model>iPhone|iPad|MacBook(?:\s(?:Air|Pro|Neo))?|iMac|Mac\s?mini|Mac\s?Studio|Mac\s?Pro|Apple\sTV"
    r"|Vision\sPro|Apple\sWatch)(?!OS)"
    r"(?P<variant>\s?(?:\d{1,2}(?:s|c|e)?\+?|X[RS]?|SE|Air|Pro|mini|Max)(?:\s(?:Pro\s?Max|Pro|Plus|Max|mini|Air))?)?",
    re.IGNORECASE,
)
# The version of the system behind a machine: `iPhone 8+ 12.1`, `iPhone XS (16.5.1)`, `iPad Pro 10.5 with 14.8`.
_DEVICE_OS = re.compile(
    r"\b(?P<model>iPhone|iPad|iMac|Mac(?:Book)?)s?"
    r"(?:\s(?:9\.7|10\.5|12\.9|20\d\d|\d{1,2}(?:s|c|e)?\+?|X[RS]?|SE|Air|Pro|mini|Max|Plus|Studio)){0,3}[\s,(/:-]{1,3}"
    r"(?:running\s|on\s|with\s|w/\s?|M\d,?\s|v)?(?P<version>\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)"
    r"(?!\.?\d|%|\s*(?:GB|MB|ms|sec|min|inch|with\b))",
    re.IGNORECASE,
)
# A version that stands without its system: `on 15.3`, `since 26.0.1`, `(14.4)`, `XR, 13.5,`, `15.1.`, `26.4 beta`.
_ALONE = re.compile(
    r"(?<![\d.])(?:(?:\b(?:on|since|under|after|from|to|until|before|in|with|simulator|sim|auf|nach|seit|ab|sur|depuis)\s"
    r"|\bw/\s?|\bProductVersion:\s*)(?P<behind>\d{2}\.\d{1,2}(?:\.\d)?)(?!\.?\d|\s?%|[A-Za-z])"
    r"|(?:^|[(,/]\s?)(?P<apart>\d{2}\.\d{1,2}(?:\.\d)?)(?=[),;:]|\.?\s*$|\.\s)"
    r"|(?P<early>\d{2}\.\d{1,2}(?:\.\d)?)(?=\s(?:public\s|developer\s)?(?:beta|b\d|RC)\b))",
    re.MULTILINE | re.IGNORECASE,
)
# Where one stands with its system, a near one needs no word before it: `17.0 was fine`, `15.x too`, `and on 15?`.
_BESIDE = re.compile(
    rf"(?<![\w.,:/-])(?:(?P<version>\d{{2}}\.\d{{1,2}})(?!\.?\d|[\w%/]|{_UNIT})|(?P<series>\d{{2}})\.[x*](?!\w)"
    r"|(?:(?<=\bon )|(?<=\bfrom ))(?P<whole>\d{2})(?=[?.,;)]|\s(?:on|it)\b|$))",
    re.IGNORECASE,
)
# Three parts are a system's where its platform is known and nothing before them says whose else they are.
_THREE_PARTS = re.compile(r"(?<![\d.])(?P<version>\d{2}\.\d{1,2}\.\d{1,2})(?!\.?[\dx]|%|/)")
_ANOTHERS = re.compile(
    r"(?:xcode|darwin|kernel|xnu|(?<!os_)(?<!os )(?<!product)version|ver|v|app|client|build|release|lib\w*|sdk"
    r"|wireguard|openvpn|openssl|swift|react native|flutter|node|python|java|electron|ruby|go|qt|xamarin|maui|net"
    r"|dext|pod|unity|expo|ionic|capacitor|cordova|kotlin|gradle|windows|ubuntu|debian|android|chrome|firefox|safari|docker)"
    r"[\s:=v-]*$",
    re.IGNORECASE,
)
# After an update, 16 to 18 are versions of iOS: macOS went from 15 to 26.
_UPDATED = re.compile(
    r"\b(?:updat\w{1,3}|upgrad\w{1,3})\s(?:to|auf|a|à|su|naar)\s(?P<version>1[678]\.\d{1,2}(?:\.\d)?)(?!\.?\d)",
    re.IGNORECASE,
)
_MAC_TEN = re.compile(r"(?<![\d.])(?P<version>10\.1[0-6](?:\.[0-9])?)(?!\.?\d|/)")
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
        if _plausible(family, m["version"]) and not (m["os"].lower() == "mac" and _is_model(text, m)):
            yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start(), end=m.end("version"))
            yield from _further(text, family, m)
    for m in _DEVICE_OS.finditer(text):
        family = {"iphone": "iOS", "ipad": "iPadOS"}.get(m["model"].lower(), "macOS")
        if _plausible(family, m["version"]):
            yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start(), end=m.end("version"))
    yield from _release_names(text, tables)


def _is_model(text: str, found: re.Match[str]) -> bool:
    """Whether the number behind "mac" is rather that of a machine: `Mac14,2`, `mac 13"`."""
    before, after = text[found.start("version") - 1], text[found.end() : found.end() + 2]
    machine = before not in " (" or after[:1] in tuple("\"”″'-") or re.match(r",\d", after) is not None
    return "." not in found["version"] and (machine or int(found["version"]) < _FIRST_WHOLE)


def _further(text: str, family: str, first: re.Match[str]) -> Iterator[Signal]:
    """The versions that are told in one breath with a first one."""
    before, end = first["version"], first.end("version")
    while m := _NEXT.match(text, end):
        apart = _apart(family, m["version"], before)
        if not _plausible(family, m["version"]) or ("." not in m["version"] and not 0 < apart <= _NEAR):
            return
        end = m.end()
        yield Signal(kind="os", value=f"{family} {m['version']}", start=m.start("version"), end=end)


def versions_alone(text: str, found: list[Signal]) -> Iterator[Signal]:
    """The versions of a system that the text names elsewhere, or not at all where only one system had them.

    `found` are the other signals of the text. The system is that of the versions which stand with one, else the one
    platform; where there are such versions, another must be near them.
    """
    told = [s.value.split(" ") for s in found if s.kind == "os"]
    platforms = {s.value for s in found if s.kind == "platform"}
    if not told and platforms <= {"macOS"} and (old := [*_MAC_TEN.finditer(text)]):
        yield from (Signal(kind="os", value=f"macOS {m['version']}", start=m.start(), end=m.end()) for m in old)
        if not platforms:
            yield Signal(kind="platform", value="macOS", start=old[0].start(), end=old[0].end(), implied=True)
        return
    if not told and not platforms and (phone := _UPDATED.search(text)):
        at = phone.span("version")
        yield Signal(kind="os", value=f"iOS {phone['version']}", start=at[0], end=at[1])
        yield Signal(kind="platform", value="iOS", start=at[0], end=at[1], implied=True)
        return
    families = {family for family, _ in told} or platforms
    family = next(iter(families)) if len(families) == 1 else ""
    if family not in _CANONICAL.values():
        return
    for version, start, end in _alone(text, *([_BESIDE] if told else [])):
        near = not told or any(_apart(family, version, other) <= _NEAR for _, other in told)
        if near and _plausible(family, version):
            yield Signal(kind="os", value=f"{family} {version}", start=start, end=end)


def _alone(text: str, *further: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """Versions without a name, less those that the text gives to something else, there or elsewhere."""
    for m in [m for pattern in (_ALONE, _THREE_PARTS, *further) for m in pattern.finditer(text)]:
        group = m.lastgroup or "version"
        if not any(_ANOTHERS.search(text, max(0, at - 30), at) for at in _places(text, m[group])):
            yield m[group], m.start(group), m.end(group)


def _places(text: str, version: str) -> Iterator[int]:
    at = text.find(version)
    while at >= 0:
        yield at
        at = text.find(version, at + 1)


def _release_names(text: str, tables: SignalTables) -> Iterator[Signal]:
    """macOS releases by name, with the version that follows: `Ventura 13.4 beta`, `Tahoe`."""
    low = lowered(text)
    for name, major in tables.os_names.items():
        if name not in low:
            continue
        for m in re.finditer(
            rf"(?<!high )\b{re.escape(name)}\b(?:\s*\(?(?P<version>{re.escape(major)}(?:\.\d+)*))?", low
        ):
            yield Signal(kind="os", value=f"macOS {m['version'] or major}", start=m.start(), end=m.end())


def _plausible(family: str, version: str) -> bool:
    """Whether Apple has shipped or may ship such a version: macOS 10 to 16 and 26 on, iOS 6 to 18 and 26 on."""
    low = {"macOS": 10, "iOS": 6, "iPadOS": 13, "tvOS": 9, "visionOS": 1, "watchOS": 2}[family]
    return low <= _major(version) <= 30


def _apart(family: str, one: str, other: str) -> int:
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
