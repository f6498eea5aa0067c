"""Running the server: uvicorn, with structured logs and a graceful end."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import asdict
from json import dumps, loads
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from api.http.app import create_app
from api.http.settings import ServeSettings

_SETTINGS = "NEKB_SERVE_SETTINGS"
_GRACE = 20


def serve(settings: ServeSettings, workers: int) -> None:
    """Serve until told to stop; several workers share the snapshot's files in memory."""
    os.environ[_SETTINGS] = dumps(asdict(settings) | {"home": str(settings.home)})
    uvicorn.run(
        "api.http.server:app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 << 10,
    )


def app() -> FastAPI:
    """The app of a worker process, from the settings its parent left."""
    configure_logs()
    raw: dict[str, Any] = loads(os.environ[_SETTINGS])
    return create_app(
        ServeSettings(
            **(raw | {"home": Path(raw["home"]), "origins": tuple(raw["origins"]), "hosts": tuple(raw["hosts"])})
        )
    )


def _line(event: Any, **options: Any) -> bytes:
    return dumps(event, **options).encode()


def configure_logs() -> None:
    """JSON lines on stderr, from information upwards; of libraries only warnings."""
    logging.getLogger("mcp").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),  # one write a line
        cache_logger_on_first_use=True,
    )
