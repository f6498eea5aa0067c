"""Each request once: one that is replayed is refused, an event that Slack repeats is not answered twice."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncBoltRequest
from sqlalchemy import Engine

from api.records.requests import first_times, forget_old

PATIENCE = 1.0  # seconds that a request waits for the database; Slack waits three
_HELD = 20_000
_SWEEP = 3600.0
logger = logging.getLogger("nekb.slack")


class Once:
    """A middleware of Bolt; it runs after signature and timestamp were verified.

    This process remembers by itself; the database remembers for all of them. Where the database is slow or away,
    what this process knows has to do. Requests that come together are written together: a disk takes as long for one
    as for fifty.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._waiting: list[tuple[str, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        # A thread of its own: the others are busy with answers when it matters.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="nekb-slack-once")
        self._swept = 0.0

    async def __call__(self, req: AsyncBoltRequest, next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        """Let a request through the first time."""
        signature = (req.headers.get("x-slack-signature") or [""])[0]
        if signature and not await self._first(f"request:{signature}"):
            return BoltResponse(status=401, body="")
        event = req.body.get("event_id")
        if event and not await self._first(f"event:{event}"):
            return BoltResponse(status=200, body="")
        return await next()

    async def _first(self, key: str) -> bool:
        key = key[:160]
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _HELD:
            self._seen.popitem(last=False)
        known: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, known))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        try:
            return await asyncio.wait_for(known, PATIENCE)
        except TimeoutError:
            logger.warning("the database was too slow to remember a request")
            return True

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            keys = [key for key, _ in batch]
            try:
                new = await asyncio.get_running_loop().run_in_executor(self._writer, self._remember, keys)
            except Exception as error:
                logger.warning("requests could not be remembered: %s", type(error).__name__)
                new = set(keys)
            for key, known in batch:
                if not known.done():
                    known.set_result(key in new)

    def _remember(self, keys: list[str]) -> set[str]:
        if time.monotonic() - self._swept > _SWEEP:
            self._swept = time.monotonic()
            forget_old(self._engine)
        return first_times(self._engine, keys)
