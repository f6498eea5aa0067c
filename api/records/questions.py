"""Questions asked, kept locally so that gaps can be seen; secrets and persons are taken out before they are kept."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time

from sqlalchemy import Engine, insert
from sqlalchemy.exc import DataError

from api.records.clock import now
from api.records.tables import questions
from kb.answer import Answer

KEPT_CHARACTERS = 4_000
_WAITING = 1_000
_GATHER = 0.2  # seconds
logger = logging.getLogger("nekb.records")
# A paste may be one run of letters a megabyte long, and `re` lets nobody else work meanwhile: a pattern that begins
# with a run of any length begins at its first character and takes none of it back.
_REDACTIONS = (
    (re.compile(r"(?<![\w.+-])[\w.+-]++(?:@[\w-]++\.[\w.+-]++)+"), "<mail>"),
    (
        re.compile(
            r"(?i)\b(bearer|token|password|passwd|pwd|secret|api[_-]?key|authorization|passphrase|psk)\b"
            r"([\"']?\s*[:=]\s*[\"']?|\s+[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"',;]+"
        ),
        r"\1\2<secret>",
    ),
    (re.compile(r"\b(?:nekb|sk|ghp|gho|xox[abp]|AKIA)[_-]?[A-Za-z0-9_-]{16,}\b"), "<secret>"),
    (re.compile(r"(?<![\w-])(?=[\w-]*\beyJ[\w-])[\w-]++(?:\.[\w-]++){2}"), "<secret>"),
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", re.DOTALL), "<secret>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "<address>"),
    (re.compile(r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b"), "<address>"),
    (re.compile(r"/(?:Users|home)/[^/\s]+"), "/Users/<person>"),
)


def redacted(text: str) -> str:
    """A query without what looks like a secret or a person."""
    for pattern, instead in _REDACTIONS:
        text = pattern.sub(instead, text)
    return text


class _Writer(threading.Thread):
    """Writes questions behind the requests, so that no answer waits for a disk; beyond a bound they are dropped."""

    def __init__(self) -> None:
        super().__init__(name="nekb-questions", daemon=True)
        self.waiting: queue.Queue[tuple[Engine, dict[str, object]]] = queue.Queue(_WAITING)

    def run(self) -> None:
        while True:
            taken = [self.waiting.get()]
            time.sleep(_GATHER)  # a commit for each question would cost more than its answer
            with contextlib.suppress(queue.Empty):
                while len(taken) < _WAITING:
                    taken.append(self.waiting.get_nowait())
            for engine in {id(e): e for e, _ in taken}.values():
                _write(engine, [row for e, row in taken if e is engine])
            for _ in taken:
                self.waiting.task_done()


def _write(engine: Engine, rows: list[dict[str, object]]) -> None:
    for row in rows:
        row["query"] = redacted(str(row["query"]))
    _insert(engine, rows)


def _insert(engine: Engine, rows: list[dict[str, object]]) -> None:
    """Insert rows; where the database cannot hold the text of one, the others all the same.

    A database that is away or busy is asked once for all of them, since each would wait as long.
    """
    try:
        with engine.begin() as db:
            db.execute(insert(questions), rows)
    except Exception as error:  # questions that are not kept must not stop the next
        if len(rows) > 1 and isinstance(error, ValueError | DataError):
            for row in rows:
                _insert(engine, [row])
        else:
            logger.warning("questions not kept: %d (%s)", len(rows), type(error).__name__)


_writer: _Writer | None = None
_starting = threading.Lock()


def remember(engine: Engine, answer: Answer, surface: str) -> None:
    """Keep what was asked and what came of it."""
    row: dict[str, object] = {
        "at": now(),
        "query": answer.query[:KEPT_CHARACTERS],
        "outcome": answer.outcome,
        "confidence": answer.confidence,
        "card": answer.guidance[0].id if answer.guidance else None,
        "surface": surface,
    }
    try:
        _started().waiting.put_nowait((engine, row))
    except queue.Full:
        return


def flush() -> None:
    """Wait until every question that waits is written."""
    if _writer is not None:
        _writer.waiting.join()


def _started() -> _Writer:
    global _writer  # noqa: PLW0603 - one writer a process
    with _starting:
        if _writer is None or not _writer.is_alive():
            _writer = _Writer()
            _writer.start()
        return _writer
