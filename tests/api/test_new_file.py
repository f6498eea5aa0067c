"""Files that commands make: whole or not at all."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from api.cli.new_file import write_new
from kb.errors import BadInputError


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(BadInputError, match="exists") as refused:
        write_new(tmp_path / "x", "other", "Choose another id.")
    assert refused.value.remedy == "Choose another id."
    assert (tmp_path / "x").read_text() == "mine"


def test_one_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file or directory"):
        write_new(tmp_path / "nowhere" / "x", "text")


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Full(io.TextIOWrapper):
        flush = close = full  # type: ignore[assignment]

    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: Full(opened(self, "xb"), "utf-8"))
    with pytest.raises(BadInputError, match="No space left"):
        write_new(tmp_path / "x", "text")
    assert not (tmp_path / "x").exists()
    monkeypatch.undo()
    write_new(tmp_path / "x", "text")
