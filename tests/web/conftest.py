"""A server with hostile text in its store, and a browser: Debian's Chromium, which talks to loopback alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import running

CHROMIUM = os.environ.get("NEKB_CHROMIUM", "/usr/bin/chromium")
_QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def web_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the session's data directory, for the votes of this module."""
    copy = tmp_path_factory.mktemp("web") / "home"
    shutil.copytree(home, copy)
    return copy


@pytest.fixture(scope="module")
def site(web_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a running server, as a browser asks."""
    with running(web_home, tmp_path_factory.mktemp("log"), "--rate", "100000/minute") as client:
        client.headers["Accept"] = "text/html"
        yield client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    assert Path(CHROMIUM).exists(), f"{CHROMIUM} is missing: apt-get install chromium, or set NEKB_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET.split())
        yield browser
        browser.close()
