"""`/v1/threads` and `/v1/search`: documents."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BeforeValidator

from api.http.contract import PostOut, SearchHit, SearchPage, ThreadOut
from api.http.dependencies import MayAsk, ReadSnapshot, not_modified, not_to_keep
from api.http.problems import ANY, documented
from kb.answer import Link
from kb.asking import readable
from kb.documents import LONGEST_ID, Document
from kb.errors import NotFoundError
from kb.filters import Filters
from kb.guidance.card import Platform, Topic
from kb.matching.threads import RankedThread
from kb.resources import address_of
from kb.search import search
from kb.snapshot import Snapshot

router = APIRouter(prefix="/v1", tags=["threads"], dependencies=[MayAsk], responses=documented(*ANY, 304))


@router.get("/threads/{id}", responses=documented(404))
def get_thread(request: Request, snapshot: ReadSnapshot, id: Annotated[str, Path(max_length=LONGEST_ID)]) -> ThreadOut:
    """A document with its posts, what it links to and what links to it."""
    document = snapshot.document(id)
    if document is None:
        raise NotFoundError(f"There is no thread {id!r}.", "GET /v1/search finds them.")
    not_modified(request, snapshot)
    return whole(document, snapshot)


def _iso_day(raw: object) -> object:
    """A day as it is documented; pydantic alone would take `0.0` for seconds since 1970."""
    if isinstance(raw, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw):
        raise ValueError("a day is written as 2026-03-18")
    return raw


async def _filters(
    topic: Annotated[Topic | None, Query()] = None,
    platform: Annotated[Platform | None, Query()] = None,
    source: Annotated[str | None, Query(max_length=40)] = None,
    kind: Annotated[Literal["thread", "resource", "documentation", "technote", "feed-item"] | None, Query()] = None,
    since: Annotated[date | None, BeforeValidator(_iso_day), Query()] = None,
    apple_replied: Annotated[bool | None, Query()] = None,
    accepted: Annotated[bool | None, Query()] = None,
) -> Filters:
    return Filters(topic, platform, source, kind, since.isoformat() if since else None, apple_replied, accepted)


@router.get("/search")
def get_search(
    request: Request,
    response: Response,
    snapshot: ReadSnapshot,
    filters: Annotated[Filters, Depends(_filters)],
    query: Annotated[str, Query(min_length=1, max_length=8_000)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    offset: Annotated[int, Query(ge=0, le=200)] = 0,
) -> SearchPage:
    """Documents like the query, with filters."""
    text = readable(query)
    not_modified(request, snapshot)
    found = search(text, snapshot, filters, limit, offset)
    if found.degraded_reason:
        not_to_keep(response)
    following = (
        request.url.include_query_params(offset=offset + limit).query if found.more and offset + limit <= 200 else None
    )
    return SearchPage(
        items=[hit(r) for r in found.documents],
        next=f"/v1/search?{following}" if following else None,
        degraded=found.degraded_reason is not None,
        degraded_reason=found.degraded_reason,
    )


def hit(r: RankedThread) -> SearchHit:
    """A search result."""
    h = r.head
    return SearchHit(
        id=h.id,
        title=h.title,
        url=address_of(h),
        kind=h.kind,
        score=round(r.score, 4),
        excerpt=r.excerpt,
        apple_replied=bool(h.apple_replied),
        accepted=bool(h.accepted),
        activity=h.activity,
        captured=h.captured,
    )


def whole(d: Document, snapshot: Snapshot) -> ThreadOut:
    """A document with everything known of it."""
    sources = snapshot.linked_from(d.url) if d.url else []
    return ThreadOut(
        id=d.id,
        title=d.title,
        url=address_of(d),
        kind=d.kind,
        source=d.source,
        topic=d.topic,
        tags=list(d.tags),
        activity=d.shown_activity,
        captured=d.captured,
        posts=[
            PostOut(kind=p.kind, body=p.body, author=p.author, apple=p.apple, accepted=p.accepted, created=p.created)
            for p in d.posts
        ],
        links=list(d.links),
        linked_from=[Link(title=h.title, url=address_of(h), search=h.url is None) for h in sources],
    )
