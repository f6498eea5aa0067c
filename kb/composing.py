"""Text in one form of Unicode, in a time that grows with its length alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Literal

from kb.surrogates import without_surrogates

_MOST_MARKS = 30  # on one letter: the Stream-Safe Text Format of UAX #15, which no language comes near


def composed(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """A text in a normal form, without lone surrogates and without the marks that one letter has too many of.

    To normalise takes a time that grows with the square of a run of marks.
    """
    if text.isascii():
        return text
    text = without_surrogates(text)
    if any(map(unicodedata.combining, text)):  # seldom, and letter by letter takes twice as long
        text = "".join(_few_marks(text))
    return unicodedata.normalize(form, text)


def _few_marks(text: str) -> Iterator[str]:
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MOST_MARKS:
            yield letter
