"""`/v1/guidance`: the cards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from api.http.contract import CardEntry, CardOut, CardPage, CardStepOut, NearMissOut
from api.http.dependencies import MayAsk, ReadSnapshot, not_modified
from api.http.problems import ANY, documented
from kb.errors import NotFoundError
from kb.guidance.card import Card, Topic
from kb.snapshot import Snapshot

router = APIRouter(prefix="/v1", tags=["guidance"], dependencies=[MayAsk], responses=documented(*ANY, 304))


@router.get("/guidance")
def list_guidance(
    request: Request,
    snapshot: ReadSnapshot,
    topic: Annotated[Topic | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> CardPage:
    """Every card, by id."""
    not_modified(request, snapshot)
    cards = [c for _, c in sorted(snapshot.cards.items()) if topic in (None, c.topic)]
    page = cards[offset : offset + limit]
    more = offset + limit < len(cards)
    following = str(request.url.include_query_params(offset=offset + limit).query) if more else None
    return CardPage(
        items=[entry(c) for c in page], total=len(cards), next=f"/v1/guidance?{following}" if following else None
    )


@router.get("/guidance/{id}", responses=documented(404))
def get_guidance(request: Request, snapshot: ReadSnapshot, id: Annotated[str, Path(max_length=64)]) -> CardOut:
    """One whole card."""
    card = snapshot.cards.get(id)
    if card is None:
        raise NotFoundError(f"There is no card {id!r}.", "GET /v1/guidance lists them.")
    not_modified(request, snapshot)
    return whole(card, snapshot)


def entry(card: Card) -> CardEntry:
    """A card as a list shows it."""
    return CardEntry(
        id=card.id,
        title=card.title,
        topic=card.topic,
        summary=card.summary,
        route=card.route.kind,
        reviewed=card.reviewed.isoformat(),
        origin=card.origin,
    )


def whole(card: Card, snapshot: Snapshot) -> CardOut:
    """A card with everything it says."""
    links = snapshot.resources
    return CardOut(
        **entry(card).model_dump(),
        steps=[
            CardStepOut(text=s.text, links=[links[c] for c in s.cites if c in links], when=s.when) for s in card.steps
        ],
        links=[links[id] for id in card.links if id in links],
        ask_for=[a.question for a in card.ask_for],
        symptoms={str(style): texts for style, texts in card.symptoms.items()},
        near_misses=[NearMissOut(text=m.text, card=m.card) for m in card.near_misses],
        see_also=list(card.see_also),
        attach=list(card.route.attach),
        platforms=list(card.applies_to.platforms),
        facts_as_of=card.facts_as_of.isoformat(),
        recheck_after=list(card.recheck_after),
    )
