"""`kill -9` at any moment leaves the last snapshot answering and no captured page lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.store import Store
from kb import ask
from kb.snapshot import open_current
from tests.conftest import PAGES

NEKB = [sys.executable, "-m", "api.cli"]
SEED = 8


def _kill_after(seconds: float, home: Path, *args: str) -> None:
    process = subprocess.Popen(
        [*NEKB, *args], env=os.environ | {"NEKB_HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _changed_page(home: Path, number: int) -> Path:
    text = (PAGES / "tag-page.txt").read_text(encoding="utf-8").replace("purple tunnel", f"tunnel number {number}")
    page = home.parent / f"page-{number}.txt"
    page.write_text(text, encoding="utf-8")
    return page


def _survive(home: Path, points: list[float]) -> None:
    before = open_current(home).manifest.id
    kept = 0
    for number, seconds in enumerate(points):
        page = _changed_page(home, number)
        _kill_after(seconds, home, "ingest", str(page))
        answer = ask("code 8 hotspot", snapshot=open_current(home))
        assert answer.guidance[0].id == "hotspot-internal-error-8"
        with Store(home) as store:
            count = store.counts()["captures"]
        assert count >= kept, "a captured page was lost"
        kept = count
    last = _changed_page(home, 999)
    done = subprocess.run(
        [*NEKB, "ingest", str(last)], env=os.environ | {"NEKB_HOME": str(home)}, check=False, timeout=300
    )
    assert done.returncode == 0
    with Store(home) as store:
        assert list(store.unparsed()) == []
        assert any("tunnel number 999" in p.body for d in store.documents() for p in d.posts)
    assert open_current(home).manifest.id != before
    assert not list((home / "snapshots").glob(".building-*"))


def test_killed_at_a_few_points(own_home: Path) -> None:
    _survive(own_home, [0.3, 1.2, 6.0])


@pytest.mark.slow
def test_killed_at_many_points(own_home: Path) -> None:
    draw = random.Random(SEED)
    started = time.monotonic()
    _survive(own_home, [draw.uniform(0.1, 14.0) for _ in range(25)])
    assert time.monotonic() - started < 900
