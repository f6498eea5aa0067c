"""A replica pulls a snapshot: whole and checked, or not at all."""

from __future__ import annotations

import errno
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingest import pulling
from ingest.pulling import pull
from kb.errors import BadInputError, NekbError, SnapshotError
from kb.snapshot import open_current

Served = Callable[..., str]
KEY = "nekb_a-key-of-the-tests"


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """Serve the session's snapshot as files.

    `files` replaces some, `cut` ends each answer after so many bytes, `encoding` is what it says to be encoded in.
    """
    servers: list[ThreadingHTTPServer] = []

    def start(files: dict[str, bytes] | None = None, cut: int | None = None, key: str = "", encoding: str = "") -> str:
        class Files(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if key and self.headers.get("Authorization") != f"Bearer {key}":
                    self.send_error(401)
                    return
                name = self.path.removeprefix("/kept/")
                if name in (files or {}):
                    body = (files or {})[name]
                elif name == "current":
                    body = (home / "current").read_bytes()
                else:
                    body = (home / "snapshots" / name).read_bytes()
                start = int((self.headers.get("Range") or "bytes=0-")[6:].rstrip("-"))
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body) - start))
                if encoding:
                    self.send_header("Content-Encoding", encoding)
                self.end_headers()
                self.wfile.write(body[start : start + cut] if cut else body[start:])

            def log_message(self, *_: object) -> None:
                """Silence."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/kept"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _manifest(home: Path) -> tuple[str, dict[str, object]]:
    folder = open_current(home).folder
    return folder.name, json.loads((folder / "manifest.json").read_bytes())


def test_a_pulled_snapshot_is_the_same_to_the_byte_and_answers(home: Path, served: Served, tmp_path: Path) -> None:
    replica = tmp_path / "replica"
    done = pull(replica, served(key=KEY), KEY)
    assert (done.fresh, done.reused) == (True, 0)
    here = open_current(replica)
    assert here.manifest == open_current(home).manifest
    assert done.fetched == sum(here.manifest.files.values())
    again = pull(replica, served(key=KEY), KEY)
    assert (again.fresh, again.fetched) == (False, 0)


def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    home: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    done = pull(tmp_path / "replica", served(cut=4_000_000))
    assert done.fetched == sum(open_current(home).manifest.files.values())


def test_what_is_here_already_is_not_fetched_again(home: Path, served: Served, tmp_path: Path) -> None:
    replica = tmp_path / "replica"
    id, manifest = _manifest(home)
    shutil.copytree(home / "snapshots" / id, replica / "snapshots" / ("0" * 16))
    done = pull(replica, served())
    assert done.fetched == 0
    assert done.reused == sum(manifest["files"].values())  # type: ignore[attr-defined]


def test_a_changed_file_is_refused_and_the_last_snapshot_answers_on(home: Path, served: Served, tmp_path: Path) -> None:
    id, manifest = _manifest(home)
    name = "weights.json"
    size = manifest["files"][name]  # type: ignore[index]
    replica = tmp_path / "replica"
    old = replica / "snapshots" / ("1" * 16)
    shutil.copytree(home / "snapshots" / id, old)
    (old / name).write_bytes(b"x" * size)  # damaged here too: its recorded hash must not be believed
    (replica / "current").write_text(old.name)
    with pytest.raises(SnapshotError, match=name):
        pull(replica, served({f"{id}/{name}": b"x" * size}))
    assert (replica / "current").read_text() == old.name
    assert not (replica / "snapshots" / id).exists()


@pytest.mark.parametrize("name", ["../../outside", "/etc/outside", "a/../../b", ".", "a//b", "x" * 500])
def test_names_from_outside_never_leave_the_folder(name: str, home: Path, served: Served, tmp_path: Path) -> None:
    id, manifest = _manifest(home)
    manifest["files"], manifest["sha256"] = {name: 1}, {name: "0" * 64}
    with pytest.raises(SnapshotError, match="not one that this nekb can use"):
        pull(tmp_path / "replica", served({f"{id}/manifest.json": json.dumps(manifest).encode()}))
    assert not (tmp_path / "outside").exists()


def test_a_longer_file_a_wrong_id_and_rubbish_are_refused(home: Path, served: Served, tmp_path: Path) -> None:
    id, _ = _manifest(home)
    for files in (
        {f"{id}/weights.json": b"x" * 100_000},
        {"current": b"../../etc\n"},
        {"current": b"x" * 10_000},
        {f"{id}/manifest.json": b"[]"},
    ):
        with pytest.raises(SnapshotError):
            pull(tmp_path / "replica", served(files))


def test_a_key_that_is_missing_is_said(served: Served, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="NEKB_SNAPSHOTS_KEY"):
        pull(tmp_path / "replica", served(key=KEY))


def test_an_address_that_nobody_serves_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    with pytest.raises(NekbError, match="cannot be reached"):
        pull(tmp_path / "replica", "http://127.0.0.1:9/kept")


def test_empty_answers_end_in_a_sentence_and_leave_nothing(
    home: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    id, _ = _manifest(home)
    with pytest.raises(NekbError, match="cannot be reached"):
        pull(tmp_path / "replica", served({f"{id}/weights.json": b""}))
    assert list((tmp_path / "replica" / "snapshots").iterdir()) == []


def test_an_answer_in_another_encoding_than_it_says_is_refused(served: Served, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="another encoding"):
        pull(tmp_path / "replica", served(encoding="gzip"))


def test_a_full_disk_is_said_and_nothing_is_left(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pulling, "_sync", full)
    with pytest.raises(NekbError, match="is full") as caught:
        pull(tmp_path / "replica", served())
    assert caught.value.code == "disk_full"
    assert list((tmp_path / "replica" / "snapshots").iterdir()) == []


@pytest.mark.parametrize(
    ("address", "key"), [("http://replica.example/kept", KEY), ("http://[x", ""), ("https://", ""), ("kept", "")]
)
def test_a_key_goes_nowhere_in_the_open_and_what_is_no_address_is_refused(
    tmp_path: Path, address: str, key: str
) -> None:
    with pytest.raises(BadInputError):
        pull(tmp_path / "replica", address, key)
