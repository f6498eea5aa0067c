"""Fixtures: one real snapshot, built once a session by the real model from the real data and pages of our own words."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from ingest.build import build
from ingest.importing import import_files
from kb.snapshot import Snapshot, open_current

PAGES = Path(__file__).parent / "pages"
ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A data directory with a built snapshot. Tests read it; one that writes copies it (`own_home`).

    It is built anew for each session. What the session before embedded, taught and exported is taken over where it was
    made of the same, as in any build; it is kept under `.pytest_cache`, or where `NEKB_TEST_CACHE` says.
    """
    folder = tmp_path_factory.mktemp("home")
    kept = Path(os.environ.get("NEKB_TEST_CACHE") or pytestconfig.cache.mkdir("home"))
    earlier = folder / "snapshots" / "earlier"
    for file in kept.glob("store.db*"):
        shutil.copy(file, folder / file.name)
    if (kept / f"snapshot-{_makers()}").exists():
        shutil.copytree(kept / f"snapshot-{_makers()}", earlier)
    import_files(folder, [PAGES / "tag-page.txt"])
    build(folder)
    shutil.rmtree(earlier, ignore_errors=True)
    _keep(folder, kept)
    return folder


def _makers() -> str:
    """The code that makes what an earlier snapshot can give: changed code takes nothing over."""
    code = hashlib.sha256()
    for file in sorted((ROOT / "ingest" / "build").glob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()[:16]


def _keep(folder: Path, kept: Path) -> None:
    """Keep the store and the snapshot for the next session, whole or not at all."""
    kept.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("store.db*"):
        shutil.copy(file, kept / f"next.{file.name}")
        (kept / f"next.{file.name}").replace(kept / file.name)
    fresh = Path(tempfile.mkdtemp(dir=kept)) / "snapshot"
    shutil.copytree(folder / "snapshots" / (folder / "current").read_text().strip(), fresh)
    for old in kept.glob("snapshot-*"):
        shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(OSError):  # another session was faster
        fresh.rename(kept / f"snapshot-{_makers()}")
    shutil.rmtree(fresh.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def snapshot(home: Path) -> Snapshot:
    """The session's snapshot, open."""
    return open_current(home)


@pytest.fixture
def own_home(home: Path, tmp_path: Path) -> Path:
    """A copy of the session's data directory, for a test that writes."""
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    return copy


@pytest.fixture(autouse=True)
def _no_real_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test touches the data directory of whoever runs the tests."""
    monkeypatch.setenv("NEKB_HOME", str(tmp_path / "unused-home"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the checkout with evaluation questions and a real page; skips where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared is not beside this checkout")
    return SHARED
