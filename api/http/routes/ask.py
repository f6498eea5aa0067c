"""`/v1/ask`: the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError

from api.given import GivenValue
from api.http import metrics
from api.http.contract import AskRequest
from api.http.dependencies import (
    Held,
    MayAsk,
    NotModified,
    ReadSnapshot,
    Services,
    has_copy,
    held_by,
    may_ask,
    not_to_keep,
    validators,
)
from api.http.problems import ANY, documented
from api.records.questions import remember
from kb.answer import Answer
from kb.asking import ask, readable
from kb.matching.question import check_given
from kb.snapshot import Snapshot
from kb.surrogates import sound_json

Given = Annotated[GivenValue | None, Query()]


class _InOneStep(APIRoute):
    """The route of a question; of a posted one the key, body and snapshot are read in one step.

    Solved as dependencies, one by one, they cost a third of a millisecond more (docs/http.md). The description of the
    route is FastAPI's as ever.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers: for a posted question its own, else FastAPI's."""
        if self.body_field is None:
            return super().get_route_handler()

        async def handle(request: Request) -> Response:
            await may_ask(request)
            body, held = await _posted(request), held_by(request)
            answer: Response = await self.endpoint(body, held.current.get(), held)
            return answer

        return handle


async def _posted(request: Request) -> AskRequest:
    """The body of a question. Raises `RequestValidationError` as FastAPI does."""
    body = sound_json(await request.body())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))):
        raise RequestValidationError([{"loc": ("body",), "msg": "Send JSON, with `Content-Type: application/json`"}])
    try:
        return AskRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error


router = APIRouter(
    prefix="/v1", tags=["ask"], dependencies=[MayAsk], responses=documented(*ANY), route_class=_InOneStep
)


@router.post("/ask", response_model=Answer)
async def post_ask(body: AskRequest, snapshot: ReadSnapshot, held: Held) -> Response:
    """Answer a symptom."""
    return await _answer(body.query, body.limit, {str(k): v for k, v in body.given.items()}, snapshot, held)


@router.get("/ask", response_model=Answer, responses=documented(304))
async def get_ask(
    request: Request,
    snapshot: ReadSnapshot,
    held: Held,
    query: Annotated[str, Query(min_length=1, max_length=8_000)],
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
    platform: Given = None,
    os: Given = None,
    distribution: Given = None,
    supervision: Given = None,
    packaging: Given = None,
    simulator: Given = None,
    error: Given = None,
) -> Response:
    """The same for a link that can be shared."""
    facts = {
        "platform": platform,
        "os": os,
        "distribution": distribution,
        "supervision": supervision,
        "packaging": packaging,
        "simulator": simulator,
        "error": error,
    }
    given = {k: v for k, v in facts.items() if v}
    if has_copy(request, snapshot):  # what cannot be answered is refused, whatever the caller has
        readable(query)
        check_given(given, snapshot.signals)
        raise NotModified(validators(snapshot))
    return await _answer(query, limit, given, snapshot, held)


async def _answer(query: str, limit: int, given: dict[str, str], snapshot: Snapshot, held: Services) -> Response:
    """One hop to a thread and one rendering: the model is valid by its making and need not be validated again."""
    question = partial(ask, query, snapshot, limit=limit, given=given)
    answer = await asyncio.get_running_loop().run_in_executor(held.askers, question)
    remember(held.engine, answer, "http")
    metrics.count(answer, "http")
    shown = Response(answer.to_json(), media_type="application/json", headers=validators(snapshot))
    if answer.degraded:
        not_to_keep(shown)
    return shown
