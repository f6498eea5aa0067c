"""The snapshots of a data directory: which ones stay when old ones are removed, and what is said of each."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from api.cli.main import cli
from ingest.build import snapshots as of_builds
from ingest.build.snapshots import prune, snapshots
from ingest.room import room_taken
from kb.snapshot import SCHEMA


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


def write(home: Path, id: str, **said: Any) -> None:
    (home / "snapshots" / id / "manifest.json").write_text(json.dumps(said))


def test_one_of_another_version_is_not_called_damaged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update that is every snapshot there is, and one may want to go back to it."""
    write(home, "b", schema=SCHEMA - 1)
    write(home, "c", schema=SCHEMA)
    write(home, "d", schema=[])
    monkeypatch.setenv("NEKB_HOME", str(home))
    lines = CliRunner().invoke(cli, ["snapshots", "list"], catch_exceptions=False).output.splitlines()
    assert [line.split(" MB  ")[1] for line in lines] == [
        "damaged",
        "damaged",
        "damaged",
        f"schema {SCHEMA - 1}, of another version of nekb",
        "damaged",
    ]
    rows = json.loads(CliRunner().invoke(cli, ["snapshots", "list", "--json"], catch_exceptions=False).output)
    assert [(row["usable"], row["problem"]) for row in rows][3:] == [
        (False, f"schema {SCHEMA - 1}, of another version of nekb"),
        (False, "damaged"),
    ]


class Server:
    """What is asked of the vector server, in the place of `Publisher`."""

    told: list[tuple[str, str]]

    def __init__(self, _address: object) -> None:
        pass

    def drop(self, collection: str) -> None:
        self.told.append(("drop", collection))

    def release(self, collection: str) -> None:
        self.told.append(("release", collection))


def test_collections_of_an_earlier_version_leave_the_server_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each update leaves them there for good, in its memory, and nothing names them any more."""
    for id in "acde":
        write(home, id, schema=SCHEMA - 1, collection=f"nekb_{id}")
    monkeypatch.setenv("NEKB_VECTORS", "milvus://127.0.0.1:9")
    monkeypatch.setattr(of_builds, "Publisher", Server)
    Server.told = []
    prune(home, 3)
    assert left(home) == {"b", "d", "e"}
    assert sorted(Server.told) == [("drop", "nekb_a"), ("drop", "nekb_c"), ("release", "nekb_d")]


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
