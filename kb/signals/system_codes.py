"""Codes of the system beneath the frameworks: an errno, an OSStatus, a number of Bonjour or of IOKit.

An errno says by itself where it belongs (`sys/errno.h`); Foundation calls that domain NSPOSIXErrorDomain. The others
are told by their shape, and what domain they are of by the tables, where one has the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.signals.codes import FoundCode, signed

POSIX = "posix"
# What strerror says on Darwin, and of which number (`sys/errno.h`).
_STRERROR = {
    "operation not permitted": 1,
    "no such file or directory": 2,
    "no such process": 3,
    "interrupted system call": 4,
    "input/output error": 5,
    "device not configured": 6,
    "bad file descriptor": 9,
    "cannot allocate memory": 12,
    "permission denied": 13,
    "resource busy": 16,
    "file exists": 17,
    "invalid argument": 22,
    "too many open files": 24,
    "no space left on device": 28,
    "broken pipe": 32,
    "resource temporarily unavailable": 35,
    "operation now in progress": 36,
    "operation already in progress": 37,
    "message too long": 40,
    "protocol not supported": 43,
    "operation not supported": 45,
    "address already in use": 48,
    "can't assign requested address": 49,
    "network is down": 50,
    "network is unreachable": 51,
    "software caused connection abort": 53,
    "connection reset by peer": 54,
    "no buffer space available": 55,
    "socket is already connected": 56,
    "socket is not connected": 57,
    "operation timed out": 60,
    "connection refused": 61,
    "host is down": 64,
    "no route to host": 65,
    "operation canceled": 89,
}
_SAID = "(?P<words>" + "|".join(_STRERROR) + ")"
_ERRNO = re.compile(
    r"(?:errno\W{1,4}|\bPOSIXErrorCode\(rawValue: |\bPOSIX |\bos error |\bSO_ERROR \[?|\bOs \{ code: )"
    r"(?P<code>\d{1,3})\b(?!\.\d)",
    re.IGNORECASE,
)
_BEFORE_WORDS = re.compile(rf"(?<!port )(?<![\d.:])(?P<code>[1-9]\d{{0,2}})\)?(?:\s?[:–-])?\s{_SAID}", re.IGNORECASE)
# Looked for from the number on: to try thirty phrases at each letter would take longer than all the rest.
_BRACKETED_BEHIND = re.compile(r"[(\[]-?(?P<code>\d{1,3})[)\]]")
_WORDS = re.compile(rf"{_SAID}\s?$", re.IGNORECASE)
# How CFNetwork prints what lies under an error: the domain 1 is kCFStreamErrorDomainPOSIX (`CFStream.h`), and
# `error 1:61 [61]` is such a pair with the code again.
_STREAM = re.compile(r"_kCFStreamErrorCodeKey\W{1,4}(?P<code>-?\d{1,5})\b")
_OF_POSIX = re.compile(r"_kCFStreamErrorDomainKey\W{1,4}1\b")
_CONNECTION = re.compile(r"\berror \d:(?P<code>\d{1,3}) \[(?P=code)\]")
# A number below zero of three places or more is hardly anything else: -1009, -9836, -65570. It is no time zone.
_NEGATIVE = re.compile(r"(?<![\w.,:+*/-])(?<!\d )(?P<code>-[1-9]\d{2,9})(?![\w.,:/]*\d|\s?(?:dBm?|ms|px|%|pt)\b|\w|-)")
# Installers and IOKit count from 0xe0000000 on; other hexadecimal numbers are codes where a word says so.
_HEX = re.compile(
    r"\b(?P<code>0xe[0-9a-f]{7})\b"
    r"|(?<![a-z])(?:error_?code|error|err|code|status|failed|result|returned)\W{1,3}(?<!-)"
    r"(?P<said>0x(?!0+\b)[0-9a-f]{1,8})\b(?! addr=)",
    re.IGNORECASE,
)
# As what returns a number prints it: `Failed to copy updated result (22)`; what HTTP returns is somebody else's.
_RETURNED = re.compile(r"\b(?:failed|result):? \((?![45]\d\d\))(?P<code>-?\d{1,10})(?=[,)])")


def find_system_codes(text: str) -> Iterator[FoundCode]:
    """Every such code of the text."""
    for m in (*_ERRNO.finditer(text), *_said(text), *_CONNECTION.finditer(text)):
        yield _found(m, POSIX)
    streams = [*_STREAM.finditer(text)]
    domain = POSIX if streams and _OF_POSIX.search(text) else None
    yield from (_found(m, domain) for m in streams)
    hexadecimal = _HEX.finditer(text) if "0x" in text.lower() else ()
    for m in (*_NEGATIVE.finditer(text), *_RETURNED.finditer(text), *hexadecimal):
        yield _found(m, None)


def _said(text: str) -> Iterator[re.Match[str]]:
    """Numbers beside the words that strerror has for them; beside other words a number is somebody else's."""
    for m in _BEFORE_WORDS.finditer(text):
        if _STRERROR[m["words"].lower()] == int(m["code"]):
            yield m
    for m in _BRACKETED_BEHIND.finditer(text):
        words = _WORDS.search(text, max(0, m.start() - 40), m.start())
        if words and _STRERROR[words["words"].lower()] == int(m["code"]):
            yield m


def _found(m: re.Match[str], domain: str | None) -> FoundCode:
    return FoundCode(domain, signed(m.groupdict().get("said") or m["code"]), m.start(), m.end(), explicit=False)
