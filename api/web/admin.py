"""`/admin`: what people ask and what is missing, for whoever runs the server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.http.dependencies import Held, caller
from api.records.gaps import find_gaps, gap_lines
from api.records.retention import retention_days
from api.web import cookie
from api.web.plot import plot
from api.web.rendering import page

router = APIRouter(include_in_schema=False, dependencies=[Depends(caller("admin"))])
Days = Annotated[int, Query(ge=1, le=3650)]


@router.get("/admin")
def get_admin(request: Request, held: Held, days: Days = 30) -> Response:
    """Gaps, votes, cards and days, as tables and a plot."""
    snapshot = held.current.get()
    gaps = find_gaps(held.engine, snapshot, days)
    return page(
        "admin.html",
        here=request.url.path,
        snapshot=snapshot.info,
        signed_in=cookie.came_with(request),
        gaps=gaps,
        plot=plot(gaps.by_day),
        cards=snapshot.cards,
        kept=retention_days(),
    )


@router.get("/admin/gaps.jsonl")
def get_gap_file(held: Held, days: Days = 30) -> Response:
    """The gaps as an evaluation file to label."""
    lines = gap_lines(find_gaps(held.engine, held.current.get(), days))
    attached = {"Content-Disposition": 'attachment; filename="gaps.jsonl"', "Cache-Control": "no-store"}
    return Response("".join(line + "\n" for line in lines), media_type="application/jsonl", headers=attached)
