"""`kill -9` at any moment leaves the last snapshot answering and no captured page lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from pathlib import Path

import pytest

from ingest.store import Store
from kb import ask
from kb.snapshot import open_current
from tests.conftest import PAGES

SEED = 8
KILLS = 40
# Processes are forked off one that has everything imported and nothing begun, so that each dies at its work and not
# while it starts.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["api.cli.main", "ingest.build.run", "sentence_transformers", "tests.ingest.test_kill"])


def _nekb(home: Path, *args: str) -> None:
    from api.cli.main import main

    os.environ["NEKB_HOME"] = str(home)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        sys.stdout = sys.stderr = nowhere
        sys.argv = ["nekb", *args]
        main()


def _run(home: Path, page: Path, kill_after: float | None = None) -> int | None:
    """Take a page in, killed after so many seconds; the exit status, negative where a signal ended it."""
    process = FORKS.Process(target=_nekb, args=(home, "ingest", str(page)))
    process.start()
    process.join(kill_after if kill_after is not None else 300)
    process.kill()
    process.join()
    return process.exitcode


def _changed_page(home: Path, number: int) -> Path:
    text = (PAGES / "tag-page.txt").read_text(encoding="utf-8").replace("purple tunnel", f"tunnel number {number}")
    page = home.parent / f"page-{number}.txt"
    page.write_text(text, encoding="utf-8")
    return page


@pytest.mark.slow
def test_killed_at_many_moments(own_home: Path) -> None:
    """Runs are killed at random moments of the time that the last whole one took."""
    _run(own_home, _changed_page(own_home, 997))  # the first starts the process that the others are forked off
    began = time.monotonic()
    assert _run(own_home, _changed_page(own_home, 998)) == 0
    whole = time.monotonic() - began
    before = open_current(own_home).manifest.id
    draw = random.Random(SEED)
    kept = killed = 0
    for number in range(KILLS):
        began = time.monotonic()
        if _run(own_home, _changed_page(own_home, number), draw.uniform(0, whole)) == -9:
            killed += 1
        else:
            whole = time.monotonic() - began
        answer = ask("code 8 hotspot", snapshot=open_current(own_home))
        assert answer.guidance[0].id == "hotspot-internal-error-8"
        with Store(own_home) as store:
            count = store.counts()["captures"]
        assert count >= kept, "a captured page was lost"
        kept = count
    assert killed > KILLS // 2
    assert _run(own_home, _changed_page(own_home, 999)) == 0
    with Store(own_home) as store:
        assert list(store.unparsed()) == []
        assert any("tunnel number 999" in p.body for d in store.documents() for p in d.posts)
    assert open_current(own_home).manifest.id != before
    assert not list((own_home / "snapshots").glob(".building-*"))
