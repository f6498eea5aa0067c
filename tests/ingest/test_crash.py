"""Killed at any statement, or with the disk full: nothing that was held is lost, and the next run goes on."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from ingest.crawling import fetch_source
from ingest.importing import import_files
from ingest.store import Store
from kb.errors import NekbError
from tests.conftest import PAGES
from tests.ingest.cores import memory_folder, on_each_core
from tests.ingest.pages import Post, Row, Thread, listing
from tests.ingest.replay import Forum, replay

REFUSED = 7
Work = Callable[[Path], object]


def _apart(work: Callable[[], object], *, kill_at: int | None = None, file_limit: int | None = None) -> int:
    """Do it in a process of its own, killed at its nth SQL statement; return how it ended (a signal is negative)."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ended = 1
    try:
        if kill_at is not None:
            _count_down(kill_at)
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
        work()
        ended = 0
    except NekbError as error:
        ended = REFUSED if error.remedy else 1
    finally:
        os._exit(ended)


def _count_down(statements: int) -> None:
    left, connect = statements, sqlite3.connect

    def tick(_: str) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(*args: object, **more: object) -> sqlite3.Connection:
        db = connect(*args, **more)  # type: ignore[call-overload]
        db.set_trace_callback(tick)
        return db  # type: ignore[no-any-return]

    sqlite3.connect = counted  # type: ignore[assignment]


def _statements(home: Path, work: Work) -> int:
    """How many SQL statements a whole run takes."""
    seen, connect = [0], sqlite3.connect

    def counted(*args: object, **more: object) -> sqlite3.Connection:
        db = connect(*args, **more)  # type: ignore[call-overload]
        db.set_trace_callback(lambda _: seen.__setitem__(0, seen[0] + 1))
        return db  # type: ignore[no-any-return]

    with patch.object(sqlite3, "connect", counted):
        work(home)
    return seen[0]


def _held(home: Path) -> dict[str, str]:
    with Store(home) as store:
        assert store.db.execute("pragma integrity_check").fetchone() == ("ok",)
        return {d.id: d.content_hash for d in store.documents()}


def _pages(folder: Path, word: str) -> Path:
    folder.mkdir(exist_ok=True)
    for n in range(8):
        question = Post(1, f"<p>The {word} kettle number {n} joins, leaves and joins again.</p>", question=True)
        thread = Thread(number=100 + n, title=f"Kettle {n}", question=question)
        (folder / f"{n}.html").write_text(thread.html(), encoding="utf-8")
    (folder / "list.html").write_text(listing([Row(100 + n, f"Kettle {n}") for n in range(12)]), encoding="utf-8")
    (folder / "dump.txt").write_bytes((PAGES / "tag-page.txt").read_bytes())
    return folder


def _import_survives(points: int, seed: int) -> None:
    with memory_folder() as folder:
        first, second = _pages(folder / "first", "purple"), _pages(folder / "second", "green")
        work: Work = lambda home: import_files(home, [second])  # noqa: E731
        began, whole, home = (folder / name for name in ("began", "whole", "home"))
        import_files(began, [first])
        before = _held(began)
        shutil.copytree(began, whole)
        total = _statements(whole, work)
        after = _held(whole)
        assert before != after
        draw = random.Random(seed)
        for _ in range(points):
            shutil.copytree(began, home)
            assert _apart(lambda: work(home), kill_at=draw.randint(1, total)) == -signal.SIGKILL
            held = _held(home)
            assert set(held) >= set(before), "a document was lost"
            assert all(hash in (before[id], after[id]) for id, hash in held.items() if id in before), "half a document"
            work(home)
            assert _held(home) == after
            shutil.rmtree(home)


def test_import_killed_at_a_few_statements() -> None:
    _import_survives(3, 3)


@pytest.mark.slow
def test_import_killed_at_a_hundred_statements() -> None:
    on_each_core(partial(_import_survives, 50))


def _fetch_survives(points: int, seed: int) -> None:
    with memory_folder() as folder, replay(Forum(13)) as server:
        work: Work = lambda home: fetch_source(home, "tag", make_fetcher=server.make)  # noqa: E731
        whole, home = folder / "whole", folder / "home"
        total = _statements(whole, work)
        after, asked = _held(whole), len(server.forum.log)
        draw = random.Random(seed)
        for _ in range(points):
            server.forum.log.clear()
            assert _apart(lambda: work(home), kill_at=draw.randint(1, total)) == -signal.SIGKILL
            work(home)
            assert _held(home) == after
            assert len(server.forum.log) <= asked + 3, "it began again instead of going on"
            shutil.rmtree(home)


@pytest.mark.slow
def test_fetch_killed_at_a_few_statements_goes_on_from_there() -> None:
    _fetch_survives(2, 2)


@pytest.mark.slow
def test_fetch_killed_at_a_hundred_statements() -> None:
    on_each_core(partial(_fetch_survives, 50))


@pytest.mark.parametrize("room", [30_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 60_000, 120_000))])
def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path, room: int) -> None:
    first, second = _pages(tmp_path / "first", "purple"), _pages(tmp_path / "second", "green")
    home = tmp_path / "home"
    import_files(home, [first])
    before = _held(home)
    for n in range(80):  # more than there is room for
        page = Thread(number=5000 + n, title=f"Cup {n}").html().replace("cat", random.Random(n).randbytes(2500).hex())
        (second / f"more-{n}.html").write_text(page, encoding="utf-8")
    limit = (home / "store.db").stat().st_size + room
    assert _apart(lambda: import_files(home, [second]), file_limit=limit) == REFUSED
    assert set(_held(home)) >= set(before)
    assert import_files(home, [second]).outcome == "ok"
    assert len(_held(home)) >= len(before) + 80


def test_two_runs_at_once_are_refused_with_a_remedy(tmp_path: Path) -> None:
    from ingest.lock import only_writer

    with only_writer(tmp_path):
        assert _apart(lambda: import_files(tmp_path, [PAGES / "tag-page.txt"])) == REFUSED
