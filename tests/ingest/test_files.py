"""Files, folders, zips and standard input: every page is found, and what cannot be read is said and passed over."""

from __future__ import annotations

import datetime as dt
import io
import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from ingest import files
from ingest.files import read_files, saved_files
from kb.errors import BadInputError


def _read(*paths: Path) -> tuple[dict[str, bytes], list[str], int]:
    unreadable: list[str] = []
    found, skipped = saved_files(paths)
    return {c.address: c.body for c in read_files(found, unreadable.append)}, unreadable, skipped


def test_a_folder_gives_its_pages_and_not_what_a_browser_saved_beside_them(tmp_path: Path) -> None:
    for name in ("a.html", "deep/b.MHTML", "a_files/ad.html", ".git/c.html", "deep/.hidden.html", "photo.png", "d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "loop.html").symlink_to(tmp_path / "a.html")
    bodies, unreadable, skipped = _read(tmp_path)
    assert sorted(bodies) == ["file:a.html", "file:d.txt", "file:deep/b.MHTML"]
    assert (unreadable, skipped) == (["file:loop.html: it is a link, and a folder's links are not followed"], 4)


def test_a_zip_gives_its_pages_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "pages.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/a.html", "A")
        archive.writestr("__MACOSX/x/._a.html", "no")
        archive.writestr("x/pic.png", "no")
    bodies, unreadable, skipped = _read(path)
    assert (bodies, unreadable, skipped) == ({"file:pages.bin/x/a.html": b"A"}, [], 2)


def test_one_bad_entry_of_a_zip_does_not_lose_the_others(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.html", "b.html", "c.html"):
            archive.writestr(name, name * 500)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"b.html") + 8
    raw[at : at + 6] = b"\xff" * 6
    path.write_bytes(raw)
    bodies, unreadable, _ = _read(path)
    assert sorted(bodies) == ["file:p.zip/a.html", "file:p.zip/c.html"]
    assert len(unreadable) == 1
    assert "b.html" in unreadable[0]


def test_a_bomb_and_a_huge_file_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10_000)
    (tmp_path / "huge.html").write_bytes(b"x" * 10_001)
    (tmp_path / "small.html").write_bytes(b"x")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.html", b"0" * 5_000_000)
        archive.writestr("fine.html", b"0")
    bodies, unreadable, _ = _read(tmp_path, tmp_path / "bomb.zip")
    assert sorted(bodies) == ["file:bomb.zip/fine.html", "file:small.html"]
    assert all("larger than" in line for line in unreadable)
    assert len(unreadable) == 2


@pytest.mark.parametrize("name", ["missing.html", "damaged.zip", "null\0byte"])
def test_a_path_that_cannot_be_read_is_refused_with_a_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(BadInputError) as caught:
        saved_files([tmp_path / name])
    assert caught.value.remedy


def test_a_device_is_refused_and_a_pipe_is_read(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="neither a file nor a folder"):
        saved_files([Path("/dev/zero")])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"through",))
    writer.start()
    assert _read(pipe)[0] == {"file:pipe": b"through"}
    writer.join()


def test_a_name_that_is_no_utf8_is_kept_under_one_that_is(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.html")).write_bytes(b"x")
    assert list(_read(tmp_path)[0]) == ["file:\ufffd.html"]


def test_standard_input_is_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    assert _read(Path("-"))[0] == {"file:standard-input": b"piped"}


def test_a_file_of_tomorrow_was_saved_by_now_at_the_latest(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"x")
    os.utime(tmp_path / "a.html", (4e9, 4e9))
    (capture,) = read_files(saved_files([tmp_path / "a.html"])[0], print)
    assert capture.fetched_at < "2096"


def test_what_a_folder_holds_and_nobody_may_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that meets a closed folder; the tests may run as root, to whom none is closed."""
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.html").write_bytes(b"A")
    os.mkfifo(tmp_path / "pipe.html")
    scan = os.scandir

    def scandir(path: str | Path) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    bodies, unreadable, _ = _read(tmp_path)
    assert list(bodies) == ["file:a.html"]
    assert [line.partition(": it ")[0] for line in unreadable] == ["file:closed", "file:pipe.html"]
    with pytest.raises(BadInputError, match="Permission denied"):
        saved_files([tmp_path / "closed"])


def test_a_zip_with_two_entries_of_one_name_and_one_of_no_date_gives_all(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.html", (2020, 5, 1, 0, 0, 0)), "first")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(zipfile.ZipInfo("a.html", (2020, 0, 0, 0, 0, 0)), "second")
    os.utime(path, (1.6e9, 1.6e9))
    first, second = read_files(saved_files([path])[0])
    assert (first.body, second.body) == (b"first", b"second")
    assert second.fetched_at == dt.datetime.fromtimestamp(1.6e9, dt.UTC).isoformat()


def test_standard_input_that_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert _read(Path("-"))[1] == ["file:standard-input: it is closed"]


def test_a_page_that_names_its_date_is_no_younger_than_that(tmp_path: Path) -> None:
    page = tmp_path / "a.mhtml"
    page.write_bytes(b"From: <Saved by Blink>\r\nDate: Mon, 1 Jan 2024 10:00:00 -0000\r\nMIME-Version: 1.0\r\n"
                     b"Content-Type: text/html\r\n\r\n<p>x</p>")  # fmt: skip
    for saved, taken in ((1.75e9, "2024-01-01T10:00:00+00:00"), (1.6e9, "2020-09-13T12:26:40+00:00")):
        os.utime(page, (saved, saved))
        (capture,) = read_files(saved_files([page])[0])
        assert capture.fetched_at == taken
