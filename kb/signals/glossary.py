"""Reading a question in another language: the field's English words in place of those of its words that are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kb.signals.letters import lowered

_LOOKED_AT = 1_000  # characters; a text's language shows in them
_SPACELESS = 0x2E80  # from here on scripts write no spaces between words
_WHOLE = 3  # letters; so short a word begins too many others
_ENDING = 5
_OF_A_COMPOUND = 7
_OTHER_SCRIPT = re.compile(r"[^\x00-\u024f\u1e00-\u1eff]+")  # all but the Latin alphabet, Vietnamese with it
_OTHER_LETTER = re.compile(r"[^\W\d_\x00-\u024f\u1e00-\u1eff]")
_MARKED_LETTER = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
# Of languages that are written in the Latin alphabet; none that English has, too.
_OTHER_WORDS = frozenset(
    (  # noqa: SIM905 - a list would be as long as the module
        "el la los las un una por para con como que del se su pero cuando esta esto em um uma com dos das quando pra "
        "meu le les des du et est pas sur dans avec pour qui je nous peut aux sans mais une en der und nicht ist wird "
        "ein eine einem einen einer mit von auf im den dem bei nach wie ich wir nur wenn kein keine auch mein sich "
        "beim zum startet funktioniert bir ile ve bu khi khong il gli che sono della nel sul"
    ).split()
)


class English(NamedTuple):
    """A text in English as far as the glossary goes, and what it left out: words in other scripts that it lacks."""

    text: str
    left: str

    @property
    def whole(self) -> str:
        """Both, for whoever looks for words and not for meaning."""
        return f"{self.text} {self.left}" if self.left else self.text


def in_english(text: str, glossary: Mapping[str, str]) -> English:
    """Put the glossary's English words in place of the foreign ones.

    An encoder that knows English only makes noise of the rest: what is written in another script is left out, if a
    word of it is known at all. English text comes back as it is.
    """
    latin, other = _foreign_in_latin(text), not text.isascii() and _OTHER_LETTER.search(text) is not None
    if not latin and not other:
        return English(text, "")
    known = sorted(_known(lowered(text), glossary, latin, other))
    if not known:
        return English(text, "")
    starts, ends = [0, *(end for _, end, _ in known)], [*(start for start, _, _ in known), len(text)]
    between = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    words = [*(english for _, _, english in known), ""]
    said = " ".join(f"{_OTHER_SCRIPT.sub(' ', kept)} {word}" for kept, word in zip(between, words, strict=True))
    left = " ".join(run for kept in between for run in _OTHER_SCRIPT.findall(kept) if _OTHER_LETTER.search(run))
    return English(" ".join(said.split()), left)


def _foreign_in_latin(text: str) -> bool:
    """Whether a text is in a language other than English that the Latin alphabet writes."""
    head = text[:_LOOKED_AT]
    if not head.isascii() and len(_MARKED_LETTER.findall(head)) >= 2:
        return True
    return len(_OTHER_WORDS.intersection(head.lower().split())) >= 2


def _known(low: str, glossary: Mapping[str, str], latin: bool, other: bool) -> Iterator[tuple[int, int, str]]:
    """Start, end and English of the known words in a text in lower case.

    Of words that overlap the longest counts, which stands first in the glossary.
    """
    taken = bytearray(len(low))
    for foreign, english in glossary.items():
        at = low.find(foreign)
        if at < 0 or not (other if _OTHER_LETTER.search(foreign) else latin):
            continue
        while at >= 0:
            end = _end_of_word(low, at, foreign)
            if end is not None and not any(taken[at:end]):
                taken[at:end] = b"\1" * (end - at)
                yield at, end, english
            at = low.find(foreign, at + len(foreign))


def _end_of_word(low: str, at: int, foreign: str) -> int | None:
    """Where a word that was found ends; None where it is only a part of another.

    Scripts without spaces match anywhere. A word of an alphabet counts from the beginning of a word, a long one within
    a compound too, and takes a short ending along; one of three letters has none.
    """
    end = at + len(foreign)
    if ord(foreign[0]) >= _SPACELESS or ord(foreign[-1]) >= _SPACELESS:
        return end
    if foreign[0].isalpha() and low[at - 1 : at].isalpha() and len(foreign) < _OF_A_COMPOUND:
        return None
    ending = end
    while ending < len(low) and low[ending].isalpha() and ord(low[ending]) < _SPACELESS:
        ending += 1
    if len(foreign) <= _WHOLE and ending > end:
        return None
    return ending if ending - end <= _ENDING else end
