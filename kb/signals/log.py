"""What of a long paste decides: the person's own words, then the lines that say what failed.

An encoder sees some 250 tokens. A pasted log is mostly timestamps, addresses and other processes' business, so the
noise is cut and the decisive lines come first, in the order of the log.
"""

from __future__ import annotations

import re

_STAMP = re.compile(
    r"^(?:\[?\d{4}-\d\d-\d\d[T ])?\[?\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?:[+-]\d{4}|Z)?\]?\s*"
    r"|^[A-Z][a-z]{2}\s+\d{1,2} \d\d:\d\d:\d\d\s+"
)
_PID = re.compile(r"\[\d+(?::[0-9a-fx]+)?\]|\bpid[ =:]?\d+|\b0x[0-9a-fA-F]+\b")
_UUID = re.compile(r"\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b")
# What `systemextensionsctl list` prints above its rows, which says nothing of them.
_LISTING = re.compile(r"\(Go to '[^'\n]*' to modify these system extension\(s\)\)|^enabled\s+active\s+teamID\s.*$")
_FRAME = re.compile(r"^\s*(?:\d+\s+\S+\s+0x[0-9a-f]+|at \S+ ?\(|#\d+\s|\d+\s+\S+\s+.*\+ \d+\s*$)")
_LOGGY = re.compile(
    r"\d\d:\d\d:\d\d|\[\d+(?::\w+)?\]|<(?:Error|Notice|Info|Debug|Fault)>"
    r"|^\s*[{}\"\[]|=\s*\{|^\s*\w+\s*=\s|Error Domain="
)
_DECISIVE = re.compile(
    r"error|fail|denied|deny|killed|crash|invalid|missing|cannot|could not|unable|not allowed|timed? ?out|no such|"
    r"unexpected|rejected|refused|jetsam|exceeded|terminat|disconnect|stopp|exception|unsupported|disabled|"
    r"错误|失败|エラー|失敗|ошибк|오류|fehler|erreur|erro\b",
    re.IGNORECASE,
)
_WORDS_SEEN = 4_000  # characters that the encoder and the lexical leg are given


def condense(text: str, limit: int = _WORDS_SEEN) -> str:
    """The part of a symptom that says what is wrong, at most `limit` characters; short text comes back as it is."""
    text = text.replace("\x00", " ")
    lines = [line for line in text[: 64 * limit].splitlines() if line.strip()]
    if len(text) <= 400 and len(lines) <= 3:
        return " ".join(clean_line(line) for line in lines)
    told = [line for line in lines if not _FRAME.match(line)] or lines  # frames alone are better than nothing
    prose = [line for line in told if not _LOGGY.search(line)]
    loggy = [line for line in told if _LOGGY.search(line)]
    decisive = [line for line in loggy if _DECISIVE.search(line)]
    rest = [line for line in loggy if not _DECISIVE.search(line)]
    kept: dict[str, None] = {}
    for line in (*prose, *decisive, *rest):
        kept.setdefault(clean_line(line), None)
    return " ".join(line for line in kept if line)[:limit]


def clean_line(line: str) -> str:
    """A line without its timestamp, process numbers, addresses and identifiers, and without a listing's head."""
    line = _LISTING.sub("", _STAMP.sub("", line.strip()))
    line = _UUID.sub(" ", _PID.sub(" ", line))
    return " ".join(line.split())
