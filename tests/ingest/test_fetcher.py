"""The one polite client, against real sockets and everything that goes wrong on them."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.fetching.fetcher import Fetcher, retry_after
from ingest.fetching.outcome import BudgetError, ClosedError, FetchError, GoneError, RefusedError, UnreachableError
from ingest.fetching.robots import allowed, crawl_delay, fallback_rules
from ingest.ledger import Ledger, Visit, later
from ingest.sources.source import DOCS_PACE, FORUM_PACE, Pace
from ingest.store import Store
from tests.ingest import replay as faults
from tests.ingest.pages import HOST
from tests.ingest.replay import Forum, Replay, replay

PATH = "/forums/thread/800001"
ADDRESS = HOST + PATH


@pytest.fixture
def server() -> Iterator[Replay]:
    with replay(Forum(3)) as running:
        running.settings = {"seconds": 0.6, "read_timeout": 0.4}
        yield running


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Store(tmp_path) as store:
        yield Ledger(store)


@pytest.fixture
def fetcher(server: Replay, ledger: Ledger) -> Iterator[Fetcher]:
    with server.fetcher(ledger) as made:
        yield made


def test_a_page_comes_whole_and_the_agent_says_who_asks(server: Replay, fetcher: Fetcher) -> None:
    got = fetcher.fetch(ADDRESS, Visit())
    assert got.body is not None
    assert b"Kettle number 0" in got.body
    paths = [path for path, _ in server.forum.log]
    assert paths == ["/robots.txt", PATH], "robots.txt is asked first, and once"
    headers = server.forum.log[1][1]
    assert headers["user-agent"].startswith("nekb/")
    assert "(+https://" in headers["user-agent"]
    assert "cookie" not in headers
    assert headers["host"] == "developer.apple.com"


def test_a_body_packed_in_several_members_comes_whole(server: Replay, fetcher: Fetcher) -> None:
    """A page cut at the end of the first member would be read as a sound one that holds less."""
    members = gzip.compress(b"<html>first, ") + gzip.compress(b"second") + b"\0" * 7
    server.forum.fault(PATH, lambda h: h.answer(200, members, content_encoding="gzip"))
    assert fetcher.fetch(ADDRESS, Visit()).body == b"<html>first, second"
    cut = [lambda h: h.answer(200, members[:-12], content_encoding="gzip")] * 3
    server.forum.fault(PATH, *cut)
    with pytest.raises(UnreachableError, match="ended too early"):
        fetcher.fetch(ADDRESS, Visit())


def test_a_bomb_of_many_members_is_told_by_all_of_them(server: Replay, ledger: Ledger) -> None:
    server.settings = {}
    bomb = gzip.compress(b"\0" * 9_000_000, 1) * 2
    server.forum.fault(PATH, lambda h: h.answer(200, bomb, content_encoding="gzip"))
    with server.fetcher(ledger) as fetcher, pytest.raises(FetchError, match="unpacks to more"):
        fetcher.fetch(ADDRESS, Visit())


def test_what_has_not_changed_is_not_sent_again(fetcher: Fetcher) -> None:
    first = fetcher.fetch(ADDRESS, Visit())
    again = fetcher.fetch(ADDRESS, Visit(etag=first.etag))
    assert (again.status, again.body) == (304, None)


@pytest.mark.parametrize(
    "fault",
    [faults.reset, faults.truncated, faults.truncated_gzip, faults.silence, faults.status(503), faults.status(500)],
)
def test_a_failure_that_passes_is_tried_again_after_growing_pauses(
    server: Replay, fetcher: Fetcher, fault: faults.Fault
) -> None:
    server.forum.fault(PATH, fault, fault)
    assert fetcher.fetch(ADDRESS, Visit()).status == 200
    first, second = server.pauses
    assert 5 <= first < 6
    assert 20 <= second < 23


@pytest.mark.parametrize("fault", [faults.reset, faults.status(502)])
def test_after_three_tries_an_address_is_parked(server: Replay, fetcher: Fetcher, fault: faults.Fault) -> None:
    server.forum.fault(PATH, *[fault] * 3)
    with pytest.raises(UnreachableError) as caught:
        fetcher.fetch(ADDRESS, Visit())
    assert caught.value.again_after is not None
    assert caught.value.again_after > later(seconds=60)
    assert server.forum.asked[PATH] == 3


def test_retry_after_is_kept_to(server: Replay, fetcher: Fetcher) -> None:
    server.forum.fault(PATH, faults.status(429, retry_after="120"))
    assert fetcher.fetch(ADDRESS, Visit()).status == 200
    assert 120 <= server.pauses[0] < 122


def test_a_long_retry_after_parks_the_address_instead_of_sleeping(server: Replay, fetcher: Fetcher) -> None:
    server.forum.fault(PATH, faults.status(429, retry_after="7200"))
    with pytest.raises(UnreachableError) as caught:
        fetcher.fetch(ADDRESS, Visit())
    assert caught.value.again_after is not None
    assert caught.value.again_after > later(hours=1.9)
    assert server.pauses == []


@pytest.mark.parametrize(
    ("raw", "seconds"), [("7", 7), (" 7 ", 7), (None, None), ("", None), ("soon", None), ("-3", None),
                         ("9" * 40, 10**8), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 99 Oct 2015", None)]
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(raw: str | None, seconds: float | None) -> None:
    assert retry_after(raw) == seconds


def test_a_date_to_wait_for_is_in_utc_though_it_says_no_zone() -> None:
    """The form of C's asctime is one of the three that HTTP knows (RFC 9110, 5.6.7)."""
    later_on = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    for form in ("%a %b %e %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S -0000"):
        assert 290 < (retry_after(later_on.strftime(form)) or 0) <= 300


@pytest.mark.parametrize(
    "fault",
    [
        faults.gate,
        faults.redirect(f"{HOST}/forums/verify-human/verify.html", 307),
        faults.redirect("https://elsewhere.example/forums/verify-human"),
        faults.status(403),
    ],
)
def test_at_the_gate_it_stops_for_a_day_and_says_what_to_do(
    server: Replay, ledger: Ledger, fetcher: Fetcher, fault: faults.Fault
) -> None:
    server.forum.fault(PATH, fault)
    with pytest.raises(ClosedError, match="nekb ingest FILE"):
        fetcher.fetch(ADDRESS, Visit())
    asked = len(server.forum.log)
    with pytest.raises(ClosedError, match="closed to nekb"):
        fetcher.fetch(f"{HOST}/forums/thread/800002", Visit())
    with server.fetcher(ledger) as another_run, pytest.raises(ClosedError):
        another_run.fetch(ADDRESS, Visit())
    assert len(server.forum.log) == asked, "nothing more is asked of that host"
    assert later(hours=23) < ledger.closed_hosts()[0][1] <= later(hours=24)


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("https://evil.example/x", RefusedError), ("https://developer.apple.com.evil.example/", RefusedError),
        ("https://origin-devforums.apple.com/forums/thread/1", RefusedError), ("file:///etc/passwd", RefusedError),
        ("https://u:p@developer.apple.com/", RefusedError), ("https://developer.apple.com:8443/", RefusedError),
        ("", RefusedError), ("http://[", RefusedError),
        ("/forums/login", RefusedError), ("/forums/profile/x", RefusedError), (PATH, FetchError),
    ],
)  # fmt: skip
def test_a_redirect_is_followed_only_to_where_one_may_ask(
    server: Replay, fetcher: Fetcher, target: str, error: type[Exception]
) -> None:
    server.forum.fault(PATH, *[faults.redirect(target)] * 3)
    with pytest.raises(error):
        fetcher.fetch(ADDRESS, Visit())
    assert server.forum.asked[PATH] == 1


def test_redirects_are_followed_by_hand_and_not_for_ever(server: Replay, fetcher: Fetcher) -> None:
    server.forum.fault("/forums/thread/7", faults.redirect("/forums/thread/8/"))
    server.forum.fault("/forums/thread/8/", faults.redirect(f"https://forums.developer.apple.com{PATH}"))
    assert fetcher.fetch(f"{HOST}/forums/thread/7", Visit()).address == ADDRESS
    for n in range(10, 30):
        server.forum.fault(f"/forums/thread/{n}", faults.redirect(f"/forums/thread/{n + 1}"))
    with pytest.raises(FetchError, match="more than 5 times"):
        fetcher.fetch(f"{HOST}/forums/thread/10", Visit())


def test_a_redirect_to_the_same_page_with_a_slash_is_no_circle(server: Replay, fetcher: Fetcher) -> None:
    server.forum.fault(PATH, faults.redirect(f"{PATH}/", 301))
    assert fetcher.fetch(ADDRESS, Visit()).address == ADDRESS


@pytest.mark.parametrize(
    ("fault", "what"),
    [(faults.bomb, "unpacks to more"), (faults.huge, "larger than"), (faults.drip, "longer than"),
     (faults.drip_headers, "longer than")],
)  # fmt: skip
def test_an_answer_beyond_the_bounds_is_given_up_at_once(
    server: Replay, fetcher: Fetcher, fault: faults.Fault, what: str
) -> None:
    server.forum.fault(PATH, fault)
    with pytest.raises(FetchError, match=what):
        fetcher.fetch(ADDRESS, Visit())
    assert server.forum.asked[PATH] == 1


def test_what_is_gone_is_gone(fetcher: Fetcher) -> None:
    with pytest.raises(GoneError):
        fetcher.fetch(f"{HOST}/forums/thread/1", Visit())


@pytest.mark.parametrize(
    "address", ["https://evil.example/x", "http://developer.apple.com/x", "ftp://developer.apple.com/", "x"]
)
def test_only_sources_are_ever_asked(server: Replay, fetcher: Fetcher, address: str) -> None:
    with pytest.raises(RefusedError):
        fetcher.fetch(address, Visit())
    assert server.forum.log == []


@pytest.mark.parametrize(
    ("path", "may"),
    [("/forums/thread/1", True), ("/forums/thread/1?view=2", False), ("/forums/thread/1?page=2", True),
     ("/forums/profile/x", False), ("/search/x", False), ("/forums/search?q=x", True)],
)  # fmt: skip
def test_robots_are_obeyed_wildcards_included(path: str, may: bool) -> None:
    assert allowed(fallback_rules("developer.apple.com"), HOST + path) is may
    assert not allowed(fallback_rules("forums.swift.org"), f"https://forums.swift.org{path}")


def test_rules_for_this_agent_and_the_delay_they_ask_for_count(server: Replay, ledger: Ledger) -> None:
    server.forum.robots = "User-agent: *\nAllow: /\n\nUser-agent: nekb\nCrawl-delay: 9\nDisallow: /forums/thread/*2$\n"
    assert crawl_delay(server.forum.robots) == 9
    with server.fetcher(ledger) as fetcher:
        fetcher.fetch(ADDRESS, Visit())
        assert 8 < server.pauses[-1] <= 9
        with pytest.raises(RefusedError, match=r"robots\.txt"):
            fetcher.fetch(f"{HOST}/forums/thread/800002", Visit())


def test_rules_behind_a_byte_order_mark_are_obeyed(server: Replay, fetcher: Fetcher) -> None:
    server.forum.robots = "\ufeffUser-agent: *\nDisallow: /forums/\n"
    with pytest.raises(RefusedError, match=r"robots\.txt"):
        fetcher.fetch(ADDRESS, Visit())


@pytest.mark.parametrize("tag", ['"\u00e9\u00ff"', '"a\tb"'])
def test_a_validator_that_cannot_be_sent_back_is_not_kept(server: Replay, fetcher: Fetcher, tag: str) -> None:
    server.forum.fault(PATH, lambda h: h.answer(200, b"<html>", etag=tag, last_modified=tag))
    got = fetcher.fetch(ADDRESS, Visit())
    assert (got.etag, got.last_modified) == (None, None)
    assert fetcher.fetch(ADDRESS, Visit(etag=tag, last_modified=tag)).status == 200


@pytest.mark.parametrize(
    "fault", [faults.status(503), faults.html("<html>a shop</html>"), faults.status(401), faults.redirect("/x")]
)
def test_without_a_robots_txt_the_last_known_rules_hold(server: Replay, fetcher: Fetcher, fault: faults.Fault) -> None:
    server.forum.fault("/robots.txt", *[fault] * 3)
    with pytest.raises(RefusedError):
        fetcher.fetch(f"{HOST}/forums/thread/800001?view=2", Visit())
    assert fetcher.fetch(ADDRESS, Visit()).status == 200


def test_where_no_rules_are_known_a_host_is_not_asked_and_the_reason_is_told(server: Replay, ledger: Ledger) -> None:
    server.forum.fault("/robots.txt", *[faults.status(503)] * 3)
    with server.fetcher(ledger) as fetcher:
        for _ in range(2):
            with pytest.raises(UnreachableError, match=r"robots\.txt could not be had \(the server answered 503\)"):
                fetcher.fetch("https://forums.swift.org/t/1.json", Visit())
    assert server.forum.asked == {"/robots.txt": 3}, "once a run"
    with server.fetcher(ledger) as another_run:
        assert another_run.fetch("https://forums.swift.org/t/1.json", Visit()).status == 200


@pytest.mark.parametrize("rules", ["# welcome\n", "\nSitemap: https://developer.apple.com/sitemap.xml\r\n# all\n"])
def test_a_robots_txt_without_a_rule_forbids_nothing(server: Replay, fetcher: Fetcher, rules: str) -> None:
    server.forum.robots = rules
    assert fetcher.fetch("https://forums.swift.org/t/5.json", Visit()).status == 200


@pytest.mark.parametrize("delay", ["86400", "1e12"])
def test_a_pause_longer_than_a_run_sits_out_is_left_to_later_runs(server: Replay, ledger: Ledger, delay: str) -> None:
    """The run ends instead of sleeping for days, and each later one has its request."""
    server.forum.robots = f"User-agent: *\nCrawl-delay: {delay}\n"
    with server.fetcher(ledger) as first, pytest.raises(BudgetError, match="between two requests"):
        first.fetch(ADDRESS, Visit())
    with server.fetcher(ledger) as second:
        assert second.fetch(ADDRESS, Visit()).status == 200
        with pytest.raises(BudgetError, match="between two requests"):
            second.fetch(ADDRESS, Visit())
    assert server.pauses == []
    assert server.forum.asked == {"/robots.txt": 1, PATH: 1}


def test_a_robots_txt_that_moved_inside_its_host_is_followed(server: Replay, ledger: Ledger) -> None:
    server.forum.pages["/rules.txt"] = ("text/plain", "User-agent: *\nDisallow: /t/2\n")
    server.forum.fault("/robots.txt", faults.redirect("/moved.txt", 301))
    server.forum.fault("/moved.txt", faults.redirect("/rules.txt", 308))
    with server.fetcher(ledger) as fetcher:
        assert fetcher.fetch("https://forums.swift.org/t/1.json", Visit()).status == 200
        with pytest.raises(RefusedError, match="asks not to fetch it"):
            fetcher.fetch("https://forums.swift.org/t/2.json", Visit())


@pytest.mark.parametrize("target", ["https://developer.apple.com/robots.txt", "https://evil.example/robots.txt"])
def test_the_rules_of_another_host_are_not_taken(server: Replay, fetcher: Fetcher, target: str) -> None:
    server.forum.fault("/robots.txt", faults.redirect(target, 301))
    with pytest.raises(UnreachableError, match=r"robots\.txt could not be had"):
        fetcher.fetch("https://forums.swift.org/t/1.json", Visit())
    assert server.forum.asked == {"/robots.txt": 1}


def test_robots_txt_is_asked_once_a_day(server: Replay, ledger: Ledger) -> None:
    for _ in range(2):
        with server.fetcher(ledger) as fetcher:
            fetcher.fetch(ADDRESS, Visit())
    assert server.forum.asked["/robots.txt"] == 1


def test_requests_keep_to_the_pace_and_to_the_budgets(server: Replay, ledger: Ledger) -> None:
    server.pace = Pace(5.0, 3.0, 3, 5)
    with server.fetcher(ledger) as fetcher:
        fetcher.fetch(ADDRESS, Visit())
        fetcher.fetch(ADDRESS, Visit())
        with pytest.raises(BudgetError, match="this run"):
            fetcher.fetch(ADDRESS, Visit())
    assert len(server.pauses) == 2
    assert all(4.5 < pause <= 8 for pause in server.pauses)
    with server.fetcher(ledger) as fetcher:
        fetcher.fetch(ADDRESS, Visit())
        fetcher.fetch(ADDRESS, Visit())
        with pytest.raises(BudgetError, match="today"):
            fetcher.fetch(ADDRESS, Visit())


def test_the_pace_that_is_shipped_is_the_polite_one() -> None:
    assert Pace(5.0, 3.0, 200, 500) == FORUM_PACE
    assert DOCS_PACE.seconds == 1.5
