"""A replica pulls a snapshot: whole and checked, or not at all."""

from __future__ import annotations

import errno
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from api.cli.main import cli
from ingest import pulling
from ingest.build.snapshots import snapshots
from ingest.pulling import pull
from kb.asking import ask
from kb.errors import BadInputError, NekbError, SnapshotError
from kb.snapshot import MANIFEST, open_current

Served = Callable[..., str]
KEY = "nekb_a-key-of-the-tests"


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """Serve the session's snapshot as files.

    `files` replaces some, `encoding` is what it says to be encoded in, `end` gives the byte of a file before which an
    answer that begins at a byte ends. Every file that is asked for goes into `asked`, with that byte.
    Of the file that `drips` a byte comes now and then.
    """
    servers: list[ThreadingHTTPServer] = []

    def start(
        files: dict[str, bytes] | None = None,
        end: Callable[[str, int], int | None] = lambda *_: None,
        key: str = "",
        encoding: str = "",
        ranges: bool = True,
        asked: list[tuple[str, int]] | None = None,
        drips: str = "",
    ) -> str:
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
                start = int((self.headers.get("Range") or "bytes=0-")[6:].rstrip("-")) if ranges else 0
                if asked is not None:
                    asked.append((name.partition("/")[2], start))
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body) - start))
                if encoding:
                    self.send_header("Content-Encoding", encoding)
                self.end_headers()
                sent = body[start : end(name.partition("/")[2], start)]
                if name.partition("/")[2] != drips:
                    self.wfile.write(sent)
                    return
                with suppress(OSError):
                    for at in range(200):
                        self.wfile.write(sent[at : at + 1])
                        time.sleep(0.02)

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


def _manifest(home: Path) -> tuple[str, dict[str, Any]]:
    folder = open_current(home).folder
    return folder.name, json.loads((folder / MANIFEST).read_bytes())


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
    done = pull(tmp_path / "replica", served(end=lambda _, start: start + 4_000_000))
    assert done.fetched == sum(open_current(home).manifest.files.values())


LARGE = "encoder/weights.bin"


@pytest.mark.slow
def test_a_pull_goes_on_where_one_before_it_failed(
    home: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    replica, half = tmp_path / "replica", 5_000_000
    (replica / "snapshots" / ".pulling-4711").mkdir(parents=True)  # of another snapshot
    with pytest.raises(NekbError, match="cannot be reached"):
        pull(replica, served(end=lambda name, start: max(start, half) if name == LARGE else None))
    files = open_current(home).manifest.files
    asked: list[tuple[str, int]] = []
    done = pull(replica, served(asked=asked))
    before = [*files][: [*files].index(LARGE)]
    assert len(before) > 5
    assert asked[0:3] == [("", 0), (MANIFEST, 0), (LARGE, half)]
    assert not {name for name, _ in asked} & {*before}
    assert done.reused == half + sum(files[name] for name in before)
    assert done.fetched + done.reused == sum(files.values())
    assert open_current(replica).manifest == open_current(home).manifest
    assert not list((replica / "snapshots").glob(".pulling-*"))


def test_a_server_that_knows_no_ranges_sends_the_file_that_broke_off_again(
    home: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    asked: list[tuple[str, int]] = []

    def end(name: str, _: int) -> int | None:
        return 5_000_000 if name == LARGE and asked.count((LARGE, 0)) == 1 else None

    done = pull(tmp_path / "replica", served(end=end, ranges=False, asked=asked))
    files = open_current(home).manifest.files
    assert sorted(name for name, _ in asked) == sorted(["", MANIFEST, LARGE, *files])
    assert done.fetched == 5_000_000 + sum(files.values())
    assert open_current(tmp_path / "replica").manifest == open_current(home).manifest


@pytest.mark.slow
def test_what_was_begun_by_another_manifest_is_begun_anew(
    home: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    id, manifest = _manifest(home)
    replica = tmp_path / "replica"
    other = json.dumps(manifest | {"built_at": "2020-01-01T00:00:00+00:00"}).encode()
    with pytest.raises(NekbError):
        pull(replica, served({f"{id}/{MANIFEST}": other}, end=lambda *at: 5_000 if at[0] == LARGE else None))
    assert pull(replica, served()).reused == 0


def test_what_is_here_already_is_not_fetched_again(home: Path, served: Served, tmp_path: Path) -> None:
    replica = tmp_path / "replica"
    id, manifest = _manifest(home)
    shutil.copytree(home / "snapshots" / id, replica / "snapshots" / ("0" * 16))
    done = pull(replica, served())
    assert done.fetched == 0
    assert done.reused == sum(manifest["files"].values())


def test_a_changed_file_is_refused_and_the_last_snapshot_answers_on(home: Path, served: Served, tmp_path: Path) -> None:
    id, manifest = _manifest(home)
    name = "weights.json"
    size = manifest["files"][name]
    replica = tmp_path / "replica"
    old = replica / "snapshots" / ("1" * 16)
    shutil.copytree(home / "snapshots" / id, old)
    (old / name).write_bytes(b"x" * size)  # damaged here too: its recorded hash must not be believed
    (replica / "current").write_text(old.name)
    with pytest.raises(SnapshotError, match=name):
        pull(replica, served({f"{id}/{name}": b"x" * size}))
    assert (replica / "current").read_text() == old.name
    assert not (replica / "snapshots" / id).exists()


@pytest.mark.slow
def test_an_address_that_says_hardly_anything_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Trickle(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            for _ in range(30):
                self.wfile.write(b"a")
                time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Trickle)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(pulling, "_SMALL_SECONDS", 0.2)
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    with pytest.raises(SnapshotError, match="cannot be reached"):
        pull(tmp_path, f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()


@pytest.mark.slow
def test_a_large_file_that_comes_in_drops_is_given_up_and_gone_on_with_later(
    home: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data directory is held meanwhile: at a byte a second that would be for months."""
    monkeypatch.setattr(pulling, "_LEAST_SECONDS", 0.2)
    with pytest.raises(SnapshotError, match="cannot be reached"):
        pull(tmp_path / "replica", served(drips=LARGE))
    asked: list[tuple[str, int]] = []
    assert pull(tmp_path / "replica", served(asked=asked)).fresh
    assert next(start for name, start in asked if name == LARGE) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["../../outside", "/etc/outside", "a/../../b", ".", "a//b", "x" * 500, "x\n", "encoder/model.onnx/x", MANIFEST],
)
def test_names_from_outside_never_leave_the_folder_nor_stand_in_the_way_of_others(
    name: str, home: Path, served: Served, tmp_path: Path
) -> None:
    id, manifest = _manifest(home)
    manifest["files"][name], manifest["sha256"][name] = 1, "0" * 64
    asked: list[tuple[str, int]] = []
    with pytest.raises(SnapshotError, match="not one that this nekb can use"):
        pull(tmp_path / "replica", served({f"{id}/{MANIFEST}": json.dumps(manifest).encode()}, asked=asked))
    assert not (tmp_path / "outside").exists()
    assert len(asked) == 2, "no file was asked for"


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"files": {"cards.json": 1}, "sha256": {"cards.json": "0" * 64}},
        {"files": [1], "sha256": [1]},
        {"passages": "x"},
        {"cards": None},
        {"documents": "many"},
    ],
)
def test_a_manifest_that_lacks_parts_or_has_other_types_is_refused_and_the_right_one_is_fetched_after_it(
    wrong: dict[str, Any], home: Path, served: Served, tmp_path: Path
) -> None:
    id, manifest = _manifest(home)
    replica = tmp_path / "replica"
    with pytest.raises(SnapshotError, match="not one that this nekb can use"):
        pull(replica, served({f"{id}/{MANIFEST}": json.dumps(manifest | wrong).encode()}))
    assert not (replica / "current").exists()
    assert pull(replica, served()).fresh
    assert open_current(replica).manifest.id == id


@pytest.mark.slow
@pytest.mark.parametrize("size", ["Infinity", "1e999", "-1", "[" * 100_000, '"x"'])
def test_a_manifest_with_numbers_that_are_none_is_refused_in_a_sentence(
    size: str, home: Path, served: Served, tmp_path: Path
) -> None:
    id, manifest = _manifest(home)
    at = f'"weights.json": {manifest["files"]["weights.json"]}'
    raw = json.dumps(manifest)
    assert at in raw
    with pytest.raises(SnapshotError, match="not one that this nekb can use"):
        pull(tmp_path / "replica", served({f"{id}/{MANIFEST}": raw.replace(at, f'"weights.json": {size}').encode()}))


@pytest.mark.slow
def test_a_snapshot_that_cannot_answer_is_not_let_answer(home: Path, served: Served, tmp_path: Path) -> None:
    id, manifest = _manifest(home)
    replica = tmp_path / "replica"
    lacking = next(name for name in manifest["files"] if name.startswith("guidance/lexical/") and ".term" in name)
    del manifest["files"][lacking], manifest["sha256"][lacking]
    with pytest.raises(SnapshotError, match="cannot answer here"):
        pull(replica, served({f"{id}/{MANIFEST}": json.dumps(manifest).encode()}))
    assert not (replica / "current").exists()
    assert pull(replica, served()).fresh
    assert ask("code 8 hotspot", open_current(replica)).guidance


def test_a_snapshot_that_was_published_without_parts_is_fetched_whole(
    home: Path, served: Served, tmp_path: Path
) -> None:
    id, manifest = _manifest(home)
    replica = tmp_path / "replica"
    folder = replica / "snapshots" / id
    folder.mkdir(parents=True)
    shutil.copy(home / "snapshots" / id / "cards.json", folder)
    about = {name: {"cards.json": manifest[name]["cards.json"]} for name in ("files", "sha256")}
    (folder / MANIFEST).write_text(json.dumps(manifest | about))
    (replica / "current").write_text(id)
    assert pull(replica, served()).fresh
    assert ask("code 8 hotspot", open_current(replica)).guidance


def test_the_server_of_the_vectors_is_not_asked_by_whoever_pulls(home: Path, served: Served, tmp_path: Path) -> None:
    id, manifest = _manifest(home)
    for about in ("files", "sha256"):
        del manifest[about]["documents/vectors.faiss"]
    raw = json.dumps(manifest | {"collection": f"nekb_{id}"}).encode()
    assert pull(tmp_path / "replica", served({f"{id}/{MANIFEST}": raw})).fresh


@pytest.mark.slow
def test_a_longer_file_a_wrong_id_and_rubbish_are_refused(home: Path, served: Served, tmp_path: Path) -> None:
    id, _ = _manifest(home)
    for files in (
        {f"{id}/weights.json": b"x" * 100_000},
        {"current": b"../../etc\n"},
        {"current": b"x" * 10_000},
        {f"{id}/{MANIFEST}": b"[]"},
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


def test_empty_answers_end_in_a_sentence_and_nothing_answers(
    home: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_PAUSE", 0.0)
    id, _ = _manifest(home)
    with pytest.raises(NekbError, match="cannot be reached"):
        pull(tmp_path / "replica", served({f"{id}/weights.json": b""}))
    assert snapshots(tmp_path / "replica") == []
    assert not (tmp_path / "replica" / "current").exists()


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


def test_a_disk_that_has_no_room_for_all_of_it_is_said_before_anything_is_fetched(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    asked: list[tuple[str, int]] = []
    with pytest.raises(NekbError, match="is full") as caught:
        pull(tmp_path / "replica", served(asked=asked))
    assert caught.value.code == "disk_full"
    assert len(asked) == 2, "no file was asked for"


def test_pulling_again_and_again_survives_what_the_system_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = iter([FileExistsError(errno.EEXIST, "File exists"), BadInputError("It is odd.", "Look."), KeyboardInterrupt])

    def fail(*_: object) -> None:
        raise next(done)

    monkeypatch.setattr(pulling, "pull", fail)
    monkeypatch.setattr("time.sleep", lambda _: None)
    ended = CliRunner().invoke(cli, ["snapshots", "pull", "https://nekb.example.com", "--every", "1"])
    assert "File exists" in ended.stderr
    assert "It is odd. Look." in ended.stderr
    assert next(done, None) is None


@pytest.mark.parametrize(
    ("address", "key"), [("http://replica.example/kept", KEY), ("http://[x", ""), ("https://", ""), ("kept", "")]
)
def test_a_key_goes_nowhere_in_the_open_and_what_is_no_address_is_refused(
    tmp_path: Path, address: str, key: str
) -> None:
    with pytest.raises(BadInputError):
        pull(tmp_path / "replica", address, key)
