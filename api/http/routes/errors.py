"""`/v1/errors`: what codes mean, and which APIs fail without one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.http.contract import ErrorOut, SilentApiOut
from api.http.dependencies import MayAsk, ReadSnapshot, not_modified
from api.http.problems import ANY, documented
from kb.error_lookup import KnownError, find_errors, silent_apis
from kb.signals.tables import SilentApi

router = APIRouter(prefix="/v1", tags=["errors"], dependencies=[MayAsk], responses=documented(*ANY, 404, 304))


@router.get("/errors")
def get_errors(
    request: Request,
    snapshot: ReadSnapshot,
    code: Annotated[int | None, Query(ge=-1_000_000, le=1_000_000)] = None,
    domain: Annotated[str | None, Query(max_length=120)] = None,
    symbol: Annotated[str | None, Query(max_length=120)] = None,
) -> list[ErrorOut | SilentApiOut]:
    """What a code means, in one domain or in every domain that knows it; or a symbol; best first. All have to agree.

    A symbol alone may be an API that fails without an error, such as `CNCopyCurrentNetworkInfo`.
    """
    silent = silent_apis(symbol, snapshot.signals) if symbol and code is None and not domain else []
    found = [] if silent else find_errors(snapshot.signals, code=code, domain=domain, symbol=symbol)
    not_modified(request, snapshot)
    return [*map(silent_api, silent), *map(error, found)]


def silent_api(known: SilentApi) -> SilentApiOut:
    """An API that fails without an error."""
    return SilentApiOut(
        api=known.api,
        meaning=known.behaviour,
        guidance=known.cards,
        topic=known.topic,
        confidence=known.confidence,
    )


def error(known: KnownError) -> ErrorOut:
    """A case of a domain."""
    d, c = known.domain, known.case
    return ErrorOut(
        domain=d.name,
        code=c.code,
        symbol=c.symbol,
        swift=c.swift,
        meaning=c.meaning,
        hints=c.hints,
        guidance=c.cards,
        topic=d.topic,
        platforms=d.platforms,
        visibility=d.visibility,
        confidence=c.confidence,
        notes=d.notes,
    )
