"""`/v1/errors`: what codes mean, and which APIs fail without one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.http.contract import ErrorOut, SilentApiOut
from api.http.dependencies import MayAsk, ReadSnapshot, not_modified
from api.http.problems import ANY, documented
from kb.error_lookup import find_errors, silent_apis

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
    return [*(SilentApiOut(**api.to_dict()) for api in silent), *(ErrorOut(**known.to_dict()) for known in found)]
