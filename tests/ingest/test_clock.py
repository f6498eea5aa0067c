"""A clock that ran ahead: what comes after it was set right counts, and nothing rests for years."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ingest.captures import utc_now
from ingest.importing import import_files
from ingest.ledger import Ledger, later
from ingest.standing import standing
from ingest.store import Store
from tests.ingest.pages import Row, Thread, listing

FAR = (dt.datetime.now(dt.UTC) + dt.timedelta(days=730)).isoformat(timespec="seconds")


def ran_ahead(home: Path) -> None:
    """All that is held was taken in two years from now."""
    with Store(home) as store:
        for table, column in (("captures", "fetched_at"), ("parts", "seen_at"), ("runs", "started_at"),
                              ("runs", "ended_at")):  # fmt: skip
            store.db.execute(f"update {table} set {column} = ?", (FAR,))
        for table in ("parts", "documents"):
            store.db.execute(f"update {table} set body = json_set(body, '$.captured', ?)", (FAR[:10],))
        ledger = Ledger(store)
        ledger.fetched("https://developer.apple.com/forums/thread/7", "tag", 200, None, None)
        ledger.failed("https://developer.apple.com/forums/thread/8", "tag", 503, FAR)
        ledger.update_host("developer.apple.com", closed_until=FAR, closed_why="it forbids (403)", robots_at=FAR)
        store.db.execute("update addresses set fetched_at = ? where fetched_at is not null", (FAR,))


def test_a_page_saved_after_the_clock_was_set_right_counts_and_the_run_says_so(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(Thread(title="Purple tunnel").html(), encoding="utf-8")
    home = tmp_path / "home"
    import_files(home, [page])
    ran_ahead(home)
    page.write_text(Thread(title="Green tunnel").html(), encoding="utf-8")
    report = import_files(home, [page])
    assert report.changed == 1
    assert [line for line in report.warnings if f"the clock had run ahead, to {FAR}" in line]
    with Store(home) as store:
        assert [d.title for d in store.documents()] == ["Green tunnel"]
        assert store.ahead is None
    assert import_files(home, [page]).warnings == []


def test_nothing_is_dated_after_now_and_nothing_rests_for_more_than_a_day(tmp_path: Path) -> None:
    (tmp_path / "list.html").write_text(listing([Row(n) for n in range(1, 12)]), encoding="utf-8")
    home = tmp_path / "home"
    import_files(home, [tmp_path / "list.html"])
    ran_ahead(home)
    with Store(home) as store:
        assert store.ahead == FAR
        assert Ledger(store).visit("https://developer.apple.com/forums/thread/7").fetched_at <= utc_now()  # type: ignore[operator]
        assert Ledger(store).visit("https://developer.apple.com/forums/thread/8").retry_at <= later(days=1)  # type: ignore[operator]
        host = Ledger(store).host("developer.apple.com")
        assert host.closed_until is not None
        assert host.robots_at is not None
        assert host.closed_until <= later(days=1)
        assert host.robots_at <= utc_now()
        assert {d.captured for d in store.documents()} == {utc_now()[:10]}
    file = next(s for s in standing(home)["sources"] if s["source"] == "file")
    assert file["last_run"] <= utc_now()
    assert file["age_seconds"] >= 0


def test_a_clock_that_stands_before_all_that_is_held_was_written_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path) as store:
        run = Ledger(store).begin_run("file")
        Ledger(store).end_run(run, "ok", {})

    class Stopped(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return dt.datetime(1970, 1, 1, tzinfo=tz)

    monkeypatch.setattr("ingest.clock.dt.datetime", Stopped)
    with Store(tmp_path) as store:
        assert store.ahead is None
        assert Ledger(store).last_runs()[0]["last_success"] > "2026"
