"""A run over a source against a forum on the loopback: what is new comes in, once, and nothing is lost on the way."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from pathlib import Path

import pytest

from ingest.crawling import Crawl, fetch_source
from ingest.fetching.fetcher import BACKOFF
from ingest.importing import import_files, read_again
from ingest.ledger import Ledger, later
from ingest.settling import IngestReport
from ingest.sources.source import Pace
from ingest.standing import standing
from ingest.store import Store
from kb.documents import Document
from kb.errors import BadInputError
from tests.ingest import replay as faults
from tests.ingest.pages import GATE_PAGE, HOST, Post, feed
from tests.ingest.replay import Replay

TAG = "/forums/tags/networkextension"
FIRST = "/forums/thread/800001"


def crawl(home: Path, server: Replay, *addresses: str, source: str | None = None) -> IngestReport:
    return fetch_source(home, source, addresses, make_fetcher=server.make)


@pytest.fixture
def a_second_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is a second on at every look: the store counts in seconds, and a real crawl takes more than one."""
    begun, looks = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2), itertools.count()
    for module in ("crawling", "store"):
        monkeypatch.setattr(
            f"ingest.{module}.utc_now",
            lambda: (begun + dt.timedelta(seconds=next(looks))).isoformat(timespec="seconds"),
        )


def documents(home: Path) -> dict[str, Document]:
    with Store(home) as store:
        return {d.id: d for d in store.documents()}


def open_hosts(home: Path) -> None:
    """A day passes."""
    with Store(home) as store:
        store.db.execute("update hosts set closed_until = null, requests = 0")
        store.db.execute("update addresses set retry_at = null")


def test_every_thread_of_every_page_comes_in_and_a_second_run_asks_for_one_page(tmp_path: Path, server: Replay) -> None:
    report = crawl(tmp_path, server)
    assert (report.outcome, report.new, report.waiting) == ("ok", 13, 0)
    assert report.drift == []
    held = documents(tmp_path)
    assert len(held) == 13
    assert all(d.apple_replied and d.accepted and len(d.posts) == 3 for d in held.values())
    asked = len(server.forum.log)
    assert asked == 1 + 2 + 13
    again = crawl(tmp_path, server)
    assert (again.outcome, again.new, again.changed, again.not_modified) == ("ok", 0, 0, 1)
    assert len(server.forum.log) == asked + 1
    assert server.forum.log[-1][1]["if-none-match"]


def test_a_thread_is_fetched_again_only_when_its_row_changed(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server)
    server.forum.threads[800_007].replies.append(Post(9, "<p>And then it boiled over, all of it.</p>", hour=9))
    server.forum.log.clear()
    report = crawl(tmp_path, server)
    assert (report.new, report.changed) == (0, 1)
    assert [p for p in server.forum.asked if "thread" in p] == ["/forums/thread/800007"]
    assert len(documents(tmp_path)["thread-800007"].posts) == 4


def test_an_edited_post_is_followed_and_a_deleted_one_goes(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server)
    thread = server.forum.threads[800_007]
    thread.replies = [Post(3, "<p>Edited: never wake it.</p>", "DTS Engineer", True, True, hour=2)]
    crawl(tmp_path, server)
    assert [p.body for p in documents(tmp_path)["thread-800007"].posts][1:] == ["Edited: never wake it."]


def test_a_deleted_thread_no_longer_counts_and_comes_back_if_it_does(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server)
    gone = server.forum.threads.pop(800_001)
    report = crawl(tmp_path, server, HOST + FIRST)
    assert (report.gone, "thread-800001" in documents(tmp_path)) == (1, False)
    server.forum.threads[800_001] = gone
    crawl(tmp_path, server, HOST + FIRST)
    assert "thread-800001" in documents(tmp_path)


@pytest.mark.usefixtures("a_second_each")
def test_a_deleted_thread_stays_away_while_a_list_goes_on_leading_to_it(tmp_path: Path, server: Replay) -> None:
    """Only its own page, or something new in its row, says that it is there after all."""
    crawl(tmp_path, server)
    server.forum.threads[800_001].replies.pop()
    server.forum.every = lambda path: faults.status(404) if path == FIRST else None
    assert crawl(tmp_path, server).gone == 1
    for _ in range(2):
        server.forum.threads[800_002].replies.append(Post(77, "<p>Mine boils over as well, always.</p>", hour=9))
        crawl(tmp_path, server)
        assert "thread-800001" not in documents(tmp_path), "its row is as it was"
    server.forum.every = lambda _: None
    server.forum.threads[800_001].replies.append(Post(99, "<p>Here I am again, and it boils.</p>", hour=9))
    crawl(tmp_path, server)
    assert "thread-800001" in documents(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("changed", [True, False])
def test_a_run_that_is_killed_forgets_no_deleted_thread(
    tmp_path: Path, server: Replay, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    """Nobody would ask for it again, whether its row led there or the time since it was last looked at."""
    crawl(tmp_path, server)
    path = "/forums/thread/800013"
    if changed:
        server.forum.threads[800_013].replies.pop()
        server.forum.threads[800_001].replies.pop()
    else:
        with Store(tmp_path) as store:
            store.db.execute("update addresses set fetched_at = ? where address = ?", (later(days=-40), HOST + path))
    server.forum.every = lambda asked: faults.status(404) if asked == path else None
    with monkeypatch.context() as killed:
        killed.setattr(Crawl, "_finish", lambda *_: None)
        crawl(tmp_path, server)
    assert "thread-800013" in documents(tmp_path)
    report = crawl(tmp_path, server)
    assert (report.gone, report.waiting) == (1, 0)
    assert "thread-800013" not in documents(tmp_path)
    assert server.forum.asked[path] == 3


@pytest.mark.parametrize("named", [True, False])
def test_a_thread_that_moved_counts_where_it_is_now(tmp_path: Path, server: Replay, named: bool) -> None:
    """Its address leads to another thread, which would be cited twice and the old one for ever."""
    crawl(tmp_path, server)
    server.forum.threads[800_001].replies.pop()
    server.forum.every = lambda path: faults.redirect("/forums/thread/800002", 301) if path == FIRST else None
    report = crawl(tmp_path, server, *([HOST + FIRST] if named else []))
    assert (report.outcome, report.gone) == ("ok", 1)
    assert sorted(documents(tmp_path)) == [f"thread-{n}" for n in range(800_002, 800_014)]


def test_a_thread_that_leads_to_a_list_or_to_another_spelling_of_itself_is_kept(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server)
    server.forum.threads[800_001].replies.pop()
    server.forum.threads[800_002].replies.pop()
    to = {FIRST: TAG, "/forums/thread/800002": "/forums/forums/thread/800002/?login=true"}
    server.forum.pages["/forums/forums/thread/800002/?login=true"] = ("text/html", server.forum._thread(800_002, 1))
    server.forum.every = lambda path: faults.redirect(to[path]) if path in to else None
    assert crawl(tmp_path, server).gone == 0
    assert len(documents(tmp_path)) == 13


@pytest.mark.slow
def test_a_site_that_answers_404_to_everything_deletes_nothing(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server)
    for thread in server.forum.threads.values():
        thread.replies.pop()
    server.forum.every = lambda path: faults.status(404) if "thread" in path else None
    report = crawl(tmp_path, server)
    assert report.outcome == "drift"
    assert len(documents(tmp_path)) == 13


def test_all_pages_of_a_long_thread_come_in_also_when_it_is_named(tmp_path: Path, server: Replay) -> None:
    thread = server.forum.threads[800_001]
    thread.replies = [Post(10 + n, f"<p>Reply number {n} of many, with words.</p>", hour=n) for n in range(45)]
    report = crawl(tmp_path, server, HOST + FIRST)
    assert report.outcome == "ok"
    assert len(documents(tmp_path)["thread-800001"].posts) == 46


@pytest.mark.usefixtures("a_second_each")
def test_pages_that_went_and_are_there_again_as_they_were_count_again(tmp_path: Path, server: Replay) -> None:
    """The server calls them unchanged, for nobody asked while they were gone."""
    thread = server.forum.threads[800_001]
    many = [Post(10 + n, f"<p>Reply number {n} of many, with words.</p>", hour=n) for n in range(45)]
    for replies in (many, many[:3], many):
        thread.replies = replies
        crawl(tmp_path, server)
        assert len(documents(tmp_path)["thread-800001"].posts) == 1 + len(replies)


def test_an_address_that_is_named_twice_is_asked_for_once(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server, HOST + FIRST, f"{HOST}{FIRST}?page=1", f"{HOST}{FIRST}#reply")
    assert server.forum.asked[FIRST] == 1


def test_a_gate_stops_the_host_says_how_to_import_and_is_remembered_for_a_day(tmp_path: Path, server: Replay) -> None:
    server.forum.fault("/forums/thread/800003", faults.gate)
    report = crawl(tmp_path, server)
    assert report.outcome == "stopped"
    assert report.stopped is not None
    assert "nekb ingest FILE" in report.stopped
    asked = len(server.forum.log)
    again = crawl(tmp_path, server)
    assert again.stopped is not None
    assert len(server.forum.log) == asked
    assert standing(tmp_path)["closed_hosts"][0]["host"] == "developer.apple.com"
    open_hosts(tmp_path)
    assert crawl(tmp_path, server).outcome == "ok"
    assert all(len(d.posts) == 3 for d in documents(tmp_path).values())


@pytest.mark.slow
def test_a_gate_that_looks_like_a_page_is_known_for_one(tmp_path: Path, server: Replay) -> None:
    server.forum.fault(FIRST, faults.html(GATE_PAGE))
    report = crawl(tmp_path, server)
    assert report.outcome == "stopped"
    open_hosts(tmp_path)
    crawl(tmp_path, server)
    assert len(documents(tmp_path)["thread-800001"].posts) == 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_gates_resets_and_rubbish_at_random_lose_nothing(tmp_path: Path, server: Replay, seed: int) -> None:
    draw = random.Random(seed)
    wrong = [faults.gate, faults.reset, faults.status(503), faults.truncated, faults.truncated_gzip,
             faults.status(429, retry_after="1"), faults.html("<html>nothing</html>"),
             faults.redirect("https://evil.example/")]  # fmt: skip
    server.forum.every = lambda path: draw.choice(wrong) if path != "/robots.txt" and draw.random() < 0.12 else None
    for _ in range(15):
        crawl(tmp_path, server)
        open_hosts(tmp_path)
    server.forum.every = lambda _: None
    with Store(tmp_path) as store:  # a month passes
        store.db.execute("update addresses set fetched_at = '2026-01-01T00:00:00+00:00'")
    assert crawl(tmp_path, server).outcome == "ok"
    held = documents(tmp_path)
    assert len(held) == 13
    assert all(len(d.posts) == 3 for d in held.values())


def test_used_up_requests_end_a_run_and_the_next_goes_on(tmp_path: Path, server: Replay) -> None:
    server.pace = Pace(0, 0, 6, 10_000)
    runs = 0
    while runs < 12:
        runs += 1
        report = crawl(tmp_path, server)
        assert report.outcome == "ok"
        if not report.waiting and any("800013" in path for path in server.forum.asked):
            break
    assert len([d for d in documents(tmp_path).values() if len(d.posts) == 3]) == 13
    threads = [n for p, n in server.forum.asked.items() if "thread" in p]
    assert max(threads) == 1, "no thread is fetched twice"


@pytest.mark.slow
def test_news_on_later_pages_are_not_missed_when_the_walk_to_them_was_cut_off(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server)
    for thread in server.forum.threads.values():
        thread.replies.pop(0)
    server.forum.fault(f"{TAG}?page=2", faults.gate)
    assert crawl(tmp_path, server).outcome == "stopped"
    open_hosts(tmp_path)
    assert crawl(tmp_path, server).outcome == "ok"
    assert all(len(d.posts) == 2 for d in documents(tmp_path).values())
    asked = len(server.forum.log)
    crawl(tmp_path, server)
    assert len(server.forum.log) == asked + 1


@pytest.mark.slow
def test_a_network_that_is_gone_stops_the_run_and_keeps_the_queue(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server, HOST + TAG)
    for thread in server.forum.threads.values():
        thread.replies.pop(0)
    server.forum.every = lambda path: faults.reset if "thread" in path else None
    report = crawl(tmp_path, server)
    assert report.outcome == "stopped"
    assert report.waiting == 13
    first, second = [p for p in server.pauses if p > 1][:2]
    assert BACKOFF[0] <= first < BACKOFF[1] <= second < BACKOFF[2]
    server.forum.every = lambda _: None
    open_hosts(tmp_path)
    assert crawl(tmp_path, server).changed == 13


def test_an_address_that_asked_to_be_left_alone_is_left_alone_by_the_next_run(tmp_path: Path, server: Replay) -> None:
    server.forum.fault(FIRST, faults.status(429, retry_after="9000"))
    assert crawl(tmp_path, server, HOST + FIRST).outcome == "failed"
    assert crawl(tmp_path, server, HOST + FIRST).outcome == "failed"
    assert server.forum.asked[FIRST] == 1


@pytest.mark.slow
def test_changed_class_names_are_drift_the_page_is_kept_and_so_are_the_documents(
    tmp_path: Path, server: Replay
) -> None:
    crawl(tmp_path, server)
    before = documents(tmp_path)
    for thread in server.forum.threads.values():
        thread.replies.append(Post(9, "<p>And then it boiled over, all of it.</p>", hour=9))
    server.forum.mangle = lambda text: (
        text
        if "article-entry" in text
        else text.replace("data-post-id", "data-pid")
        .replace("data-authorname", "data-who")
        .replace("content-post-body-content", "cpbc")
        .replace("post-content", "pc")
    )
    report = crawl(tmp_path, server)
    assert report.outcome == "drift"
    held = documents(tmp_path)
    assert {i: d.posts for i, d in held.items()} == {i: d.posts for i, d in before.items()}
    assert standing(tmp_path)["drift"]
    with Store(tmp_path) as store:
        kept = [c.capture.body for c in store.all_captures() if c.capture.address == HOST + FIRST]
    assert [b"cpbc" in body for body in kept] == [False, True]


@pytest.mark.slow
def test_a_mended_parser_reads_the_kept_pages_offline(
    tmp_path: Path, server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl(tmp_path, server)
    for thread in server.forum.threads.values():
        thread.replies.append(Post(9, "<p>And then it boiled over, all of it.</p>", hour=9))
    server.forum.mangle = lambda text: text.replace("content-post-body-content", "cpbc").replace("post-content", "pc")
    assert crawl(tmp_path, server).outcome == "drift"
    from ingest.parsing import thread as parser

    monkeypatch.setattr(parser, "_BODIES", (("[data-action='cpbc']", "data"), *parser._BODIES))
    report = read_again(tmp_path)
    assert (report.outcome, report.changed) == ("ok", 13)
    assert all(len(d.posts) == 4 for d in documents(tmp_path).values())


def test_text_in_the_wrong_encoding_is_mended(tmp_path: Path, server: Replay) -> None:
    thread = server.forum.threads[800_001]
    thread.question = Post(1, "<p>It’s the “purple” one — isn’t it? Say so.</p>", question=True)
    server.forum.mangle = lambda text: "".join(
        bytes([b]).decode("windows-1252", "ignore") or chr(b) for b in text.encode()
    )
    report = crawl(tmp_path, server, HOST + FIRST)
    assert "“purple” one — isn’t" in documents(tmp_path)["thread-800001"].posts[0].body
    assert any("double-encoded" in line for line in report.warnings)


def test_a_feed_brings_authors_and_dates_and_asks_for_no_thread(tmp_path: Path, server: Replay) -> None:
    report = crawl(tmp_path, server, source="rss")
    assert (report.outcome, report.new) == ("ok", 5)
    assert not any("thread" in path for path in server.forum.asked)
    crawl(tmp_path, server)
    assert documents(tmp_path)["thread-800001"].posts[0].author == "teapot"


def test_technotes_come_as_json_and_lead_to_the_pages_on_networking(tmp_path: Path, server: Replay) -> None:
    report = crawl(tmp_path, server, source="technotes")
    assert report.outcome == "ok"
    assert all(p.endswith(".json") for p in server.forum.asked if p != "/robots.txt")
    assert "doc-technotes.tn3134-network-extension-provider-deployment" in documents(tmp_path)


def test_where_the_json_is_gone_the_markdown_stands_in(tmp_path: Path, server: Replay) -> None:
    path = "/documentation/networkextension/kettle"
    server.forum.fault(f"/tutorials/data{path}.json", faults.status(404))
    server.forum.pages[f"{path}.md"] = (
        "text/markdown",
        f'<!-- {{"identifier": "{path}", "title": "Kettle"}} -->\n# Kettle\n\nA kettle on the network, at last.',
    )
    report = crawl(tmp_path, server, HOST + path)
    assert (report.outcome, report.new, report.gone) == ("ok", 1, 0)


def test_a_second_forum_needs_nothing_but_its_source(tmp_path: Path, server: Replay) -> None:
    report = crawl(tmp_path, server, source="discourse")
    assert (report.outcome, report.new) == ("ok", 3)
    assert server.forum.asked["/tag/networking.json?page=1"] == 1
    server.forum.every = lambda path: faults.status(404) if path.startswith("/t/1") else None
    report = crawl(tmp_path, server, "https://forums.swift.org/t/1")
    assert report.gone == 1


def test_a_saved_page_and_a_fetched_one_are_the_same_document(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server, HOST + FIRST)
    fetched = documents(tmp_path)["thread-800001"]
    saved = tmp_path / "thread.html"
    saved.write_text(server.forum.page(FIRST)[1], encoding="utf-8")  # type: ignore[index]
    report = import_files(tmp_path, [saved])
    assert (report.new, report.changed, report.unchanged) == (0, 0, 1)
    assert documents(tmp_path)["thread-800001"].content_hash == fetched.content_hash


def test_an_address_of_no_source_is_refused_before_anything_is_asked(tmp_path: Path, server: Replay) -> None:
    with pytest.raises(BadInputError):
        crawl(tmp_path, server, "https://evil.example/forums/thread/1")
    assert server.forum.log == []


@pytest.mark.slow
def test_a_parser_that_fails_on_a_page_does_not_end_the_run(
    tmp_path: Path, server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.parsing import thread as parser

    real = parser._title
    monkeypatch.setattr(parser, "_title", lambda soup: 1 / 0 if "number 3 " in soup.get_text() else real(soup))
    report = crawl(tmp_path, server)
    assert report.outcome == "failed"
    assert any("the parser failed on it: ZeroDivisionError" in line for line in report.failed)
    assert len(documents(tmp_path)) == 13, "its row in the listing is still held"
    monkeypatch.undo()
    assert read_again(tmp_path).outcome == "ok"
    assert len(documents(tmp_path)["thread-800004"].posts) == 3


def test_a_run_that_was_interrupted_says_so_and_the_next_goes_on(
    tmp_path: Path, server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(path: str) -> None:
        if "800010" in path:
            monkeypatch.setattr(Ledger, "done", interrupted)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    server.forum.every = stop
    with pytest.raises(KeyboardInterrupt):
        crawl(tmp_path, server)
    monkeypatch.undo()
    tag = next(s for s in standing(tmp_path)["sources"] if s["source"] == "tag")
    assert tag["outcome"] == "stopped"
    server.forum.every = lambda _: None
    assert crawl(tmp_path, server).outcome == "ok"
    assert all(len(d.posts) == 3 for d in documents(tmp_path).values())


def test_a_feed_of_a_file_and_of_the_site_are_one(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server, source="rss")
    (tmp_path / "saved.xml").write_text(feed(5), encoding="utf-8")
    assert import_files(tmp_path, [tmp_path / "saved.xml"]).unchanged == 5


def test_a_run_that_fails_is_told_as_no_success(
    tmp_path: Path, server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the kettle is cracked")

    monkeypatch.setattr(Store, "keep", fails)
    with pytest.raises(RuntimeError):
        crawl(tmp_path, server, source="tag")
    run = next(s for s in standing(tmp_path)["sources"] if s["source"] == "tag")
    assert (run["outcome"], run["last_success"]) == ("stopped", None)


@pytest.mark.slow
def test_a_withdrawn_thread_does_not_come_back_when_its_page_is_read_again(tmp_path: Path, server: Replay) -> None:
    crawl(tmp_path, server)
    with Store(tmp_path) as store:  # an hour passes
        store.db.execute("update captures set fetched_at = '2026-01-01T00:00:00+00:00'")
        store.db.execute("update parts set seen_at = '2026-01-01T00:00:00+00:00'")
    del server.forum.threads[800_001]
    crawl(tmp_path, server, HOST + FIRST)
    assert read_again(tmp_path).changed == 0
    assert "thread-800001" not in documents(tmp_path)


def test_an_outage_of_robots_txt_ends_with_it_and_loses_nothing_that_waits(tmp_path: Path, server: Replay) -> None:
    server.pace = Pace(0, 0, 3, 10_000)
    crawl(tmp_path, server, source="discourse")
    waiting = standing(tmp_path)["sources"]
    with Store(tmp_path) as store:
        store.db.execute("update hosts set robots_at = '2026-01-01T00:00:00+00:00'")
    server.pace = Pace(0, 0, 1000, 10_000)
    server.forum.fault("/robots.txt", *[faults.status(503)] * 3)
    report = crawl(tmp_path, server, source="discourse")
    assert report.outcome in ("failed", "stopped")
    assert "robots.txt could not be had (the server answered 503)" in report.failed[0]
    assert report.waiting == 3
    assert [s["waiting"] for s in standing(tmp_path)["sources"]] == [s["waiting"] for s in waiting]
    open_hosts(tmp_path)
    assert crawl(tmp_path, server, source="discourse").outcome == "ok"
    assert len(documents(tmp_path)) == 3
