"""Questions asked, kept locally so that gaps can be seen; secrets and persons are taken out before they are kept."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time

from sqlalchemy import Engine, insert
from sqlalchemy.exc import DataError

from api.records.clock import now
from api.records.redaction import redacted, shortened
from api.records.tables import questions
from kb.answer import Answer
from kb.asking import ECHOED

_WAITING = 1_000
_GATHER = 0.2  # seconds
logger = logging.getLogger("nekb.records")


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
        "query": shortened(answer.query, ECHOED - 1),  # what is as long as that was cut
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
