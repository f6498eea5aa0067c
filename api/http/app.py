"""The app: routes, the layer around them, the snapshot that answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware

import kb
from api.current import CurrentSnapshot
from api.http import metrics, problems
from api.http.dependencies import NotModified, Services
from api.http.mcp import mount_mcp
from api.http.middleware import Guard
from api.http.problems import Problem
from api.http.readiness import KeyReading
from api.http.routes import ask, errors, feedback, guidance, health, snapshots, threads
from api.http.settings import ServeSettings
from api.records.database import open_database
from api.records.questions import flush
from api.records.retention import keep_forgetting
from api.web import admin, pages

log = structlog.get_logger("nekb.app")
_OF_MCP = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name")
_ALLOWED = ("Authorization", "Content-Type", "X-API-Key", "If-None-Match", "X-Request-Id", *_OF_MCP)
_RATES = ("Retry-After", "RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_EXPOSED = ("ETag", "X-Request-Id", "WWW-Authenticate", *_RATES)
_OPEN = ("/healthz", "/readyz")
_KEYS: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_DESCRIPTION = """A symptom in, the canonical guidance on Apple's Network Extension out.

Every answer names the snapshot it came from; the same snapshot gives the same answer of the same
nekb, so its id and nekb's version are the ETag."""


def create_app(settings: ServeSettings, current: CurrentSnapshot | None = None) -> FastAPI:
    """The app for these settings; `current` may have the snapshot open already."""
    current = current or CurrentSnapshot(settings.home)
    app = FastAPI(
        title="nekb",
        version=kb.__version__,
        description=_DESCRIPTION,
        lifespan=_lifespan,
        license_info={"name": "Apache-2.0"},
        swagger_ui_parameters=None,
        docs_url=None,
        redoc_url=None,
    )
    engine = open_database(settings.home)
    app.state.services = Services(settings, current, engine, KeyReading(engine))
    problems.install(app)

    @app.exception_handler(NotModified)
    async def unchanged(_request: Request, error: NotModified) -> Response:
        return Response(status_code=304, headers=error.headers)

    for module in (ask, guidance, threads, errors, feedback, health, snapshots):
        app.include_router(module.router)
    app.include_router(pages.router)
    app.include_router(admin.router)
    _mount_slack(app)
    app.state.mcp = mount_mcp(app)
    app.add_middleware(Guard, settings=settings, engine=engine)
    if settings.origins:  # around the guard: a page may read its refusals, and its preflights count as no request
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=_ALLOWED,
            expose_headers=_EXPOSED,
        )
    _document_more(app)
    return app


def _mount_slack(app: FastAPI) -> None:
    """Slack's endpoint, where its secrets are set. One of them alone is told: it may be there for something else."""
    secret, token = os.environ.get("SLACK_SIGNING_SECRET"), os.environ.get("SLACK_BOT_TOKEN")
    if not secret or not token:
        if secret or token:
            missing = "SLACK_BOT_TOKEN" if secret else "SLACK_SIGNING_SECRET"
            log.warning("slack", code="slack", problem=f"{missing} is not set, so /slack/events is not served.")
        return
    from api.slack.app import slack_app
    from api.slack.desk import Desk, SlackSettings
    from api.slack.endpoint import slack_router

    held: Services = app.state.services
    desk = Desk(held.current.get, held.engine, lambda answer: metrics.count(answer, "slack"))
    settings = SlackSettings(token, secret, api_base=os.environ.get("SLACK_API_URL"))
    assert settings.signing_secret is not None  # it was given, and is what came of that
    app.include_router(slack_router(slack_app(settings, desk), settings.signing_secret))


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    held: Services = app.state.services
    await asyncio.to_thread(held.current.refresh)
    beside = [asyncio.create_task(work) for work in (_watch(held), keep_forgetting(held.engine))]
    try:
        async with app.state.mcp():
            yield
    finally:
        for work in beside:
            work.cancel()
        await asyncio.wait(beside)
        await asyncio.to_thread(flush)
        held.askers.shutdown(wait=False)
        held.voters.shutdown(wait=False)
        held.keys.close()


async def _watch(held: Services) -> None:
    """Look for a new snapshot now and then. No failure ends the watch."""
    while True:
        try:
            await asyncio.to_thread(held.current.refresh)
        except Exception as error:  # whatever it was, the next round may succeed
            log.warning("watch_failed", error=type(error).__name__)
        await asyncio.sleep(held.settings.reload_every)


def _document_more(app: FastAPI) -> None:
    """Put the problem document's schema where the routes' documented errors point, and say how a key is shown."""
    made = app.openapi
    required: bool = app.state.services.settings.require_keys

    def openapi() -> dict[str, object]:
        schema = made()
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        components["Problem"] = Problem.model_json_schema()
        schema["components"]["securitySchemes"] = _KEYS
        for path, operations in schema["paths"].items():
            for operation in operations.values() if path not in _OPEN else ():
                operation["security"] = [{name: []} for name in _KEYS] + ([] if required else [{}])
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
