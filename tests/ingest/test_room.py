"""A disk that fills up, while pages are taken in and while a snapshot is built: it is said, and nothing is lost."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.build import build
from ingest.importing import import_files
from ingest.store import Store
from kb import ask
from kb.errors import NekbError
from kb.snapshot import open_current, point_current
from tests.conftest import PAGES
from tests.ingest.pages import Thread

MEGABYTE = 1 << 20


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[bool]:
    """A disk of so many bytes at a folder, in memory; False where this machine lets nobody mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = (
        shutil.which("mount") is not None and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, but: int) -> Path:
    """Use up all of a disk but so many bytes."""
    filler = folder / "filler"
    filler.write_bytes(b"\0" * max(0, shutil.disk_usage(folder).free - but))
    return filler


def limited(room: int | None, home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """`nekb` in a process that may write no file larger than `room`."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))) if room else None
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *args], env=os.environ | {"NEKB_HOME": str(home)}, capture_output=True,
        text=True, preexec_fn=limit, check=False,
    )  # fmt: skip


def held(home: Path) -> set[str]:
    with Store(home) as store:
        assert store.db.execute("pragma integrity_check").fetchone() == ("ok",)
        return {d.id for d in store.documents()}


def threads(folder: Path, count: int) -> Path:
    folder.mkdir()
    for n in range(count):
        page = Thread(number=5000 + n, title=f"Cup {n}").html().replace("cat", random.Random(n).randbytes(2500).hex())
        (folder / f"{n}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_pages_that_a_disk_has_no_room_for_are_taken_in_once_it_has(tmp_path: Path) -> None:
    pages, disk = threads(tmp_path / "pages", 150), tmp_path / "disk"
    with small_disk(disk, 2 * MEGABYTE) as mounted:
        home = disk / "home"
        import_files(home, [PAGES / "tag-page.txt"])
        before = held(home)
        if mounted:
            with pytest.raises(NekbError, match="is full") as caught:
                import_files(home, [pages])
            assert (caught.value.code, "Make room" in caught.value.remedy) == ("disk_full", True)
        else:
            done = limited(MEGABYTE, home, "ingest", "--no-build", str(pages))
            assert (done.returncode, "is full" in done.stderr) == (2, True)
        part = held(home)
        assert part >= before
        if mounted:
            subprocess.run(["mount", "-o", f"remount,size={20 * MEGABYTE}", str(disk)], check=True)
        report = import_files(home, [pages])
        assert report.outcome == "ok"
        assert report.new == 150 - len(part - before), "it began again instead of going on"
        assert held(home) >= before | {f"thread-{5000 + n}" for n in range(150)}


@pytest.fixture
def embedded_home(own_home: Path) -> Path:
    """A data directory of which one page changed since its snapshot; what it says now is embedded already."""
    first = open_current(own_home).manifest.id
    text = (PAGES / "tag-page.txt").read_text(encoding="utf-8").replace("purple tunnel", "green tunnel")
    (own_home / "page.txt").write_text(text, encoding="utf-8")
    import_files(own_home, [own_home / "page.txt"])
    shutil.rmtree(own_home / "snapshots" / build(own_home).id)
    point_current(own_home, first)
    return own_home


@pytest.mark.slow
@pytest.mark.parametrize("room", [300_000, 4_000, 1_500_000])
def test_a_build_that_a_disk_has_no_room_for_leaves_the_last_snapshot_answering(
    embedded_home: Path, tmp_path: Path, room: int
) -> None:
    used = sum(f.stat().st_size for f in embedded_home.rglob("*") if f.is_file())
    with small_disk(tmp_path / "disk", used + 100 * MEGABYTE) as mounted:
        home = tmp_path / "disk" / "home"
        shutil.copytree(embedded_home, home)
        first = open_current(home).manifest.id
        filler = fill(home, but=room) if mounted else home / "filler"
        done = limited(None if mounted else room, home, "build")
        assert done.returncode == 2
        sentence, remedy = done.stderr.splitlines()[-2:]
        assert (sentence.startswith("nekb: "), sentence.endswith("is full.")) == (True, True), done.stderr
        assert remedy.startswith("Make room")
        assert [f.name for f in (home / "snapshots").iterdir()] == [first], "half a snapshot was left on a full disk"
        assert ask("code 8 hotspot", snapshot=open_current(home)).guidance[0].id == "hotspot-internal-error-8"
        filler.unlink(missing_ok=True)
        report = build(home)
        assert report.fresh
        assert open_current(home).manifest.id == report.id != first
