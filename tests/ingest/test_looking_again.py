"""When a page that was had is fetched again: when its row tells of something, and after thirty days in any case."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.crawling import fetch_source
from ingest.settling import IngestReport
from ingest.sources.source import Pace
from ingest.store import Store
from tests.ingest.pages import Row, listing
from tests.ingest.replay import ROWS, Forum, Replay, replay

FIRST_DAY = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=20)


class Aging(Forum):
    """A forum whose lists show an age for each thread."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.ages = dict.fromkeys(self.threads, "1d")
        self.views = 100

    def _listing(self, page: int, slug: str) -> str:
        numbers = sorted(self.threads)[(page - 1) * ROWS : page * ROWS]
        rows = [Row(n, self.threads[n].title, str(len(self.threads[n].replies)), self.ages[n]) for n in numbers]
        more = page + 1 if page * ROWS < len(self.threads) else None
        return listing(rows, next_page=more, slug=slug).replace("3.1k", str(self.views))


@pytest.fixture
def forum() -> Aging:
    return Aging(13)


@pytest.fixture
def server(forum: Aging) -> Iterator[Replay]:
    with replay(forum) as running:
        yield running


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many days after the first it is; to be set by the test."""
    passed = [0.0]
    monkeypatch.setattr(
        "ingest.crawling.utc_now", lambda: (FIRST_DAY + dt.timedelta(days=passed[0])).isoformat(timespec="seconds")
    )
    return passed


def crawl(home: Path, server: Replay, *addresses: str) -> IngestReport:
    server.forum.log.clear()
    return fetch_source(home, None, addresses, make_fetcher=server.make)


def threads_asked(forum: Forum) -> list[str]:
    return [path.rpartition("/")[2] for path, _ in forum.log if "/thread/" in path]


def last_fetched(home: Path, days: int, *numbers: int) -> None:
    moment = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat(timespec="seconds")
    with Store(home) as store:
        for number in numbers:
            sql = "update addresses set fetched_at = ? where address like ?"
            store.db.execute(sql, (moment, f"%/forums/thread/{number}"))


def crawl_thirty(home: Path, forum: Aging, server: Replay) -> None:
    """Take in thirty threads, on two pages of the list, in which nothing has happened for long."""
    forum.threads |= Forum(30).threads
    forum.ages = dict.fromkeys(forum.threads, "Mar ’26")
    crawl(home, server)


@pytest.mark.slow
def test_a_label_that_only_ages_is_no_news_and_changes_no_document(
    tmp_path: Path, forum: Aging, server: Replay, days: list[float]
) -> None:
    crawl(tmp_path, server)
    with Store(tmp_path) as store:
        before = list(store.documents())
    for day, age in ((1, "2d"), (1.5, "2d"), (2, "3d"), (6, "1w"), (16, "2w")):
        days[0], forum.views = day, forum.views + 1
        forum.ages = dict.fromkeys(forum.threads, age)
        report = crawl(tmp_path, server)
        assert (threads_asked(forum), report.changed, report.fetched) == ([], 0, 1)
    with Store(tmp_path) as store:
        assert [(d.activity, d.captured) for d in store.documents()] == [(d.activity, d.captured) for d in before]


@pytest.mark.slow
def test_an_age_that_cannot_be_that_of_before_is_news(
    tmp_path: Path, forum: Aging, server: Replay, days: list[float]
) -> None:
    crawl(tmp_path, server)
    days[0] = 4
    forum.ages = dict.fromkeys(forum.threads, "5d") | {800_003: "1h"}
    report = crawl(tmp_path, server)
    assert (threads_asked(forum), report.changed) == (["800003"], 1)
    days[0] = 5
    forum.ages = dict.fromkeys(forum.threads, "6d") | {800_003: "1d"}
    assert (crawl(tmp_path, server).changed, threads_asked(forum)) == (0, [])


@pytest.mark.slow
def test_a_reply_brings_its_age_with_it(tmp_path: Path, forum: Aging, server: Replay, days: list[float]) -> None:
    crawl(tmp_path, server)
    days[0] = 1
    forum.threads[800_003].replies.pop()
    forum.ages = dict.fromkeys(forum.threads, "2d") | {800_003: "1d"}
    crawl(tmp_path, server)
    with Store(tmp_path) as store:
        held = {d.id: d.captured for d in store.documents()}
    first, second = (str((FIRST_DAY + dt.timedelta(days=day)).date()) for day in (0, 1))
    assert (held["thread-800002"], held["thread-800003"]) == (first, second)


@pytest.mark.slow
def test_a_list_that_is_as_it_was_is_no_news_however_old_its_labels_are(
    tmp_path: Path, forum: Aging, server: Replay, days: list[float]
) -> None:
    for day in (0, 3, 6, 9):
        days[0] = day
        report = crawl(tmp_path, server)
    assert (threads_asked(forum), report.not_modified) == ([], 1)


@pytest.mark.slow
def test_a_thread_is_fetched_again_after_thirty_days_though_the_walk_does_not_come_to_its_page(
    tmp_path: Path, forum: Aging, server: Replay
) -> None:
    crawl_thirty(tmp_path, forum, server)
    last_fetched(tmp_path, 29, *sorted(forum.threads)[:20])
    last_fetched(tmp_path, 45, 800_029, 800_030)
    gone = forum.threads.pop(800_030)
    forum.threads[800_001].replies.pop()
    report = crawl(tmp_path, server)
    assert threads_asked(forum) == ["800001", "800029", "800030"], "what is new comes first"
    assert report.gone == 1
    crawl(tmp_path, server)
    assert threads_asked(forum) == []
    forum.threads[800_030] = gone
    last_fetched(tmp_path, 45, 800_030)
    crawl(tmp_path, server)
    assert threads_asked(forum) == [], "what is gone is left alone"


@pytest.mark.slow
def test_looking_again_keeps_to_the_budget_and_goes_on_in_the_next_run(
    tmp_path: Path, forum: Aging, server: Replay
) -> None:
    crawl_thirty(tmp_path, forum, server)
    old = sorted(forum.threads)[20:]
    last_fetched(tmp_path, 45, *old)
    server.pace = Pace(0, 0, 6, 10_000)
    asked: list[str] = []
    for _ in range(3):
        crawl(tmp_path, server)
        asked += threads_asked(forum)
    assert asked == [str(number) for number in old]


def test_one_thread_that_is_named_brings_none_of_the_others(tmp_path: Path, forum: Aging, server: Replay) -> None:
    crawl(tmp_path, server)
    last_fetched(tmp_path, 45, *forum.threads)
    crawl(tmp_path, server, "https://developer.apple.com/forums/thread/800001")
    assert threads_asked(forum) == ["800001"]


@pytest.mark.slow
def test_of_many_pages_that_are_as_they_were_a_few_may_be_gone(tmp_path: Path, forum: Aging, server: Replay) -> None:
    crawl_thirty(tmp_path, forum, server)
    last_fetched(tmp_path, 45, *forum.threads)
    for number in (800_011, 800_012, 800_021, 800_022):
        del forum.threads[number]
    report = crawl(tmp_path, server)
    assert (report.outcome, report.gone) == ("ok", 4)
