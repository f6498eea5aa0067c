"""Documents and passages: what ingest makes and build embeds."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from kb.activity import activity_span, last_day
from kb.composing import composed

LONGEST_ID = 200  # characters of a document's id; the longest are made of the address of a documentation page
DocumentKind = Literal["thread", "resource", "documentation", "technote", "feed-item"]
PostKind = Literal["question", "reply", "answer", "article"]
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Count:
    """A counter as a page shows it (`3.1k`) and the interval it stands for."""

    raw: str
    low: int
    high: int


@dataclass(frozen=True)
class Post:
    """One post of a thread, or the body of a page, as Markdown.

    `author` is the name shown; `apple` says that the page marks the author as Apple staff. `created` is ISO 8601.
    `signature` is the name under the post: Apple's staff share role accounts. Anyone can sign anything.
    """

    kind: PostKind
    body: str
    id: str | None = None
    author: str | None = None
    apple: bool = False
    accepted: bool = False
    created: str | None = None
    signature: str | None = None


@dataclass(frozen=True)
class Document:
    """A thread, a resource post or a documentation page.

    `activity` is what the listing showed (`1w`, `Mar ’26`), `captured` the day (ISO 8601) it was shown on.
    `weight` is the number of other documents in which a post of Apple's points at this one; the build counts it.
    """

    id: str
    source: str
    kind: DocumentKind
    title: str
    posts: tuple[Post, ...]
    url: str | None = None
    topic: str | None = None
    tags: tuple[str, ...] = ()
    replies: Count | None = None
    boosts: Count | None = None
    views: Count | None = None
    activity: str | None = None
    captured: str | None = None
    updated: str | None = None
    links: tuple[str, ...] = ()
    weight: int = 0

    @property
    def question(self) -> Post | None:
        """The post that asks; None where only what others wrote is held, such as a long thread's second page."""
        return next((p for p in self.posts if p.kind == "question"), None)

    @property
    def day(self) -> str | None:
        """The day (ISO 8601) of what was last said in it, as far as its posts and the list it stood in tell."""
        return max((day for day in (self._said, self._listed) if day), default=None)

    @property
    def _said(self) -> str | None:
        """The day of its last post, of those that are held."""
        said = [p.created[:10] for p in self.posts if p.created and _DAY.match(p.created)]
        return max((*said, *([self.updated] if self.updated else ())), default=None)

    @property
    def _listed(self) -> str | None:
        """The first day that the activity shown by a list may stand for."""
        span = activity_span(self.activity, self.captured) if self.activity and self.captured else None
        return span.first[:10] if span else None

    @property
    def shown_activity(self) -> str | None:
        """The day of what was last said, or what a listing showed with the day it was shown on.

        That is the listing where it knows of something later than the posts that are held, or they have no days.
        """
        said = self._said
        if not self.activity or (said and said >= (self._listed or "")):
            return said
        dated = _DAY.match(self.activity) or "(as of" in self.activity or not self.captured
        return self.activity if dated else f"{self.activity} (as of {self.captured})"

    @property
    def apple_replied(self) -> bool:
        """Whether Apple staff wrote any reply or the page itself."""
        return any(p.apple for p in self.posts)

    @property
    def accepted(self) -> bool:
        """Whether an answer is marked accepted."""
        return any(p.accepted for p in self.posts)

    def to_json(self) -> dict[str, Any]:
        """A plain object, for the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Document:
        """The document of a stored object; one of before says, too, which layers of the parser gave its fields."""
        posts = tuple(Post(**p) for p in raw["posts"])
        counts = {k: Count(**raw[k]) if raw[k] else None for k in ("replies", "boosts", "views")}
        known = {k: v for k, v in raw.items() if k != "layers"}
        return cls(**(known | counts | {"posts": posts, "tags": tuple(raw["tags"]), "links": tuple(raw["links"])}))

    @property
    def content_hash(self) -> str:
        """Changes whenever anything a reader could see changes; not with the day of a capture or the views."""
        kept = {k: v for k, v in self.to_json().items() if k not in ("captured", "source", "views")}
        return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Head(NamedTuple):
    """What a list shows of a document, and its standing.

    `updated` is the day of what was last said in it, where that is known; `weight` is as in `Document`.
    """

    id: str
    title: str
    url: str | None
    kind: str
    apple_replied: bool
    accepted: bool
    activity: str | None
    captured: str | None
    topic: str | None
    source: str
    platforms: str
    updated: str | None
    weight: int = 0

    @property
    def day(self) -> str | None:
        """The day that is shown of what was last said, by a post or by a list."""
        return (last_day(self.activity) if self.activity else None) or self.updated


@dataclass(frozen=True)
class Passage:
    """The chunk of a document or card that is embedded and found.

    `owner` is the document's or card's id, `context` the title and heading path that are embedded before `text`. `read`
    is what is embedded of a question: its beginning, with English words for those of other languages. `also` and
    `reported` are those of a phrasing: further cards that would help, and whether somebody really had the trouble.
    """

    owner: str
    kind: str
    context: str
    text: str
    read: str = ""
    also: tuple[str, ...] = ()
    reported: bool = False

    @property
    def embedded(self) -> str:
        """What the encoder sees."""
        text = self.read or self.text
        return f"{self.context}\n{text}" if self.context else text


def fold(text: str) -> str:
    """Text for comparing titles: NFKC, lower case, typographic signs folded, runs of space as one."""
    if text.isascii():  # most is, and has nothing to fold but its case
        return " ".join(text.lower().split())
    folded = composed(text, "NFKC").translate(_SIGNS).casefold()
    return " ".join(folded.split())


_SIGNS = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "\u00a0": " "})
