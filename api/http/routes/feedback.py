"""`/v1/feedback`: did it help?"""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import APIRouter

from api.http.contract import Accepted, FeedbackRequest
from api.http.dependencies import Held, MayGiveFeedback, ReadSnapshot
from api.http.problems import ANY, documented
from api.records.feedback import keep_feedback
from kb.errors import BadInputError

router = APIRouter(prefix="/v1", tags=["feedback"], dependencies=[MayGiveFeedback], responses=documented(*ANY))


@router.post("/feedback", status_code=202)
async def post_feedback(body: FeedbackRequest, snapshot: ReadSnapshot, held: Held) -> Accepted:
    """Keep a vote. It becomes an evaluation question; no answer changes by it."""
    for id in (body.card, body.expected):
        if id is not None and id not in snapshot.cards:
            raise BadInputError(f"There is no card {id!r}.", "GET /v1/guidance lists them.", code="unknown_card")
    vote = partial(
        keep_feedback,
        held.engine,
        query=body.query,
        helpful=body.helpful,
        card=body.card,
        reason=body.reason,
        expected=body.expected,
        surface="http",
        snapshot=snapshot.manifest.id,
    )
    await asyncio.get_running_loop().run_in_executor(held.voters, vote)
    return Accepted()
