"""`/v1/ask`: the answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.http.contract import AskRequest, Bounded
from api.http.dependencies import Held, MayAsk, ReadSnapshot, not_modified
from api.http.problems import documented
from api.records.questions import remember
from kb.answer import Answer
from kb.asking import ask

router = APIRouter(
    prefix="/v1", tags=["ask"], dependencies=[MayAsk], responses=documented(401, 403, 413, 422, 429, 503)
)


@router.post("/ask")
def post_ask(body: AskRequest, snapshot: ReadSnapshot, held: Held) -> Answer:
    """Answer a symptom."""
    answer = ask(body.query, snapshot, limit=body.limit, given={str(k): v for k, v in body.given.items()})
    remember(held.engine, answer, "http")
    return answer


@router.get("/ask")
def get_ask(
    request: Request,
    snapshot: ReadSnapshot,
    held: Held,
    query: Annotated[str, Query(min_length=1, max_length=8_000)],
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
    platform: Annotated[Bounded | None, Query()] = None,
    os: Annotated[Bounded | None, Query()] = None,
    distribution: Annotated[Bounded | None, Query()] = None,
    supervision: Annotated[Bounded | None, Query()] = None,
) -> Answer:
    """The same for a link that can be shared."""
    not_modified(request, snapshot)
    facts = {"platform": platform, "os": os, "distribution": distribution, "supervision": supervision}
    answer = ask(query, snapshot, limit=limit, given={k: v for k, v in facts.items() if v})
    remember(held.engine, answer, "http")
    return answer
