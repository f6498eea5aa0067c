"""Text in one form of Unicode, in a time that grows with its length alone."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

_MOST_MARKS = 30  # on one letter: the Stream-Safe Text Format of UAX #15, which no language comes near
_LONE = re.compile("[\ud800-\udfff]")  # half of a pair, which no encoding writes


def composed(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """A text in a normal form, without the marks that one letter has too many of.

    To normalise takes a time that grows with the square of a run of marks. Half of a surrogate pair becomes U+FFFD.
    """
    if text.isascii():
        return text
    marks, kept = 0, []
    for letter in _LONE.sub("\ufffd", text):
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return unicodedata.normalize(form, "".join(kept))
