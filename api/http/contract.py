"""Requests and answers of the HTTP interface that are not the answer itself."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.given import GivenValue
from kb.answer import Link, RouteKind
from kb.matching.question import GivenKind
from kb.surrogates import without_surrogates


def _whole(raw: Any) -> Any:
    return without_surrogates(raw) if isinstance(raw, str) else raw


# Text that may have been cut in the middle of a character; half of one becomes U+FFFD.
Text = Annotated[str, BeforeValidator(_whole)]


class AskRequest(BaseModel):
    """A symptom: three words, a question, a pasted log."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"query": "code 8 hotspot", "limit": 5}]})

    query: str = Field(min_length=1, max_length=1_500_000)
    limit: int = Field(default=5, ge=1, le=20)
    given: dict[GivenKind, GivenValue] = Field(default_factory=dict, description="Answers to an earlier `missing`.")


class CardEntry(BaseModel):
    """A guidance card in a list."""

    id: str
    title: str
    topic: str
    summary: str
    route: RouteKind
    reviewed: str
    origin: str


class CardPage(BaseModel):
    """One page of guidance cards; `next` is the address of the next page."""

    items: list[CardEntry]
    total: int
    next: str | None = None


class CardStepOut(BaseModel):
    """A step of a whole card."""

    text: str
    links: list[Link]
    when: str | None


class NearMissOut(BaseModel):
    """A symptom that belongs to another card."""

    text: str
    card: str


class CardOut(CardEntry):
    """A whole guidance card."""

    steps: list[CardStepOut]
    links: list[Link]
    ask_for: list[str]
    symptoms: dict[str, list[str]]
    near_misses: list[NearMissOut]
    see_also: list[str]
    attach: list[str]
    platforms: list[str]
    facts_as_of: str
    recheck_after: list[str]


class PostOut(BaseModel):
    """A post of a thread: Markdown that came from outside, to be escaped where it is shown."""

    kind: str
    body: str
    author: str | None
    apple: bool
    accepted: bool
    created: str | None


class ThreadOut(BaseModel):
    """A whole document: its posts, what it links to and what links to it."""

    id: str
    title: str
    url: str
    kind: str
    source: str
    topic: str | None
    tags: list[str]
    activity: str | None
    captured: str | None
    posts: list[PostOut]
    links: list[str]
    linked_from: list[Link]


class SearchHit(BaseModel):
    """A document of a search with its best passage."""

    id: str
    title: str
    url: str
    kind: str
    score: float
    excerpt: str
    apple_replied: bool
    accepted: bool
    activity: str | None
    captured: str | None


class SearchPage(BaseModel):
    """One page of search results; `next` is the address of the next page.

    `degraded` says that the vectors were away and documents were found by words alone, `degraded_reason` why.
    """

    items: list[SearchHit]
    next: str | None = None
    degraded: bool = False
    degraded_reason: str | None = None


class ErrorOut(BaseModel):
    """What a code means in one domain."""

    domain: str
    code: int
    symbol: str | None
    swift: str | None
    meaning: str
    hints: list[str]
    guidance: list[str]
    topic: str
    platforms: str
    visibility: str
    confidence: str
    notes: str | None = Field(description="What holds for the whole domain.")


class SilentApiOut(BaseModel):
    """An API that fails without an error: what it does instead."""

    api: str
    meaning: str
    guidance: list[str]
    topic: str
    confidence: str


class FeedbackRequest(BaseModel):
    """Whether an answer helped. `expected` names the card that would have been right."""

    model_config = ConfigDict(extra="forbid")

    query: Text = Field(min_length=1, max_length=20_000)
    helpful: bool
    card: str | None = Field(default=None, max_length=64)
    reason: Text | None = Field(default=None, max_length=2_000)
    expected: str | None = Field(default=None, max_length=64)


class Accepted(BaseModel):
    """It was kept."""

    accepted: bool = True


class Ready(BaseModel):
    """Whether the server can answer, and from which snapshot; `refused` names one that could not be used.

    `keys` is false where keys are demanded and cannot be read.
    """

    ready: bool
    snapshot: str | None
    refused: str | None = None
    keys: bool = True
