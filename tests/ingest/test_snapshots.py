"""The snapshots of a data directory: which ones stay when old ones are removed."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from ingest.build.snapshots import prune, snapshots
from ingest.room import room_taken


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory with five snapshots, the later letter the newer, of which `b` answers."""
    for at, id in enumerate("abcde"):
        (tmp_path / "snapshots" / id).mkdir(parents=True)
        (tmp_path / "snapshots" / id / "manifest.json").write_text("{}")
        os.utime(tmp_path / "snapshots" / id, (at, at))
    (tmp_path / "current").write_text("b\n")
    return tmp_path


def left(home: Path) -> set[str]:
    return {folder.name for folder in (home / "snapshots").iterdir()}


def test_the_oldest_go_and_never_the_one_that_answers(home: Path) -> None:
    assert set(prune(home, 3)) == {"a", "c"}
    assert left(home) == {"b", "d", "e"}


def test_the_one_that_answered_before_goes_last_however_old_it_is(home: Path) -> None:
    prune(home, 3, before=home / "snapshots" / "a")
    assert left(home) == {"a", "b", "e"}
    prune(home, 1, before=home / "snapshots" / "a")
    assert left(home) == {"b"}


def test_what_a_build_removes_meanwhile_is_passed_over(home: Path) -> None:
    """Listing waits for no build, and a snapshot may go between two looks at it."""
    stop = threading.Event()

    def churn() -> None:
        gone = home / "snapshots" / "f"
        while not stop.is_set():
            (gone / "documents" / "lexical").mkdir(parents=True)
            for name in ("one", "two", "three"):
                (gone / "documents" / "lexical" / name).write_text("x")
            shutil.rmtree(gone)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(600):
            assert {"a", "b", "c", "d", "e"} <= {s.id for s in snapshots(home)}
            assert room_taken(home) >= 5 * len("{}")
    finally:
        stop.set()
        thread.join()
