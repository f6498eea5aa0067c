"""Watches in processes of their own, to be killed: the real one, with the forum's host led to loopback.

Each line of standard input, `HOME ADDRESS MODE CALLS` as JSON, starts one in a process forked from this one, which has
imported everything and opened nothing. Out come `pid N`, `ready` of the watch, and `status N` once it is gone.

MODE is `light` (a judgement without a snapshot) or `real`. CALLS is after how many calls of nekb's own functions the
process kills itself with SIGKILL; 0 is never, and then it ends once everything was sent.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import httpx
import structlog

from api.records.database import open_database
from api.triage.reading import threads_of
from api.triage.targets import FileTarget, SlackTarget, WebhookTarget
from api.triage.watching import FEED, Watch
from ingest.fetching.fetcher import Fetcher
from ingest.ledger import Ledger
from ingest.single import fetch_page
from ingest.sources.source import Pace
from kb.answer import SnapshotInfo
from kb.documents import Document
from kb.triage import Triage, TriagedThread


class ToLoopback(httpx.AsyncHTTPTransport):
    """Leads every request to one server of this machine."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._to = httpx.URL(address)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._to.host, port=self._to.port)
        return await super().handle_async_request(request)


def light(document: Document) -> Triage:
    thread = TriagedThread(id=document.id, title=document.title, url=document.url, author=None, created=None)
    return Triage(
        thread=thread, topic=None, outcome="no_match", confidence=0, route="out_of_scope", signals=[], cards=[],
        duplicates=[], left_out=[], draft=None, snapshot=SnapshotInfo(id="-", built_at="-", documents=0, model="-"),
    )  # fmt: skip


def real(home: Path) -> Any:
    from kb.snapshot import open_current
    from kb.triage import triage

    snapshot = open_current(home)
    return lambda document: triage(document, snapshot)


def die_after(calls: int) -> None:
    left = calls

    def count(frame: Any, event: str, _argument: object) -> None:
        nonlocal left
        if event in ("call", "return") and "/nekb_tests/" not in frame.f_code.co_filename:
            name = frame.f_code.co_filename
            if any(part in name for part in ("/api/", "/ingest/", "/httpx/", "/sqlalchemy/engine/")):
                left -= 1
                if left <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


def watch_until_killed(home: Path, feed: str, mode: str, calls: int) -> None:
    target = feed
    engine = open_database(home)

    def fetcher(ledger: Ledger, _pace: Pace) -> Fetcher:
        return Fetcher(ledger, Pace(0, 0, 10_000, 1_000_000), transport=ToLoopback(feed))

    def read() -> list[Document]:
        return threads_of(fetch_page(home, FEED, fetcher))

    targets = [
        FileTarget(home / "threads.jsonl"),
        WebhookTarget(f"{target}/hook"),
        SlackTarget("C0WATCHED", "xoxb-stub", f"{target}/api/"),
    ]
    watch = Watch(engine, targets, read, light if mode == "light" else real(home), 0)
    say("ready")
    if calls:
        die_after(calls)
    while True:
        watch.look()
        assert watch.problem is None, watch.problem
        watch.deliver()
        if not calls and not watch.waiting():
            return
        time.sleep(0.01)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for line in sys.stdin:
        home, address, mode, calls = json.loads(line)
        child = os.fork()
        if not child:
            try:
                watch_until_killed(Path(home), address, mode, calls)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        say(f"pid {child}")
        say(f"status {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


main()
