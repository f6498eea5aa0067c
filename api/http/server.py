"""Running the server: uvicorn, with structured logs and a graceful end."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import tempfile
from dataclasses import asdict, replace
from json import dumps, loads
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from api.http.connection import Connection
from api.http.settings import ServeSettings
from api.text import one_line

_SETTINGS = "NEKB_SERVE_SETTINGS"
_GRACE = 20
_OPTIONS: dict[str, Any] = {
    "access_log": False,
    "log_level": "warning",
    "log_config": None,
    "server_header": False,
    "timeout_graceful_shutdown": _GRACE,
    "timeout_keep_alive": 30,
    "http": Connection,
    "workers": 1,  # said, or uvicorn takes what WEB_CONCURRENCY holds, a number or not
}
# They point prometheus_client to another program's folder, where the metrics of one process would go as well.
_METRICS_ELSEWHERE = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


def serve(settings: ServeSettings, workers: int, sockets: list[socket.socket]) -> None:
    """Serve until told to stop; several workers share the snapshot in memory, one rate and one set of metrics."""
    options = _OPTIONS | {"host": settings.host, "port": settings.port}
    for name in _METRICS_ELSEWHERE:
        os.environ.pop(name, None)
    if workers == 1:
        from api.http.app import create_app

        configure_logs()
        server = uvicorn.Server(uvicorn.Config(create_app(settings), **options))
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl+C has ended it in order by then
            server.run(sockets)
        if not server.started:
            sys.exit(1)
        return
    with tempfile.TemporaryDirectory(prefix="nekb-serve-") as shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared  # read when the metrics are first imported
        together = replace(settings, shared=Path(shared))
        if sys.platform == "linux":
            from api.http.workers import Workers

            configure_logs()
            Workers(together, options, workers, _GRACE + 5).run(sockets)
        else:
            for each in sockets:  # uvicorn's own processes share a socket that uvicorn made
                each.close()
            _serve_afresh(together, options, workers)


def _serve_afresh(settings: ServeSettings, options: dict[str, Any], workers: int) -> None:
    """uvicorn's own way: each worker begins as a new process that reads the settings its parent left."""
    os.environ[_SETTINGS] = dumps(asdict(settings), default=str)
    uvicorn.run("api.http.server:app", factory=True, **(options | {"workers": workers}))


def app() -> FastAPI:
    """The app of a process, from the settings its parent left."""
    from api.http.app import create_app

    configure_logs()
    raw: dict[str, Any] = loads(os.environ[_SETTINGS])
    paths = {name: raw[name] and Path(raw[name]) for name in ("home", "shared")}
    return create_app(ServeSettings(**(raw | paths | {name: tuple(raw[name]) for name in ("origins", "hosts")})))


class _OfLibraries(logging.Handler):
    """Puts what libraries log among our lines: where it was said, and an error's kind, never a value.

    What MCP's library says may hold what was asked, so that is left out. So may what follows on a first line: asyncio
    writes there what a task failed with.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        error = record.exc_info[0] if record.exc_info else None
        said = {} if record.name.partition(".")[0] == "mcp" else {"said": _first_line(record)}
        structlog.get_logger(record.name).log(
            record.levelno,
            "library",
            logger=record.name,
            place=f"{record.filename}:{record.lineno}",
            **said,
            **({"error": error.__name__} if error else {}),
        )


class _Lines(structlog.BytesLogger):
    """Writes lines. A disk that is full, or a reader that is gone, takes the line and nothing else with it.

    Raised where it is logged, it ended the watch for new snapshots, with nobody left to be told.
    """

    def msg(self, message: bytes) -> None:
        """Write a line, where that can be done."""
        with contextlib.suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = error = critical = fatal = msg


def _first_line(record: logging.LogRecord) -> str:
    return one_line(record.getMessage().partition("\n")[0])[:500]


def _line(event: Any, **options: Any) -> bytes:
    return dumps(event, **options).encode()


def configure_logs() -> None:
    """JSON lines on stderr, from information upwards; of libraries only warnings."""
    root = logging.getLogger()
    root.handlers = [_OfLibraries(logging.WARNING)]
    root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Lines(sys.stderr.buffer),  # one write a line
        cache_logger_on_first_use=True,
    )
