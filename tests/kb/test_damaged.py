"""A snapshot whose files hold other bytes than were written: it is said, in a sentence with what to run."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kb import ask
from kb.errors import SnapshotError
from kb.snapshot import Snapshot, current_folder, open_current

FILES = [
    "cards.json",
    "classifier/names.json",
    "classifier/sparse.npy",
    "documents/lexical/meta.json",
    "documents/lifts.npy",
    "documents/vectors.faiss",
    "encoder/model.onnx",
    "encoder/tokenizer.json",
    "resources.json",
    "signals.json",
    "weights.json",
    "passages.db",
]


def test_every_file_that_holds_other_bytes_is_said_with_what_to_run(own_home: Path) -> None:
    folder = current_folder(own_home)
    assert folder is not None
    for name in FILES:
        file = folder / name
        held = file.read_bytes()
        file.write_bytes(bytes(len(held)))
        with pytest.raises(SnapshotError, match=r"damaged.*nekb build") as caught:
            ask("code 8 hotspot", snapshot=open_current(own_home))
        assert folder.name in caught.value.sentence
        file.write_bytes(held)


def test_a_name_of_the_current_snapshot_that_is_no_text_names_none(own_home: Path) -> None:
    (own_home / "current").write_bytes(b"\xff\xfe\n")
    assert current_folder(own_home) is None
    with pytest.raises(SnapshotError, match="nekb build"):
        open_current(own_home)


def test_a_statement_that_sqlite_does_not_understand_is_not_told_as_damage(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.snapshot._HEAD", "no_such_column")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        snapshot.heads([0])
