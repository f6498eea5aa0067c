"""The snapshot that answers: nothing that lies in the data directory ends the look-out for the next good one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from api.current import CurrentSnapshot
from api.http import app as serving
from api.http.app import create_app
from api.http.settings import ServeSettings
from kb.errors import SnapshotError
from kb.snapshot import SCHEMA, Snapshot, read_manifest


def publish(home: Path, id: str) -> Path:
    """A copy of the snapshot under another id, published."""
    folder = home / "snapshots" / id
    source = next(path for path in (home / "snapshots").iterdir() if path.name != id)
    shutil.copytree(source, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    # Without hashes the encoder is opened anew, not taken over from the snapshot before.
    (folder / "manifest.json").write_text(json.dumps(manifest | {"id": id, "sha256": {}}))
    (home / "current").write_text(id + "\n")
    return folder


def damage(file: Path) -> None:
    """Junk of the same size: only what reads it can tell."""
    file.write_bytes(b"junk" * (file.stat().st_size // 4) + b"j" * (file.stat().st_size % 4))


@pytest.mark.parametrize(
    "text", [f'{{"schema": {SCHEMA}}}', f'{{"schema": {SCHEMA}, "more": 1}}', "[]", "8", "{", '{"schema": 1}']
)
def test_a_manifest_that_is_none_is_refused_as_a_snapshot(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(SnapshotError):
        read_manifest(tmp_path)


def test_files_of_a_manifest_that_are_no_table_are_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    written = json.loads(snapshot.manifest.to_json())
    (tmp_path / "manifest.json").write_text(json.dumps(written | {"files": 3}))
    with pytest.raises(SnapshotError):
        read_manifest(tmp_path)


@pytest.mark.slow
def test_a_damaged_part_is_refused_and_taken_once_it_is_repaired(own_home: Path) -> None:
    current = CurrentSnapshot(own_home)
    first = current.get().manifest.id
    folder = publish(own_home, "other")
    for name in ("encoder/model.onnx", "encoder/tokenizer.json", "weights.json", "cards.json"):
        whole = (folder / name).read_bytes()
        damage(folder / name)
        assert not current.refresh()
        assert (current.refused, current.get().manifest.id) == ("other", first)
        assert not current.refresh()
        (folder / name).write_bytes(whole)
    assert current.refresh()
    assert (current.refused, current.get().manifest.id) == (None, "other")


def test_a_refusal_is_forgotten_when_the_held_snapshot_is_published_again(own_home: Path) -> None:
    current = CurrentSnapshot(own_home)
    first = current.get().manifest.id
    (publish(own_home, "other") / "manifest.json").write_text(f'{{"schema": {SCHEMA}}}')
    current.refresh()
    assert current.refused == "other"
    (own_home / "current").write_text(first + "\n")
    current.refresh()
    assert current.refused is None


@pytest.mark.slow
def test_no_failure_ends_the_watch(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(ServeSettings(own_home, reload_every=0.01))
    held = app.state.services
    looks: list[int] = []

    def failing() -> bool:
        looks.append(1)
        raise TypeError("of a library")

    async def run() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(serving._watch(held), 2)

    monkeypatch.setattr(held.current, "refresh", failing)
    asyncio.run(run())
    assert len(looks) > 1


def test_threads_that_look_at_once_open_a_new_one_once(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    current = CurrentSnapshot(own_home)
    current.get()
    publish(own_home, "other")
    opened: list[Path] = []

    def counted(folder: Path) -> Snapshot:
        opened.append(folder)
        return Snapshot(folder)

    monkeypatch.setattr("api.current.Snapshot", counted)
    with ThreadPoolExecutor(4) as threads:
        ids = {found.result().manifest.id for found in [threads.submit(current.fresh) for _ in range(4)]}
    assert ids == {"other"}
    assert len(opened) == 1


def test_the_log_says_why_a_snapshot_is_refused(tmp_path: Path) -> None:
    """Who reads it has updated one of two machines, and is told so."""
    folder = tmp_path / "snapshots" / "another"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(f'{{"schema": {SCHEMA + 1}}}')
    (tmp_path / "current").write_text("another\n")
    with capture_logs() as told:
        assert not CurrentSnapshot(tmp_path).refresh()
    [line] = told
    assert line["event"] == "snapshot_refused"
    assert f"has schema {SCHEMA + 1}, and this nekb reads schema {SCHEMA}" in line["problem"]
