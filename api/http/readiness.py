"""Whether API keys can be read: without that no request that needs one is answered."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from sqlalchemy import Engine

from api.records.keys import check_keys

log = structlog.get_logger("nekb.readiness")
_FRESH = 1.0  # seconds for which an outcome holds: whoever asks does so every few
_PATIENCE = 1.0  # seconds; who asks gives up after two (deploy/Dockerfile)


class KeyReading:
    """Tries to read keys, in a thread of its own: no question can fill it, and the event loop waits for no disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="nekb-ready")
        self._tried: Future[bool] | None = None
        self._until = 0.0

    async def works(self) -> bool:
        """Whether keys can be read; what takes longer than a second counts as no."""
        tried = self._tried
        if tried is None or (tried.done() and time.monotonic() >= self._until):
            tried = self._tried = self._reader.submit(self._read)
            self._until = time.monotonic() + _FRESH
        await asyncio.wait([asyncio.wrap_future(tried)], timeout=_PATIENCE)
        return tried.done() and tried.result()

    def close(self) -> None:
        """Try no more."""
        self._reader.shutdown(wait=False)

    def _read(self) -> bool:
        try:
            check_keys(self._engine)
        except Exception as error:  # whatever it is, a request that shows its key meets it too
            log.warning("keys_cannot_be_read", error=type(error).__name__)
            return False
        return True
