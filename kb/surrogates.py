"""Lone surrogates: halves of characters, which a text from outside can hold and neither a file nor a database can."""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
# A backslash that is escaped itself begins no escape, and two halves that belong together are one character.
_ESCAPED = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a pair or alone


def without_surrogates(text: str) -> str:
    """Text with U+FFFD in place of each lone surrogate; two that belong together become their character."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_escaped_surrogates(text: str) -> str:
    """JSON with U+FFFD in place of each lone surrogate that it escapes."""
    return _ESCAPED.sub(lambda m: "\\ufffd" if m["lone"] else m[0], text)


def sound_json(body: bytes) -> bytes:
    """The same of JSON as it was sent; what is no UTF-8 stays for its parser to refuse."""
    if not _HALF.search(body):
        return body
    return without_escaped_surrogates(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def load_json(text: str) -> Any:
    """What JSON says, with U+FFFD in place of the lone surrogates that it escapes. Raises as `json.loads` does."""
    return json.loads(without_escaped_surrogates(without_surrogates(text)))
