"""Several processes on the same sockets, forked from one that has everything open, so that they share its memory.

uvicorn starts its workers afresh: each would import every library and load the model for itself, 150 MiB a process.
Here one process imports, opens the snapshot, asks it a question, and forks; what a worker only reads stays one copy
for all. Linux only: the frameworks under macOS do not bear a fork, and Windows has none.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
import uvicorn

from api.current import CurrentSnapshot
from api.http import metrics
from api.http.app import create_app
from api.http.settings import ServeSettings
from api.records.database import open_database

log = structlog.get_logger("nekb.workers")
_WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_SHORT_LIFE = 2.0  # seconds; a worker that ended sooner is not started again at once


class Workers:
    """The workers of a server and the process that they were forked from.

    `options` are uvicorn's; `grace` is the seconds that workers have to end what they began.
    """

    def __init__(self, settings: ServeSettings, options: dict[str, Any], count: int, grace: float) -> None:
        self._settings, self._count, self._grace = settings, count, grace
        self._current = CurrentSnapshot(settings.home)
        self._config = uvicorn.Config(create_app(settings, self._current), **options)
        self._started: dict[int, float] = {}

    def run(self, sockets: list[socket.socket]) -> None:
        """Serve on bound sockets until SIGTERM or SIGINT; a worker that ends before is replaced."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)  # before any thread begins, for a thread inherits it
        self._sockets = sockets
        self._open()
        for _ in range(self._count):
            self._fork()
        while signal.sigwait(_WATCHED) == signal.SIGCHLD:
            for pid in self._ended():
                log.warning("worker_ended", pid=pid)
                metrics.forget(pid)
                if time.monotonic() - self._started.pop(pid) < _SHORT_LIFE:
                    time.sleep(1)
                self._fork()
        self._end()

    def _open(self) -> None:
        """Open what the workers share, in a thread whose connections end with it: SQLite bears no fork."""
        self._config.load()
        with ThreadPoolExecutor(1) as once:
            once.submit(self._current.refresh).result()
        open_database(self._settings.home).dispose()
        gc.freeze()  # a collection in a worker would touch, and so copy, every object

    def _fork(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._work()
        self._started[pid] = time.monotonic()

    def _work(self) -> None:
        """A worker's whole life; it never returns."""
        try:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            log.info("worker_started", pid=os.getpid())
            uvicorn.Server(self._config).run(self._sockets)
        except BaseException as error:
            log.error("worker_failed", error=type(error).__name__)  # noqa: TRY400 - its text may hold what was asked
            os._exit(1)
        os._exit(0)

    def _ended(self) -> list[int]:
        """The workers that have ended."""
        ended = []
        for pid in list(self._started):
            if os.waitpid(pid, os.WNOHANG)[0]:
                ended.append(pid)
        return ended

    def _end(self) -> None:
        """Tell the workers to end what they began, and wait for them."""
        for each in self._sockets:
            each.close()
        for pid in self._started:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        while self._started and time.monotonic() < deadline:
            for pid in self._ended():
                del self._started[pid]
            time.sleep(0.05)
        for pid in self._started:
            os.kill(pid, signal.SIGKILL)
