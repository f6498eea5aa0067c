"""Cutting documents and cards into passages.

Sizes are measured in the model's own tokens. A passage never cuts a sentence, a code block or a log line in two; a
piece that is longer than a passage by itself stays whole, and the encoder reads its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from itertools import pairwise

from ingest.parsing.fences import parted
from ingest.phrasings import Phrasing
from kb.documents import Document, Passage, Post, fold
from kb.guidance.card import Card

# Goes up whenever the same text is cut differently: the next build then makes a new snapshot of the same documents.
CHUNKING_VERSION = 1
PASSAGE_TOKENS = 200  # of the model's 256, the rest is for the title
_LOG_LINE = re.compile(
    r"^\s*(?:\[?\d{4}-\d\d-\d\d|\[?\d\d:\d\d:\d\d|[A-Z][a-z]{2} +\d+ \d\d:|[|>{}\[<]|\d+\s{2,}|\w+\s*[=:]\s)"
)
_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9\u3040-\u9fff`*])")
_QUOTE = re.compile(r"^(?:[ \t]*>)+ ?(.*)$", re.MULTILINE)
_SIGN_OFF = re.compile(
    r"(?:^|\s)(?:let my\s?email\s*=[^\n]*|(?:best|kind|warm)\s+regards[,.!]?\s*\S{0,40}|cheers[,.!]?|"
    r"(?:many\s+)?thanks(?:\s+(?:in advance|so much|a lot|again))?[.!,\s]*|thank you(?:\s+in advance)?[.!,\s]*)$",
    re.IGNORECASE,
)
_TAIL = 300  # characters from the end in which a sign-off stands
# The sign-off of Apple's support engineers; footnotes may follow it, and they stay.
_STAFF_SIGN_OFF = re.compile(
    r"(?:^|\s)share and enjoy\b(?:.{0,300}?[\"“”]apple\.com[\"“”](?:\s*`{3,})?|[^\n]{0,120}(?:\n[^\n]{0,120}){0,6}\Z)|"
    r"\n[ \t]*(?:\\?_[\\_]{3,}|_{4,}|[—–]|-{2,3})[ \t]*\n+[^\n]{2,60}\n+"
    r"[^\n]*(?:DTS|Developer Technical Support)[^\n]*(?=\n|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"\w+")
_LINK = re.compile(r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\]){0,300})\]\((?:<[^<>\s]*>|[^()\s]*)\)")
TokenCount = Callable[[str], int]


def card_passages(card: Card) -> list[Passage]:
    """A card's summary, its steps, its own symptoms, each a passage of its own."""
    out = [Passage(card.id, "summary", card.title, card.summary)]
    out += [Passage(card.id, "step", card.title, step.text) for step in card.steps]
    own = dict.fromkeys(text.strip() for text in (card.title, *card.phrasings))
    return out + [Passage(card.id, "symptom", "", text) for text in own]


def phrasing_passages(said: Iterable[Phrasing]) -> list[Passage]:
    """Each phrasing as a passage; what is said twice of a card stands once."""
    once = {(p.id, text): p for p in said if (text := p.text.strip())}
    return [Passage(id, "phrasing", "", text, "", p.also, p.reported) for (id, text), p in once.items()]


def document_passages(document: Document, tokens: TokenCount) -> list[Passage]:
    """Question and answers apart, each with the document's title before it; what is said twice stands once."""
    out, said = [], set()
    earlier: set[str] = set()
    quoting = any(_QUOTE.search(post.body) for post in document.posts)  # most threads do not, and need no comparison
    for post in document.posts:
        heading = document.title if post.kind in ("question", "article") else f"{document.title} › {_speaker(post)}"
        for text in cut(embeddable(post.body, earlier), tokens):
            key = " ".join(text.split()).casefold()
            if key not in said:
                said.add(key)
                out.append(Passage(document.id, post.kind, heading, text))
        if quoting:
            earlier |= _told(post.body)
    return out or [Passage(document.id, "title", "", document.title)]


def _speaker(post: Post) -> str:
    if post.accepted:
        return "accepted answer"
    return "reply from Apple" if post.apple else "reply"


def embeddable(body: str, earlier: Set[str] = frozenset()) -> str:
    """A post without what would only blur its vector: quotes of `earlier` posts, sign-offs, the targets of links.

    What else is quoted is what the post is about, an error or a sentence of the documentation. What is shown keeps all
    of it, and code is never touched but for the address in a sign-off of Apple's.
    """
    *before, (last, _) = parted(_STAFF_SIGN_OFF.sub("\n", body).rstrip())
    if sign_off := _SIGN_OFF.search(last, max(0, len(last) - _TAIL)):
        last = last[: sign_off.start()]
    parts = [part if code else _prose(part, earlier) for part, code in (*before, (last, False))]
    return "".join(parts).strip() or body


def _prose(text: str, earlier: Set[str]) -> str:
    unquoted = _QUOTE.sub(lambda quote: "" if _told(quote[1]) <= earlier else quote[1], text)
    return _LINK.sub(r"\1", unquoted)


def _told(text: str) -> set[str]:
    """The words of a text and its pairs of neighbours; a quote has none that the post it is of has not."""
    words = _WORD.findall(fold(text))
    return {*words, *map(" ".join, pairwise(words))}


def cut(text: str, tokens: TokenCount, budget: int = PASSAGE_TOKENS) -> list[str]:
    """Pack whole pieces into passages of at most `budget` tokens."""
    passages: list[str] = []
    current: list[str] = []
    used = 0
    for piece, joint in _pieces(text):
        size = tokens(piece)
        if current and used + size > budget:
            passages.append("".join(current).strip())
            current, used = [], 0
        current.append(piece + joint)
        used += size
    passages.append("".join(current).strip())
    return [p for p in passages if p]


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Code blocks, log lines and sentences, each with what joins it to the next."""
    for part, code in parted(text):
        if code:
            yield part, "\n"
            continue
        for line in part.splitlines():
            if _LOG_LINE.match(line):
                yield line, "\n"
            elif line.strip():
                sentences = _SENTENCE.split(line)
                for at, sentence in enumerate(sentences):
                    yield sentence, "\n" if at == len(sentences) - 1 else " "
