"""The snapshots of a data directory: which ones stay when old ones are removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.build.snapshots import prune


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
