"""Fixtures: one real snapshot, built once a session by the real model from the real data and pages of our own words."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.build import build
from ingest.importing import import_files
from kb.snapshot import Snapshot, open_current

PAGES = Path(__file__).parent / "pages"
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory with a built snapshot. Tests read it; one that writes copies it (`own_home`).

    `NEKB_TEST_CACHE` may name a data directory whose embedded vectors are reused, so that a session builds in seconds.
    """
    folder = tmp_path_factory.mktemp("home")
    cache = os.environ.get("NEKB_TEST_CACHE")
    if cache and (Path(cache) / "store.db").exists():
        for file in Path(cache).glob("store.db*"):
            shutil.copy(file, folder / file.name)
    import_files(folder, [PAGES / "tag-page.txt"])
    build(folder)
    yield folder
    if cache:
        Path(cache).mkdir(parents=True, exist_ok=True)
        for file in folder.glob("store.db*"):
            shutil.copy(file, Path(cache) / file.name)


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
