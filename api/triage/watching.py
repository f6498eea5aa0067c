"""The watch: look at the feed, remember what is new, send it on once, and a digest a day.

A thread is remembered, for every target, in the transaction that first sees it; only then is it judged and sent. So a
kill at any moment leaves it to be seen again, sent again, or already sent, and never lost.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.records import deliveries
from api.records.clock import now
from api.records.deliveries import Delivery
from api.triage.messages import digest_message, thread_message, unread_message
from api.triage.targets import SendError, Target
from kb.documents import Document
from kb.errors import NekbError
from kb.triage import Triage

FEED = "https://developer.apple.com/forums/tags/rssFeed/networkextension"
_DIGEST, _GAP = "digest:", "gap:"
_PULSE = 15.0  # seconds between two looks at what is due
GAP = (
    "Nothing in the feed was seen before, so threads between may be missing. `nekb ingest --from tag` fetches the tag's"
    " own page."
)
_OTHER_VERSION = "It was noted by another version of nekb, which kept it in another form."
log = structlog.get_logger("nekb.watch")
Read = Callable[[], list[Document]]
Judge = Callable[[Document], Triage]


class Watch:
    """One watch over one feed.

    `read` gives the threads of the feed now, `judge` judges one. `digest_hour` (UTC) is when the day's digest is due.
    """

    def __init__(self, engine: Engine, targets: Sequence[Target], read: Read, judge: Judge, digest_hour: int) -> None:
        self._engine, self._targets = engine, targets
        self._read, self._judge, self._digest_hour = read, judge, digest_hour
        self.problem: str | None = None
        self.code = ""  # of the problem

    def run(self, every: float) -> None:
        """Go on until stopped; `every` is the number of seconds between two looks at the feed.

        A database that is busy or away is told in the log and asked again: what was not remembered is seen again.
        """
        next_look = 0.0
        while True:
            try:
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + every
                    self.look()
                self.deliver()
            except SQLAlchemyError as error:
                log.warning("database", error=type(error).__name__)
            time.sleep(_PULSE)

    def look(self) -> int:
        """Look at the feed; return how many threads are new to any target. What goes wrong is kept in `problem`."""
        try:
            threads = {t.id: t.to_json() for t in self._read()}
        except NekbError as error:
            self.problem, self.code = f"{error.sentence} {error.remedy}", error.code
            log.warning("feed", code=error.code, problem=error.sentence)
            return 0
        self.problem = None
        new = {id for target in self._targets for id in self._note(target, threads)}
        log.info("feed", threads=len(threads), new=len(new))
        return len(new)

    def _note(self, target: Target, threads: dict[str, dict[str, Any]]) -> list[str]:
        """Remember what is new for a target. What was there when it began is not new."""
        if not deliveries.knows(self._engine, target.key):
            start: dict[str, dict[str, Any]] = {f"{_DIGEST}{_today() if self._digest_is_past() else 'begun'}": {}}
            deliveries.note(self._engine, target.key, start | threads, "seen")
            return []
        if threads and not deliveries.known_of(self._engine, target.key, threads):
            self.problem, self.code = GAP, "gap"
            deliveries.note(self._engine, target.key, {f"{_GAP}{now()}": {"problem": GAP}}, "seen")  # for the digest
            log.warning("feed", problem=self.problem)
        return deliveries.note(self._engine, target.key, dict(reversed(threads.items())))

    def deliver(self) -> int:
        """Send what is due, the digest included; return how much arrived."""
        arrived = 0
        for target in self._targets:
            arrived += self._deliver_to(target)
            if self._note_digest(target):
                arrived += self._deliver_to(target)
        return arrived

    def _deliver_to(self, target: Target) -> int:
        arrived = 0
        for delivery in deliveries.due(self._engine, target.key):
            if not self._send(target, delivery):
                break  # whatever ails it, the next would meet it too
            arrived += 1
        return arrived

    def waiting(self) -> int:
        """How much is still to be sent."""
        return sum(deliveries.unsent(self._engine, target.key) for target in self._targets)

    def _send(self, target: Target, delivery: Delivery) -> bool:
        message = _kept(delivery) or self._message(delivery)
        deliveries.intend(self._engine, delivery, message)
        try:
            target.send(delivery, message)
        except SendError as error:
            wait = 30 * 2**delivery.attempts if error.wait is None else error.wait
            again = now(min(wait, deliveries.LONGEST_WAIT))
            deliveries.failed(self._engine, delivery, arrived=error.arrived or delivery.in_doubt, not_before=again)
            log.warning("not_sent", target=target.key, item=delivery.item, problem=error.what, again=again)
            return False
        deliveries.sent(self._engine, delivery)
        log.info("sent", target=target.key, item=delivery.item)
        return True

    def _message(self, delivery: Delivery) -> dict[str, Any]:
        """The message of an item. It is made once and kept, so that a repeat is the same to the byte."""
        if delivery.item.startswith(_DIGEST):
            return digest_message(delivery.item, delivery.content)
        try:
            thread = Document.from_json(delivery.content)
        except (KeyError, TypeError):
            title, url = delivery.content.get("title"), delivery.content.get("url")
            return unread_message(delivery.item, delivery.at, str(title or delivery.item), url, _OTHER_VERSION)
        try:
            return thread_message(delivery.item, delivery.at, self._judge(thread))
        except NekbError as error:
            return unread_message(delivery.item, delivery.at, thread.title, thread.url, error.sentence)

    def _digest_is_past(self) -> bool:
        return dt.datetime.now(dt.UTC).hour >= self._digest_hour

    def _note_digest(self, target: Target) -> bool:
        """Queue today's digest once its hour has come; it holds what came since the last one."""
        item = f"{_DIGEST}{_today()}"
        last = deliveries.last_of(self._engine, target.key, _DIGEST)
        if last is None or last.item == item or not self._digest_is_past():
            return False
        gap = deliveries.last_of(self._engine, target.key, _GAP)
        problem = self.problem or (GAP if gap and gap.number > last.number else None)
        new = deliveries.after(self._engine, last)
        threads = [_digested(d) for d in new if not d.item.startswith(_DIGEST)]
        content = {"since": last.at, "until": now(), "threads": threads, "problem": problem}
        return bool(deliveries.note(self._engine, target.key, {item: content}))


def _kept(delivery: Delivery) -> dict[str, Any] | None:
    """The message that was made before; None where there is none, or none that this version of nekb can show."""
    message = delivery.message
    if message and "triage" in message:
        try:
            Triage.from_dict(message["triage"])
        except ValueError:
            return None
    return message


def _digested(delivery: Delivery) -> dict[str, Any]:
    triage = (delivery.message or {}).get("triage") or {}
    cards = triage.get("cards") or []
    return {
        "title": delivery.content["title"],
        "url": delivery.content.get("url"),
        "topic": triage.get("topic"),
        "card": cards[0]["id"] if cards else None,
        "card_title": cards[0]["title"] if cards else None,
        "route": triage.get("route"),
        "sent": delivery.state == "sent",
    }


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


@contextmanager
def only_watch(home: Path) -> Iterator[None]:
    """One watch a data directory. Raises `NekbError` where another one runs."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "watch.lock").open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NekbError(
                "Another `nekb watch` runs on this data directory.",
                "One is enough: it takes several targets.",
                code="busy",
            ) from error
        yield
