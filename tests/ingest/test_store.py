"""The store: a capture is kept before it is parsed, the same input changes nothing, a newer file is refused."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ingest.captures import Capture
from ingest.examining import examine
from ingest.importing import import_files, read_again
from ingest.lock import only_writer
from ingest.parsing.page import Part
from ingest.standing import standing
from ingest.store import Store
from kb.documents import Document, Post
from kb.errors import NekbError
from tests.conftest import PAGES

CAPTURE = Capture("file:a.txt", "file", "2026-03-18T00:00:00+00:00", b"body")


def _document(body: str = "text") -> Document:
    return Document(id="d", source="test", kind="thread", title="T", posts=(Post("question", body),))


def test_the_same_bytes_of_the_same_address_are_kept_once(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        first, second = store.keep(CAPTURE), store.keep(CAPTURE)
        assert first.id == second.id
        assert store.counts()["captures"] == 1


@pytest.mark.slow
def test_of_many_that_open_a_new_store_at_once_none_is_refused(tmp_path: Path) -> None:
    def opened(home: Path) -> int:
        with Store(home) as store:
            return store.counts()["captures"]

    with ThreadPoolExecutor(8) as pool:
        for at in range(100):
            assert list(pool.map(opened, [tmp_path / str(at)] * 8)) == [0] * 8


def test_a_capture_that_was_not_parsed_is_found_by_the_next_run(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.keep(CAPTURE)
    with Store(tmp_path) as store:
        waiting = list(store.unparsed())
        assert [k.capture.body for k in waiting] == [b"body"]
        store.settle(waiting[0], "parsed", "thread", [Part(_document(), "page:1")])
        assert list(store.unparsed()) == []


def test_documents_are_new_then_unchanged_then_changed(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        kept = store.keep(CAPTURE)
        assert store.settle(kept, "parsed", "thread", [Part(_document(), "page:1")]) == {"d": "new"}
        assert store.settle(kept, "parsed", "thread", [Part(_document(), "page:1")]) == {"d": "unchanged"}
        assert store.settle(kept, "parsed", "thread", [Part(_document("other"), "page:1")]) == {"d": "changed"}
        assert [d.posts[0].body for d in store.documents()] == ["other"]


def test_vectors_are_kept_by_text_and_model(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.keep_vectors({"h": np.array([1.0, 2.0], dtype=np.float32)}, "model-a")
        assert store.vectors(["h", "x"], "model-a")["h"].tolist() == [1.0, 2.0]
        assert store.vectors(["h"], "model-b") == {}


def test_a_store_of_a_newer_nekb_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "store.db") as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(NekbError, match="newer nekb"):
        Store(tmp_path)


def _as_of_version_2(home: Path) -> None:
    with Store(home) as store:
        store.db.execute("drop index captures_page")
        for table, column in (("captures", "page"), ("addresses", "active"), ("pending", "active")):
            store.db.execute(f"alter table {table} drop column {column}")
        store.db.execute("pragma user_version = 2")


def test_a_store_of_before_is_brought_up_to_date_with_what_it_holds(tmp_path: Path) -> None:
    import_files(tmp_path, [PAGES / "tag-page.txt"])
    _as_of_version_2(tmp_path)
    with Store(tmp_path) as store:
        assert store.db.execute("select page from captures").fetchall() == [("file:tag-page.txt",)]
        assert len(list(store.documents())) == 4
    assert import_files(tmp_path, [PAGES / "tag-page.txt"]).unchanged == 4


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be written, whoever runs the tests."""
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)


@pytest.mark.usefixtures("unwritable")
def test_a_store_that_may_only_be_read_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    page = PAGES / "tag-page.txt"
    import_files(tmp_path, [page])

    def files() -> dict[str, bytes]:
        return {f.name: f.read_bytes() for f in tmp_path.iterdir()}

    before = files()
    assert standing(tmp_path)["documents"]["held"] == 4
    assert examine(page, tmp_path)[0][0].sound
    assert files() == before
    with Store(tmp_path, reading=True) as store, pytest.raises(NekbError, match="readonly"):
        store.withdraw("https://x")


@pytest.mark.usefixtures("unwritable")
def test_what_another_has_just_written_is_read_too(tmp_path: Path) -> None:
    with Store(tmp_path) as writer:
        writer.keep(CAPTURE)
        assert standing(tmp_path)["captures"] == {"kept": 1}


@pytest.mark.usefixtures("unwritable")
def test_a_store_of_before_that_may_only_be_read_is_refused_with_a_remedy(tmp_path: Path) -> None:
    _as_of_version_2(tmp_path)
    with pytest.raises(NekbError, match="older nekb") as caught:
        standing(tmp_path)
    assert "may write" in caught.value.remedy


def test_a_file_that_is_no_store_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(NekbError) as caught:
        Store(tmp_path)
    assert caught.value.remedy


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    with only_writer(tmp_path), pytest.raises(NekbError, match="Another nekb"), only_writer(tmp_path):
        pass


def test_importing_the_same_page_twice_changes_nothing(tmp_path: Path) -> None:
    first = import_files(tmp_path, [PAGES / "tag-page.txt"])
    again = import_files(tmp_path, [PAGES / "tag-page.txt"])
    assert (first.new, first.changed, first.unchanged) == (4, 0, 0)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 4)


def _at(day: str, body: bytes = b"body") -> Capture:
    return Capture("file:a.txt", "file", f"{day}T00:00:00+00:00", body)


def test_what_was_withdrawn_comes_back_only_where_it_was_seen_since(tmp_path: Path) -> None:
    part = Part(Document("d", "test", "thread", "T", (Post("question", "text"),), url="https://x"), "page:1")
    with Store(tmp_path) as store:
        kept = store.keep(_at("2026-03-01"), parser=1)
        store.settle(kept, "parsed", "thread", [part], parser=1)
        store.withdraw("https://x")
        store.db.execute("update documents set gone_at = '2026-04-01T00:00:00+00:00'")
        assert store.settle(kept, "parsed", "thread", [part], parser=1) == {"d": "unchanged"}
        assert list(store.documents()) == [], "read again"
        assert store.keep(_at("2026-03-02"), parser=1).settled
        older = store.keep(_at("2026-03-03", b"other bytes"), parser=1)
        store.settle(older, "parsed", "thread", [Part(_document("other text"), "page:2", 2)], parser=1)
        assert list(store.documents()) == [], "seen again, before it went"
        store.settle(store.keep(_at("2026-04-02", b"new bytes")), "parsed", "thread", [part])
        assert [d.id for d in store.documents()] == ["d"]


def test_a_damaged_file_is_said_whatever_is_read_of_it(tmp_path: Path) -> None:
    import_files(tmp_path, [PAGES / "tag-page.txt"])
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as db:
        db.execute("pragma wal_checkpoint(truncate)")
        (root,) = db.execute("select rootpage from sqlite_master where name = 'captures'").fetchone()
        (size,) = db.execute("pragma page_size").fetchone()
    raw = bytearray(path.read_bytes())
    raw[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(raw)
    for work in (import_files, read_again):
        with pytest.raises(NekbError, match="malformed") as caught:
            work(tmp_path, *([[PAGES / "tag-page.txt"]] if work is import_files else []))  # type: ignore[operator]
        assert "Restore it" in caught.value.remedy
    with pytest.raises(NekbError, match="malformed"):
        standing(tmp_path)


def test_a_capture_whose_bytes_are_damaged_is_failed_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_bytes((PAGES / "tag-page.txt").read_bytes())
    home = tmp_path / "home"
    import_files(home, [tmp_path / "page.txt", PAGES / "tag-page.txt"])
    with Store(home) as store:
        store.db.execute("update captures set body = x'00ff' where address = 'file:page.txt'")
    report = read_again(home)
    assert (report.outcome, report.unchanged) == ("failed", 4)
    assert report.failed == ["file:page.txt: its bytes are damaged in the store: take the page in once more"]
    assert import_files(home, [tmp_path / "page.txt"]).outcome == "ok"
    assert read_again(home).outcome == "ok"
