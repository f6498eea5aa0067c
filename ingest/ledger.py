"""What ingestion remembers between runs: what was fetched when, what is still to fetch, which hosts are closed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ingest.captures import utc_now
from ingest.parsing.page import Row
from ingest.store import Store
from kb.activity import Span

# into the queue, behind all that waits there
_LAST = (
    "into pending (address, source, row_key, active, added)"
    " values (?, ?, ?, ?, (select coalesce(max(added), 0) + 1 from pending))"
)


@dataclass(frozen=True)
class Visit:
    """What is known of an address that was fetched before; times are ISO 8601."""

    row_key: str | None = None
    active: Span | None = None
    etag: str | None = None
    last_modified: str | None = None
    fetched_at: str | None = None
    status: int | None = None
    failures: int = 0
    retry_at: str | None = None


@dataclass(frozen=True)
class HostState:
    """What is known of a host: until when it is closed and why, its robots.txt, today's requests."""

    closed_until: str | None = None
    closed_why: str | None = None
    robots: str | None = None
    robots_at: str | None = None
    day: str | None = None
    requests: int = 0


class Ledger:
    """The ledger part of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    # addresses

    def visit(self, address: str) -> Visit:
        """What is known of an address."""
        columns = "row_key, active, etag, last_modified, fetched_at, status, failures, retry_at"
        row = self._db.execute(f"select {columns} from addresses where address = ?", (address,)).fetchone()  # noqa: S608
        return Visit(row[0], _span(row[1]), *row[2:]) if row else Visit()

    def fetched(self, address: str, source: str, status: int, etag: str | None, last_modified: str | None) -> None:
        """An address answered."""
        with self._store.writing():
            self._db.execute(
                "insert into addresses (address, source, status, etag, last_modified, fetched_at)"
                " values (?, ?, ?, ?, ?, ?)"
                " on conflict (address) do update set status = excluded.status, fetched_at = excluded.fetched_at,"
                " etag = case excluded.status when 304 then coalesce(excluded.etag, etag) else excluded.etag end,"
                " last_modified = case excluded.status when 304"
                " then coalesce(excluded.last_modified, last_modified) else excluded.last_modified end,"
                " failures = 0, retry_at = null",
                (address, source, status, etag, last_modified, utc_now()),
            )

    def failed(self, address: str, source: str, status: int | None, retry_at: str | None) -> None:
        """An address did not answer usefully; it is not asked before `retry_at`."""
        with self._store.writing():
            self._db.execute(
                "insert into addresses (address, source, status, failures, retry_at) values (?, ?, ?, 1, ?)"
                " on conflict (address) do update set status = excluded.status, failures = failures + 1,"
                " retry_at = excluded.retry_at",
                (address, source, status, retry_at),
            )

    def forget_validators(self, address: str) -> None:
        """Fetch an address whole the next time: what it gave was not usable."""
        with self._store.writing():
            self._db.execute("update addresses set etag = null, last_modified = null where address = ?", (address,))

    # what is still to fetch

    def queue(self, source: str, rows: Iterable[Row], fresh_after: str) -> int:
        """Queue the rows that show something new, and those not fetched since `fresh_after`; return how many."""
        queued = 0
        with self._store.writing():
            for row in rows:
                seen = self.visit(row.address)
                more = row.tells_more_than(seen.row_key, seen.active)
                if not more and seen.fetched_at and seen.fetched_at > fresh_after:
                    continue
                sql = "select row_key, active from pending where address = ?"
                waiting = self._db.execute(sql, (row.address,)).fetchone()
                self._db.execute(
                    f"insert {_LAST} on conflict (address) do update set row_key = excluded.row_key,"
                    " active = coalesce(excluded.active, active)",
                    (row.address, source, row.key, _written(row.active)),
                )
                queued += waiting is None or row.tells_more_than(waiting[0], _span(waiting[1]))
        return queued

    def keep_waiting(self, row: Row, source: str) -> None:
        """Have a page wait that may be in the queue or not."""
        with self._store.writing():
            self._db.execute(
                f"insert or ignore {_LAST}",
                (row.address, source, row.key, _written(row.active)),
            )

    def waiting(self, source: str, limit: int) -> list[Row]:
        """The pages of a source that are still to fetch and may be asked now, in the order they were queued."""
        sql = (
            "select p.address, p.row_key, p.active from pending p left join addresses a on a.address = p.address"
            " where p.source = ? and (a.retry_at is null or a.retry_at <= ?) order by p.added limit ?"
        )
        return [_row(*found) for found in self._db.execute(sql, (source, utc_now(), limit))]

    def last_fetched_before(self, source: str, moment: str) -> list[Row]:
        """The pages of a source that some list led to, which were all last fetched before a time; oldest first."""
        sql = (
            "select address, row_key, active from addresses where source = ? and row_key is not null"
            " and fetched_at <= ? and (retry_at is null or retry_at <= ?) order by fetched_at, address"
        )
        return [_row(*found) for found in self._db.execute(sql, (source, moment, utc_now()))]

    def still_waiting(self) -> dict[str, int]:
        """How many pages each source has still to fetch."""
        return dict(self._db.execute("select source, count(*) from pending group by source").fetchall())

    def done(self, row: Row, source: str) -> None:
        """A queued page was dealt with: remember the row that led to it."""
        with self._store.writing():
            self._db.execute("delete from pending where address = ? and row_key = ?", (row.address, row.key))
            self._db.execute(
                "insert into addresses (address, source, row_key, active, fetched_at) values (?, ?, ?, ?, ?)"
                " on conflict (address) do update set row_key = excluded.row_key, fetched_at = excluded.fetched_at,"
                " active = coalesce(excluded.active, active)",
                (row.address, source, row.key, _written(row.active), utc_now()),
            )

    def walked_to(self, start: str) -> str | None:
        """The listing page from which an earlier walk has to go on; None when it reached the end."""
        row = self._db.execute("select next_page from walks where start = ?", (start,)).fetchone()
        return row[0] if row else start

    def walk_on(self, start: str, next_page: str | None) -> None:
        """Remember how far a walk through a listing's pages came."""
        with self._store.writing():
            self._db.execute("insert or replace into walks (start, next_page) values (?, ?)", (start, next_page))

    # hosts

    def host(self, name: str) -> HostState:
        """What is known of a host."""
        columns = "closed_until, closed_why, robots, robots_at, day, requests"
        row = self._db.execute(f"select {columns} from hosts where host = ?", (name,)).fetchone()  # noqa: S608
        return HostState(*row) if row else HostState()

    def update_host(self, name: str, **values: Any) -> None:
        """Set some of a host's values."""
        names = list(values)
        with self._store.writing():
            self._db.execute("insert or ignore into hosts (host) values (?)", (name,))
            self._db.execute(
                f"update hosts set {', '.join(f'{n} = ?' for n in names)} where host = ?",  # noqa: S608 - our names
                (*values.values(), name),
            )

    def count_request(self, name: str) -> int:
        """Count a request to a host; return how many there were today."""
        today = utc_now()[:10]
        state = self.host(name)
        requests = state.requests + 1 if state.day == today else 1
        self.update_host(name, day=today, requests=requests)
        return requests

    def requests_today(self, name: str) -> int:
        """How many requests a host had today."""
        state = self.host(name)
        return state.requests if state.day == utc_now()[:10] else 0

    def closed_hosts(self) -> list[tuple[str, str, str]]:
        """`(host, until, why)` of the hosts that are not to be asked now."""
        sql = "select host, closed_until, closed_why from hosts where closed_until > ?"
        return [tuple(row) for row in self._db.execute(sql, (utc_now(),))]

    # runs

    def begin_run(self, source: str) -> int:
        """A run begins; return its number."""
        with self._store.writing():
            sql = "insert into runs (source, started_at) values (?, ?)"
            return int(self._db.execute(sql, (source, utc_now())).lastrowid or 0)

    def end_run(self, run: int, outcome: str, report: dict[str, Any]) -> None:
        """A run ended: `ok`, `drift`, `unknown`, `stopped` or `failed`."""
        with self._store.writing():
            self._db.execute(
                "update runs set ended_at = ?, outcome = ?, report = ? where id = ?",
                (utc_now(), outcome, json.dumps(report), run),
            )
            self._db.execute("delete from runs where id <= (select max(id) from runs) - 1000")

    def last_runs(self) -> list[dict[str, Any]]:
        """For each source: its last run, its outcome, and the last that went well."""
        sql = (
            "select source, max(started_at),"
            " (select outcome from runs r where r.source = runs.source order by id desc limit 1),"
            " max(case when outcome = 'ok' then ended_at end), count(*) from runs group by source order by source"
        )
        names = ("source", "last_run", "outcome", "last_success", "runs")
        return [dict(zip(names, row, strict=True)) for row in self._db.execute(sql)]

    # drift

    def baseline(self, kind: str, parser: int) -> dict[str, tuple[str, float]]:
        """For each field of a kind of page: the layer that gave it on sound pages, and its coverage there."""
        sql = "select field, layer, coverage from baselines where kind = ? and parser = ?"
        return {field: (layer, coverage) for field, layer, coverage in self._db.execute(sql, (kind, parser))}

    def set_baseline(self, kind: str, parser: int, values: dict[str, tuple[str, float]]) -> None:
        """Remember what sound pages of a kind look like."""
        rows = [(kind, field, parser, layer, coverage) for field, (layer, coverage) in values.items()]
        with self._store.writing():
            self._db.executemany("insert or replace into baselines values (?, ?, ?, ?, ?)", rows)

    def shapes(self, kind: str) -> dict[str, list[str]]:
        """The fingerprints of a kind of page that were seen, by hash, oldest first."""
        sql = "select hash, features from shapes where kind = ? order by first_seen, hash"
        return {hash: json.loads(features) for hash, features in self._db.execute(sql, (kind,))}

    def add_shape(self, kind: str, hash: str, features: Iterable[str]) -> None:
        """Remember a fingerprint."""
        with self._store.writing():
            self._db.execute(
                "insert or ignore into shapes values (?, ?, ?, ?)", (kind, hash, utc_now(), json.dumps(list(features)))
            )


def _row(address: str, key: str, active: str | None) -> Row:
    return Row(address, key, active=_span(active))


def _written(active: Span | None) -> str | None:
    """A span of time as ISO 8601 writes it."""
    return "/".join(active) if active else None


def _span(written: str | None) -> Span | None:
    return Span(*written.split("/")) if written else None


def later(**span: float) -> str:
    """The time some days, hours or seconds from now, ISO 8601."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(**span)).replace(microsecond=0).isoformat()
