"""Reading a question in another language: the field's English words for those of its words that are known."""

from __future__ import annotations

import re
from collections.abc import Mapping


def english_words(text: str, glossary: Mapping[str, str]) -> list[str]:
    """The English words of the glossary whose foreign words stand in the text, each once.

    A word of an alphabet counts from the beginning of a word, so that its endings match; scripts that are written
    without spaces match anywhere. Text that is plain English is left alone, quickly.
    """
    if text.isascii() and not _FOREIGN_ASCII.search(text):
        return []
    low = text.lower()
    found: dict[str, None] = {}
    for foreign, english in glossary.items():
        at = low.find(foreign)
        if at < 0 or (foreign[0].isalpha() and ord(foreign[0]) < _SPACELESS and low[at - 1 : at].isalpha()):
            continue
        found.setdefault(english)
    return list(found)


_SPACELESS = 0x2E80  # from here on scripts write no spaces between words
_FOREIGN_ASCII = re.compile(
    r"\b(?:el|los|las|una?|por|para|con|como|não|uma|les|des|une|est|pas|der|die|das|und|nicht|ist|wird|ile|bir|için|"
    r"khi|khong|red|mein|eine?|sur|avec|dans|cuando|quando|nach|bei)\b",
    re.IGNORECASE,
)
