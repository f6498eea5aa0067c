"""The watch: what is new, when it is sent and tried again, the digest of a day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from api.records import deliveries
from api.records.database import open_database
from api.records.tables import deliveries as table
from api.triage.messages import blocks
from api.triage.targets import SendError
from api.triage.watching import GAP, Watch, only_watch
from ingest.lock import only_writer
from kb.documents import Document
from kb.errors import NekbError
from tests.api.watched import Recorder, judged, thread

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the time that the watch and its records read."""
    import datetime as dt

    from api.triage import watching

    def set_to(moment: str) -> None:
        at = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)

        class Fixed(dt.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return at

        monkeypatch.setattr(watching.dt, "datetime", Fixed)

    return set_to


def test_what_was_there_before_is_not_new(tmp_path: Path) -> None:
    target, feed = Recorder(), [thread(2), thread(1)]
    watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 23)
    assert (watch.look(), watch.deliver()) == (0, 0)
    feed[:0] = [thread(4), thread(3)]
    assert (watch.look(), watch.deliver()) == (2, 2)
    assert [key for key, _ in target.got] == ["thread-3", "thread-4"]  # the oldest first
    assert (watch.look(), watch.deliver(), watch.problem) == (0, 0, None)


def test_a_feed_that_has_moved_on_is_told(tmp_path: Path) -> None:
    feed = [thread(1)]
    watch = Watch(open_database(tmp_path), [Recorder()], lambda: feed, judged, 23)
    watch.look()
    feed[:] = [thread(9), thread(8)]
    assert watch.look() == 2
    assert (watch.problem, watch.code) == (GAP, "gap")


@pytest.mark.parametrize(("arrived", "again"), [(True, True), (False, False)])
def test_a_failure_is_tried_again_and_doubt_is_remembered(tmp_path: Path, arrived: bool, again: bool) -> None:
    target, feed = Recorder(), [thread(1)]
    watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 23)
    watch.look()
    feed.insert(0, thread(2))
    target.fail = SendError("no", arrived=arrived, wait=0.0)
    assert (watch.look(), watch.deliver(), watch.waiting()) == (1, 0, 1)
    target.fail = None
    assert (watch.deliver(), watch.waiting()) == (1, 0)
    assert target.got == [("thread-2", again)]


def test_a_failure_waits_longer_each_time_and_never_gives_up(tmp_path: Path) -> None:
    engine, target, feed = open_database(tmp_path), Recorder(), [thread(1)]
    watch = Watch(engine, [target], lambda: feed, judged, 23)
    watch.look()
    feed.insert(0, thread(2))
    watch.look()
    target.fail = SendError("no")
    assert watch.deliver() == 0
    assert deliveries.due(engine, target.key) == []
    assert watch.waiting() == 1


class Showing(Recorder):
    """A target that shows each message as Slack would, and keeps what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def send(self, delivery: deliveries.Delivery, message: dict[str, Any]) -> None:
        super().send(delivery, message)
        self.shown.append(json.dumps(blocks(message)))


@pytest.mark.parametrize("kept", ["message", "content"])
def test_what_another_version_kept_is_sent_all_the_same_and_holds_nothing_up(tmp_path: Path, kept: str) -> None:
    """A target that was away while nekb was updated is owed messages that this version would not make."""
    engine, target, feed = open_database(tmp_path), Showing(), [thread(1)]
    watch = Watch(engine, [target], lambda: feed, judged, 23)
    watch.look()
    feed.insert(0, thread(2, "Tunnel two"))
    watch.look()
    target.fail = SendError("away", wait=0.0)
    watch.deliver()
    [owed] = deliveries.due(engine, target.key)
    held = {"message": owed.message, "content": owed.content}
    assert owed.message is not None
    if kept == "message":
        held["message"] = {**owed.message, "triage": {**owed.message["triage"], "of_another_version": 1}}
    else:
        held |= {"content": {**owed.content, "of_another_version": 1}, "message": None}
    with engine.begin() as db:
        rows = {name: None if value is None else json.dumps(value) for name, value in held.items()}
        db.execute(update(table).where(table.c.item == owed.item).values(**rows))
    target.fail = None
    feed.insert(0, thread(3))
    watch.look()
    assert (watch.deliver(), [key for key, _ in target.got]) == (2, ["thread-2", "thread-3"])
    assert "Tunnel two" in target.shown[0]
    assert ("another version" in target.shown[0]) is (kept == "content")


def test_a_failure_that_a_wrong_clock_noted_is_not_waited_for(tmp_path: Path, clock: Callable[[str], None]) -> None:
    target, feed = Recorder(), [thread(1)]
    watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 23)
    clock("2031-11-20T07:00:00")
    watch.look()
    feed.insert(0, thread(2))
    target.fail = SendError("no")
    assert (watch.look(), watch.deliver()) == (1, 0)
    target.fail = None
    assert watch.deliver() == 0
    clock("2026-11-20T07:00:00")
    assert (watch.deliver(), target.got) == (1, [("thread-2", False)])


def test_a_feed_that_cannot_be_had_is_told_and_tried_again(tmp_path: Path) -> None:
    def closed() -> list[Document]:
        raise NekbError("The forum asks for a human.", "Save the page.", code="fetch")

    watch = Watch(open_database(tmp_path), [Recorder()], closed, judged, 23)
    assert watch.look() == 0
    assert (watch.problem, watch.code) == ("The forum asks for a human. Save the page.", "fetch")


@pytest.mark.slow
def test_a_single_look_that_fails_says_the_code_and_ends_with_2(own_home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "watch", "--once", "--file", str(tmp_path / "out.jsonl")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NEKB_HOME": str(own_home)}
    with only_writer(own_home):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("nekb: Another nekb is ingesting")
    assert done.stderr.endswith(" [busy]\n")


def test_one_digest_a_day_holds_what_came_since_the_last(tmp_path: Path, clock: Callable[[str], None]) -> None:
    target, feed = Recorder(), [thread(1)]
    messages: list[dict[str, Any]] = []
    target.send = lambda delivery, message: messages.append(message)  # type: ignore[method-assign]
    watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 8)
    clock("2026-11-20T07:00:00")
    watch.look()
    feed.insert(0, thread(2))
    watch.look()
    assert (watch.deliver(), watch.deliver()) == (1, 0)
    clock("2026-11-20T08:00:00")
    assert (watch.deliver(), watch.deliver()) == (1, 0)
    digest = messages[-1]
    assert (digest["key"], [t["title"] for t in digest["threads"]]) == ("digest:2026-11-20", ["Tunnel"])
    assert digest["threads"][0]["topic"] == "relay"
    clock("2026-11-22T09:00:00")  # a day was slept through: one digest, and it is empty
    assert (watch.deliver(), watch.deliver()) == (1, 0)
    assert (messages[-1]["key"], messages[-1]["threads"]) == ("digest:2026-11-22", [])


def test_a_gap_is_told_in_the_next_digest_even_after_a_restart(tmp_path: Path, clock: Callable[[str], None]) -> None:
    target, feed = Recorder(), [thread(1)]
    messages: list[dict[str, Any]] = []
    target.send = lambda delivery, message: messages.append(message)  # type: ignore[method-assign]
    clock("2026-11-20T09:00:00")
    for shown in ([thread(1)], [thread(9)], [thread(9)]):
        feed[:] = shown
        watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 8)
        watch.look()
        watch.deliver()
    clock("2026-11-21T09:00:00")
    watch.deliver()
    assert (messages[-1]["kind"], messages[-1]["problem"]) == ("digest", GAP)
    clock("2026-11-22T09:00:00")
    watch.deliver()
    assert (messages[-1]["key"], messages[-1]["problem"]) == ("digest:2026-11-22", None)


def test_one_watch_a_data_directory(tmp_path: Path) -> None:
    with only_watch(tmp_path), pytest.raises(NekbError, match="Another"), only_watch(tmp_path):
        pass
