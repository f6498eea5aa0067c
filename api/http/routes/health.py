"""Liveness, readiness and metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from api.http import metrics
from api.http.contract import Ready
from api.http.dependencies import Held, caller
from api.http.problems import documented
from kb.errors import SnapshotError

router = APIRouter(tags=["operation"])


@router.get("/healthz", response_class=PlainTextResponse, responses=documented(421))
async def get_health() -> str:
    """The process is alive."""
    return "ok"


@router.get("/readyz", responses=documented(421) | {503: {"model": Ready, "description": "Not ready"}})
async def get_ready(held: Held, response: Response) -> Ready:
    """Whether a question would be answered, from a snapshot and for who shows a key where that is demanded.

    It waits for no question that is being answered.
    """
    keys = not held.settings.require_keys or await held.keys.works()
    try:
        snapshot = held.current.get().manifest.id
    except SnapshotError:
        snapshot = None
    ready = keys and snapshot is not None
    if not ready:
        response.status_code = 503
    return Ready(ready=ready, snapshot=snapshot, refused=held.current.refused, keys=keys)


@router.get("/metrics", response_class=PlainTextResponse, responses=documented(401, 403, 421, 429, 503))
async def get_metrics(request: Request) -> Response:
    """Prometheus metrics of all workers together; behind a key wherever keys are demanded."""
    await caller("admin")(request)
    return Response(metrics.told(), media_type=CONTENT_TYPE_LATEST)
