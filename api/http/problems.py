"""Errors as problem documents (RFC 9457), each with a remedy."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.text import one_line
from api.web import cookie
from api.web.rendering import page, wanted
from kb.errors import NekbError

log = structlog.get_logger("nekb.http")
MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: "Bad request",
    401: "No valid key",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    416: "No such range",
    421: "Wrong host",
    422: "Cannot be understood",
    429: "Too many requests",
    431: "Too long a head",
    503: "Not ready",
}
_REMEDIES = {404: "See /openapi.json for what there is.", 405: "See /openapi.json for the methods of this address."}


class Problem(BaseModel):
    """A problem document: `code` is stable for programs, `remedy` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str


class HttpProblem(Exception):  # noqa: N818 - it is a problem document on its way out
    """A problem that a route raises, with the headers that go with it."""

    def __init__(self, status: int, code: str, detail: str, remedy: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = document(status, code, detail, remedy)
        self.headers = headers or {}


def document(status: int, code: str, detail: str, remedy: str) -> Problem:
    """A problem of this status."""
    title = _TITLES.get(status, "Failed")
    return Problem(
        type=f"urn:nekb:problem:{code}",
        title=title,
        status=status,
        detail=one_line(detail)[:500],
        code=code,
        remedy=remedy,
    )


def response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The problem as an answer."""
    return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA_TYPE)


def shown_as(
    problem: Problem,
    path: str,
    accept: str,
    headers: dict[str, str] | None = None,
    *,
    signed_in: bool = False,
    back_to: str = "/",
) -> Response:
    """The problem as whoever asks can read it: a page in a browser, a problem document elsewhere.

    A page offers to sign out where somebody is signed in; signing in there leads `back_to` an address.
    """
    if not wanted(path, accept):
        return response(problem, headers)
    shown = page(
        "problem.html",
        problem.status,
        problem=problem,
        here=path,
        snapshot=None,
        signed_in=signed_in,
        back_to=back_to,
    )
    shown.headers.update(headers or {})
    return shown


def answer_for(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The problem as the answer to a request. A cookie whose key is refused is of no more use, so it is dropped."""
    path, accept, came = request.url.path, request.headers.get("accept", ""), cookie.came_with(request)
    refused = came and problem.status == 401
    back_to = cookie.address_of(request)
    shown = shown_as(problem, path, accept, headers, signed_in=came and not refused, back_to=back_to)
    if refused:
        cookie.forget_key(shown)
    return shown


ANY = (400, 401, 403, 413, 421, 422, 429, 431, 503)  # what every route of `/v1` may answer


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides success, for the OpenAPI document."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    problems: dict[int | str, dict[str, Any]] = {
        s: {"description": _TITLES.get(s, "Failed"), "content": {MEDIA_TYPE: schema}} for s in statuses if s != 304
    }
    return problems | ({304: {"description": "The copy that the caller has is current"}} if 304 in statuses else {})


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""

    @app.exception_handler(HttpProblem)
    async def problem(request: Request, error: HttpProblem) -> Response:
        return answer_for(request, error.problem, error.headers)

    @app.exception_handler(NekbError)
    async def known(request: Request, error: NekbError) -> Response:
        return answer_for(request, document(error.http_status, error.code, error.sentence, error.remedy))

    @app.exception_handler(SQLAlchemyError)
    async def records(request: Request, error: SQLAlchemyError) -> Response:
        log.warning("database_failed", error=type(error).__name__)
        return answer_for(
            request,
            document(503, "database", "The database of keys and feedback does not answer.", "Try again in a moment."),
            {"Retry-After": "5"},
        )

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return answer_for(
            request,
            document(422, "invalid", f"{where}: {first['msg']}", "See /openapi.json for the form of this request."),
        )

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        remedy = _REMEDIES.get(error.status_code, "See /openapi.json.")
        code = {404: "not_found", 405: "method"}.get(error.status_code, "http")
        headers = dict(error.headers or {}) | ({"Allow": _allowed(request)} if error.status_code == 405 else {})
        return answer_for(request, document(error.status_code, code, str(error.detail), remedy), headers)


def _allowed(request: Request) -> str:
    """The methods of an address, of all its routes together: the framework names those of the first."""
    asked = {"type": "http", "path": request.scope["path"], "root_path": "", "headers": []}
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    found = [
        method
        for method in methods
        if any(route.matches({**asked, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return ", ".join([*found, "HEAD"] if "GET" in found else found)
