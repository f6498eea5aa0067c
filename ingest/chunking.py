"""Cutting documents and cards into passages.

Sizes are measured in the model's own tokens. A passage never cuts a sentence, a code block or a log line in two; a
piece that is longer than a passage by itself stays whole, and the encoder reads its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ingest.phrasings import Phrasing
from kb.documents import Document, Passage, Post
from kb.guidance.card import Card

PASSAGE_TOKENS = 200  # of the model's 256, the rest is for the title
_FENCE = re.compile(r"^(?P<fence>`{3,16})[^`\n]*\n.*?^(?P=fence)`*[ \t]*$", re.DOTALL | re.MULTILINE)
_LOG_LINE = re.compile(
    r"^\s*(?:\[?\d{4}-\d\d-\d\d|\[?\d\d:\d\d:\d\d|[A-Z][a-z]{2} +\d+ \d\d:|[|>{}\[<]|\d+\s{2,}|\w+\s*[=:]\s)"
)
_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9\u3040-\u9fff`*])")
_QUOTE = re.compile(r"^\s*>.*$", re.MULTILINE)
_SIGN_OFF = re.compile(
    r"(?:^|\s)(?:let my\s?email\s*=.*|(?:best|kind|warm)\s+regards[,.!]?\s*\S{0,40}|cheers[,.!]?|"
    r"(?:many\s+)?thanks(?:\s+(?:in advance|so much|a lot|again))?[.!,\s]*|thank you(?:\s+in advance)?[.!,\s]*)\s*$",
    re.IGNORECASE | re.DOTALL,
)
# The sign-off of Apple's support engineers; footnotes may follow it, and they stay.
_STAFF_SIGN_OFF = re.compile(
    r"(?:^|\s)share and enjoy\b(?:.{0,300}?[\"“”]apple\.com[\"“”](?:\s*`{3,})?|[^\n]*(?:\n[^\n]{0,120}){0,6}\Z)|"
    r"\n[ \t]*(?:\\?_[\\_]{3,}|_{4,}|[—–]|-{2,3})[ \t]*\n+[^\n]{2,60}\n+"
    r"[^\n]*(?:DTS|Developer Technical Support)[^\n]*(?=\n|\Z)",
    re.IGNORECASE | re.DOTALL,
)
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
    for post in document.posts:
        heading = document.title if post.kind in ("question", "article") else f"{document.title} › {_speaker(post)}"
        for text in cut(embeddable(post.body), tokens):
            key = " ".join(text.split()).casefold()
            if key not in said:
                said.add(key)
                out.append(Passage(document.id, post.kind, heading, text))
    return out or [Passage(document.id, "title", "", document.title)]


def _speaker(post: Post) -> str:
    if post.accepted:
        return "accepted answer"
    return "reply from Apple" if post.apple else "reply"


def embeddable(body: str) -> str:
    """A post without what would only blur its vector: quoted text, sign-offs, the targets of links.

    What is shown keeps all of it, and code is never touched.
    """
    signed = _SIGN_OFF.sub("", _STAFF_SIGN_OFF.sub("\n", body))
    parts = [part if code else _LINK.sub(r"\1", _QUOTE.sub("", part)) for part, code in _blocks(signed)]
    return "".join(parts).strip() or body


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """The text in its parts, each with whether it is a fenced code block."""
    at = 0
    for block in _FENCE.finditer(text):
        yield text[at : block.start()], False
        yield block[0], True
        at = block.end()
    yield text[at:], False


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
    for part, code in _blocks(text):
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
