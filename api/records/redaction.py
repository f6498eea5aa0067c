"""What is taken out of a text before it is kept, or put into a draft that others will read: secrets and persons."""

from __future__ import annotations

import ipaddress
import re

# A paste may be one run of letters a megabyte long, and `re` lets nobody else work meanwhile: a pattern that begins
# with a run of any length begins at its first character and takes none of it back.
_NAMED = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|bearer|psk|authorization|credentials?"
    r"|(?:api|access|private|shared|signing)[ _-]?key)"
)
_TOLD = r"(?:pass(?:word|wd|phrase)|pwd|secret|token|bearer|psk|authorization|api[_-]?key)"  # in a sentence
_MARKED = r"(?:\\*[\"']?\s*[:=]{1,2}>?\s*@?\\*[\"']?|</key>\s*<(?:string|data)>)"  # what stands between name and value
_SCHEME = r"(?:(?:bearer|basic)\s+)?"
# That there is none tells something, and so does the name of a method.
_NONE = r"(?!(?:(?:nil|null|none|\(null\)|<(?:private|redacted|secret)>)(?![\w-])|isWEP:))"
# In quotes or an element up to their end, but at most to the end of the line.
_INSIDE = (
    r"(?<=[^\\]\")(?:[^\"\\\n]|\\[^\n])++|(?<=\\\")[^\"\n]++|(?<=')[^'\n]++|(?<=<string>)[^<\n]++|(?<=<data>)[^<]++"
)
_WORD = r"[^\s\"',;]++"
_NUMBERED = r"(?:udid|serial(?:[ _-]?(?:number|no))?|imei|meid|ecid|iccid)"
_DEVICE = r"(?:iPhone|iPad|iPod|MacBook|iMac|Mac|Apple[ -](?:Watch|TV))\b"

_REDACTIONS = (
    (re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|$)", re.DOTALL), "<secret>"),
    (re.compile(r"(?<=://)[^\s/@\"'<>]++@"), "<person>@"),
    # What ends at the @ or behind it was cut there.
    (re.compile(r"(?<![\w.+-])[\w.+-]++(?:(?:@[\w-]++\.[\w.+-]++)+|@[\w.-]*+\Z)"), "<mail>"),
    (re.compile(r"(?i)\b((?:set-)?cookie\\*[\"']?\s*[:=]\s*\\*[\"']?)[^\r\n\"']++"), r"\1<secret>"),
    (
        re.compile(rf"(?i)({_NAMED}(?: (?:key|value))?{_MARKED}{_SCHEME})(?:{_NONE}(?:{_INSIDE}|{_WORD}))"),
        r"\1<secret>",
    ),
    (
        re.compile(
            rf"(?i)\b({_TOLD}\s++(?:(?:is|was|key|value)\s++)?+[\"']?{_SCHEME})"
            rf"(?![:=<]|(?:key|value)\s*[:=]){_NONE}(?:{_INSIDE}|{_WORD})"
        ),
        r"\1<secret>",
    ),
    (re.compile(r"(?<![\w-])(?=[\w-]*\beyJ[\w-])[\w-]++(?:\.[\w-]*+){1,4}"), "<secret>"),
    (
        re.compile(r"\b(?:(?:nekb|sk|gh[opsur]|github_pat|glpat|xox[a-z]|xapp)[_-]|AKIA|ASIA|AIza|eyJ)[\w-]{16,}"),
        "<secret>",
    ),
    (re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{32,}+={1,2}(?![\w=])"), "<secret>"),
    (re.compile(r"(?<![\w-])(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9A-F]{8}-[0-9A-F]{16})(?![\w-])"), "<device>"),
    (re.compile(rf"(?i)\b({_NUMBERED}(?:{_MARKED}| ))(?=[A-Z-]*+\d)[A-Z0-9-]{{8,40}}(?![\w-])"), r"\1<device>"),
    (re.compile(rf"(?i)(ssid(?:_str)?(?:{_MARKED}|\s[\"']))(?:{_NONE}(?:{_INSIDE}))"), r"\1<network>"),
    (re.compile(rf"(?im)((?:^|[\s,{{(])ssid\s*[:=]\s*){_NONE}[^\s\"',;<]++(?=\s*(?:$|[,;}}]))"), r"\1<network>"),
    (re.compile(r"\b(?:[0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2}\b(?!:)"), "<address>"),
    (re.compile(r"\b(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}\b(?!-)"), "<address>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "<address>"),
    (re.compile(r"((?<![/\\])[/\\]++(?:Users|home)[/\\]++)[^/\\\s\"'<>:,;)\]]++"), r"\1<person>"),
    (re.compile(rf"(?<![\w-])(?!Apple)[A-Z]\w*+(?=['’]s {_DEVICE}|-{_DEVICE})"), "<person>"),
)
_OF_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}+)?:[0-9A-Fa-f:.]++(?!\w)")
_DIGIT = re.compile("[0-9]")
_COLONS = 7  # of an address that is written whole
_LONGEST_ADDRESS = 60  # characters, with a port behind it
_LONGEST_WORD = 200  # characters that a cut may take away; some languages put no spaces between words


def redacted(text: str) -> str:
    """A text without what looks like a secret or a person."""
    text = _OF_IPV6.sub(_without_address, text)
    for pattern, instead in _REDACTIONS:
        text = pattern.sub(instead, text)
    return text


def shortened(text: str, most: int) -> str:
    """The beginning of a text, without a last word that may be cut: half a secret does not look like one."""
    if len(text) <= most:
        return text
    head = text[:most]
    return head[: max(head.rfind(" "), head.rfind("\n"), most - _LONGEST_WORD, 0)]


def _without_address(found: re.Match[str]) -> str:
    """An address of IPv6, which times of day and names of C++ look like; some write its port behind a point."""
    run = found[0]
    if len(run) > _LONGEST_ADDRESS or not ("::" in run or run.count(":") >= _COLONS) or not _DIGIT.search(run):
        return run
    for written in (run, run.rstrip(".:"), run.partition(".")[0]):
        try:
            address = ipaddress.IPv6Address(written)
        except ValueError:
            continue
        everybodys = address.is_loopback or address.is_multicast
        return run if everybodys else "<address>" + run[len(written) :]
    return run
