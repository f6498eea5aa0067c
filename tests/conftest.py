"""Fixtures: one real snapshot, built once a session by the real model from the real data and pages of our own words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kb.snapshot import Snapshot, open_current

PAGES = Path(__file__).parent / "pages"
ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
_BUILD = pytest.StashKey[tuple[Path, "subprocess.Popen[bytes]"]]()  # its folder, with `home` and a log


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to build what many tests need, and let those that do not need it come first."""
    config = session.config
    session.items.sort(key=_needs_home)
    if config.option.collectonly or not any(map(_needs_home, session.items)):
        return
    folder = Path(tempfile.mkdtemp(prefix="nekb-tests-"))
    kept = os.environ.get("NEKB_TEST_CACHE") or str(config.cache.mkdir("home"))
    command = ["nice", sys.executable, "-m", "tests.first_build", str(folder / "home"), kept]
    with (folder / "build.log").open("wb") as log:
        config.stash[_BUILD] = (folder, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))


def _needs_home(item: pytest.Item) -> bool:
    return "home" in getattr(item, "fixturenames", ())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing of the build behind."""
    if _BUILD in config.stash:
        folder, process = config.stash[_BUILD]
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def home(pytestconfig: pytest.Config) -> Path:
    """A data directory with a built snapshot. Tests read it; one that writes copies it (`own_home`).

    It is built anew for each session (`tests/first_build.py`); what of it the next one may take over is kept under
    `.pytest_cache`, or where `NEKB_TEST_CACHE` says.
    """
    folder, process = pytestconfig.stash[_BUILD]
    assert process.wait() == 0, (folder / "build.log").read_text()
    return folder / "home"


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
