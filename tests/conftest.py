"""Fixtures: one real snapshot, built once a run by the real model from the real data and pages of our own words."""

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
_FOLDER = "NEKB_TESTS_FOLDER"  # of this run: with `home`, which its workers share, and the log of its build
_BUILD = pytest.StashKey["subprocess.Popen[bytes]"]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's folder, in the process that starts the workers, if there are any."""
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="nekb-tests-")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that need no home come first: it is built beside them."""
    items.sort(key=_needs_home)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to build what many tests need, or wait for the worker that does."""
    config = session.config
    if config.option.collectonly or not any(map(_needs_home, session.items)):
        return
    kept = os.environ.get("NEKB_TEST_CACHE") or str(config.cache.mkdir("home"))
    command = ["nice", "-n", "3", sys.executable, "-m", "tests.first_build", os.environ[_FOLDER], kept]
    with (Path(os.environ[_FOLDER]) / "build.log").open("ab") as log:
        config.stash[_BUILD] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def _needs_home(item: pytest.Item) -> bool:
    return "home" in getattr(item, "fixturenames", ())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing of the build behind."""
    if _BUILD in config.stash:
        config.stash[_BUILD].kill()
        config.stash[_BUILD].wait()
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def home(pytestconfig: pytest.Config) -> Path:
    """A data directory with a built snapshot. Tests read it; one that writes copies it (`own_home`).

    It is built anew for each run (`tests/first_build.py`); what of it the next one may take over is kept under
    `.pytest_cache`, or where `NEKB_TEST_CACHE` says.
    """
    folder = Path(os.environ[_FOLDER])
    assert pytestconfig.stash[_BUILD].wait() == 0, (folder / "build.log").read_text()
    return folder / "home"


@pytest.fixture(scope="session")
def snapshot(home: Path) -> Snapshot:
    """The run's snapshot, open."""
    return open_current(home)


@pytest.fixture
def own_home(home: Path, tmp_path: Path) -> Path:
    """A copy of the run's data directory, for a test that writes."""
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
