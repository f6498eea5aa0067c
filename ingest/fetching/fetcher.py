"""One polite client for every source.

An honest user agent with a contact, robots.txt obeyed, one connection a host, a pause before every request,
Retry-After kept to, redirects followed by hand and only between sources. At the human-verification gate, or where a
server answers 403, the host is closed for a day, in this run and in every later one; there is no way round it here.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from ingest.addresses import canonical, source_host
from ingest.fetching.connection import MAX_SECONDS, Answer, Connection, CutError
from ingest.fetching.outcome import (
    BudgetError,
    ClosedError,
    FetchError,
    GoneError,
    Got,
    ParkedError,
    RefusedError,
    UnreachableError,
)
from ingest.fetching.robots import AGENT, NOTHING_ALLOWED, allowed, crawl_delay, fallback_rules
from ingest.ledger import Ledger, Visit, later
from ingest.sources.source import Pace
from ingest.sources.tag import is_gate
from kb import __version__

CONTACT = "https://github.com/nekb/nekb"
CLOSED_HOURS = 24
BACKOFF = (5.0, 20.0, 80.0)
MAX_REDIRECTS = 5
MAX_RULES = 512 << 10  # bytes of a robots.txt that are read (RFC 9309, 2.5)
LONGEST_WAIT = 600.0  # seconds that a server asks for and a run sits out; more are left to later runs
SAVE_INSTEAD = "Open the pages in a browser, save them, and run `nekb ingest FILE...` on them."


class Fetcher:
    """Fetches addresses of sources. `transport`, `sleep` and `seconds` are for tests; nothing in nekb sets them."""

    def __init__(
        self, ledger: Ledger, pace: Pace, *, transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep, seconds: float = MAX_SECONDS, read_timeout: float = 30.0,
    ) -> None:  # fmt: skip
        self._ledger, self._pace = ledger, pace
        self._sleep = sleep
        self._requests = 0
        self._last: dict[str, float] = {}
        self._rules: dict[str, str] = {}
        self._no_rules: dict[str, str] = {}  # why a host's robots.txt could not be had in this run
        headers = {
            "user-agent": f"{AGENT}/{__version__} (+{CONTACT})", "accept-language": "en-US", "accept-encoding": "gzip",
            "accept": "text/html, application/json, application/xml;q=0.9, */*;q=0.5",
        }  # fmt: skip
        self._connection = Connection(headers, seconds=seconds, read_timeout=read_timeout, transport=transport)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fetch(self, address: str, visit: Visit) -> Got:
        """A page, or word that it is as it was (`body` None). Raises a `FetchError` of the kind of its failure.

        `visit` is what the ledger knows of the address: until when it rests, and what it was when it was last had.
        """
        if visit.retry_at and visit.retry_at > later():
            raise ParkedError(f"it failed before and is not asked before {visit.retry_at}", again_after=visit.retry_at)
        target, seen = address, {address}
        for _ in range(MAX_REDIRECTS + 1):
            self._may_ask(target)
            got = self._with_retries(target, visit if target == address else Visit())
            if isinstance(got, Got):
                return replace(got, address=canonical(target) or target)
            target = self._redirected(target, got)
            if target in seen:
                raise FetchError("it redirects in a circle")
            seen.add(target)
        raise FetchError(f"it redirects more than {MAX_REDIRECTS} times")

    def _may_ask(self, address: str) -> None:
        host = source_host(address)
        if host is None or urlsplit(address).scheme != "https":
            raise RefusedError(f"{address} is no address of a source")
        self._check_open(host)
        if not allowed(self._robots(host), address):
            raise self._refusal(host)

    def _refusal(self, host: str) -> FetchError:
        """Why the rules of a host let an address not be asked for: they say so, or they could not be had."""
        if host not in self._no_rules:
            return RefusedError("robots.txt asks not to fetch it")
        why = f"robots.txt could not be had ({self._no_rules[host]})"
        if fallback_rules(host) != NOTHING_ALLOWED:
            return RefusedError(f"{why}, and the rules last seen there ask not to fetch it")
        return UnreachableError(f"{why}, and without it nothing of {host} is asked for",
                                again_after=later(seconds=BACKOFF[-1]))  # fmt: skip

    def _check_open(self, host: str) -> None:
        state = self._ledger.host(host)
        if state.closed_until and state.closed_until > later():
            why = f"{state.closed_why}. nekb asks {host} again after {state.closed_until}"
            raise ClosedError(f"{host} is closed to nekb: {why}. {SAVE_INSTEAD}")

    def shut(self, host: str, why: str) -> ClosedError:
        """Close a host for a day; return the error that says so."""
        until = later(hours=CLOSED_HOURS)
        self._ledger.update_host(host, closed_until=until, closed_why=why)
        return ClosedError(f"{host}: {why}. nekb stops here and asks again after {until}. {SAVE_INSTEAD}")

    def _redirected(self, address: str, answer: Answer) -> str:
        try:
            raw: str = urljoin(address, answer.headers.get("location", ""))
        except ValueError as error:
            raise RefusedError("it redirects to what is no address") from error
        host = source_host(address) or ""
        if is_gate(raw):
            raise self.shut(host, "it asked to verify that a human is there")
        onward = source_host(raw) if answer.headers.get("location") else None
        if onward is None:
            raise RefusedError("it redirects to an address that is no source's")
        split = urlsplit(raw)
        if split.path.startswith("/forums/login"):
            raise RefusedError("it asks to sign in")
        # Just as it stands there: the one spelling of our own may be what the server redirects from.
        return urlunsplit(("https", onward, split.path or "/", split.query, ""))

    def _with_retries(self, address: str, visit: Visit) -> Got | Answer:
        """One request, and again after a pause where the failure may pass. An `Answer` returned is a redirect."""
        for pause in (*BACKOFF[:-1], None):
            try:
                return self._once(address, visit)
            except _PassingError as error:
                wait = error.wait if error.wait is not None else pause or 0
                if pause is None or wait > LONGEST_WAIT:
                    after = later(seconds=max(wait, BACKOFF[-1]))
                    raise UnreachableError(error.what, status=error.status, again_after=after) from error
                self._sleep(wait + random.uniform(0, pause / 10))  # noqa: S311 - no secret
        raise AssertionError

    def _once(self, address: str, visit: Visit) -> Got | Answer:
        host = source_host(address) or ""
        self._check_open(host)
        self._wait_turn(host)
        headers = {}
        if etag := _validator(visit.etag):  # one that was kept before may be none
            headers["if-none-match"] = etag
        if last_modified := _validator(visit.last_modified):
            headers["if-modified-since"] = last_modified
        try:
            answer = self._connection.get(address, headers)
        except CutError as error:
            raise _PassingError(str(error)) from error
        return self._told(address, host, answer)

    def _told(self, address: str, host: str, answer: Answer) -> Got | Answer:
        status = answer.status
        tags = _validator(answer.headers.get("etag")), _validator(answer.headers.get("last-modified"))
        if status in (200, 304):
            return Got(address, status, answer.body if status == 200 else None, *tags)
        if status in (301, 302, 303, 307, 308):
            return answer
        if status in (404, 410):
            raise GoneError(f"it is not there ({status})", status=status)
        if status == 403:
            raise self.shut(host, "it forbids (403)")
        if status == 429 or status >= 500:
            raise _PassingError(f"the server answered {status}", status, retry_after(answer.headers.get("retry-after")))
        raise FetchError(f"the server answered {status}", status=status)

    def _wait_turn(self, host: str) -> None:
        """Keep to the pace: so many seconds after the last request, so many requests a run and a day."""
        if self._requests >= self._pace.per_run:
            raise BudgetError(f"this run has made its {self._pace.per_run} requests")
        if self._ledger.requests_today(host) >= self._pace.per_day:
            raise BudgetError(f"{host} has had its {self._pace.per_day} requests of today")
        gap = max(self._pace.seconds, crawl_delay(self._rules[host]) or 0 if host in self._rules else 0)
        gap += random.uniform(0, self._pace.jitter)  # noqa: S311 - no secret
        if host in self._last and (left := self._last[host] + gap - time.monotonic()) > 0:
            if left > LONGEST_WAIT:
                raise BudgetError(f"{host} asks for {gap:,.0f} s between two requests, which is for several runs")
            self._sleep(left)
        self._requests += 1
        self._ledger.count_request(host)
        self._last[host] = time.monotonic()

    def _robots(self, host: str) -> str:
        """The host's rules, asked once a day. What stands in for rules that cannot be had counts for this run alone."""
        if host in self._rules:
            return self._rules[host]
        state = self._ledger.host(host)
        if state.robots is not None and state.robots_at and state.robots_at > later(hours=-24):
            self._rules[host] = state.robots
            return state.robots
        try:
            rules = self._ask_robots(host)
        except (BudgetError, ClosedError):
            raise
        except FetchError as error:
            self._no_rules[host] = error.what
            rules = fallback_rules(host)
        else:
            self._ledger.update_host(host, robots=rules, robots_at=later())
        self._rules[host] = rules
        return rules

    def _ask_robots(self, host: str) -> str:
        """The host's robots.txt, through redirects inside the host; empty where there is none."""
        first = target = f"https://{host}/robots.txt"
        for _ in range(MAX_REDIRECTS + 1):
            try:
                got = self._with_retries(target, Visit())
            except GoneError:
                if target == first:
                    return ""
                raise
            if isinstance(got, Got):
                return _rules(got)
            target = self._redirected(target, got)
            if source_host(target) != host:
                raise FetchError("it redirects to another host")
        raise FetchError(f"it redirects more than {MAX_REDIRECTS} times")


_OF_NO_RULE = re.compile(r"\s*(?:#.*|(?:sitemap|host)\s*:.*)?", re.IGNORECASE)  # lines that a robots.txt may be all of


class _PassingError(Exception):
    """A failure that may pass. `wait` is what the server asked for, in seconds."""

    def __init__(self, what: str, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(what)
        self.what, self.status, self.wait = what, status, wait


def _rules(got: Got) -> str:
    rules = (got.body or b"")[:MAX_RULES].decode("utf-8-sig", "replace")
    if "user-agent" not in rules.lower() and not all(_OF_NO_RULE.fullmatch(line) for line in rules.splitlines()):
        raise FetchError("what came in its place states no rules")  # a page of HTML
    return rules


def _validator(raw: str | None) -> str | None:
    """What a server calls a state of its page, where that can be sent back: printable ASCII."""
    return raw if raw and raw.isascii() and raw.isprintable() else None


def retry_after(raw: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or a date; None where it holds neither."""
    if not raw:
        return None
    if raw.strip().isascii() and raw.strip().isdigit():
        return float(min(int(raw.strip()[:9]), 10**8))
    with suppress(ValueError, TypeError, OverflowError):
        moment = email.utils.parsedate_to_datetime(raw)
        known = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)  # a date of HTTP's is in UTC, said or not
        return max(0.0, (known - dt.datetime.now(dt.UTC)).total_seconds())
    return None
