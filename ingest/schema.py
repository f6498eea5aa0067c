"""The tables of the store and how an older store becomes a newer one."""

from __future__ import annotations

import sqlite3

VERSION = 3
_FIRST = """
create table if not exists captures (
    id integer primary key, address text not null, source text not null, fetched_at text not null,
    sha256 text not null, body blob not null, state text not null default 'kept', kind text, note text,
    unique (address, sha256)
);
create table if not exists documents (
    id text primary key, source text not null, hash text not null, body text not null,
    capture integer references captures (id), first_seen text not null, last_changed text not null
);
create table if not exists vectors (
    text_hash text not null, model text not null, vector blob not null, primary key (text_hash, model)
) without rowid;
"""
# What a capture gave is read again under the new tables: its state goes back to `kept`.
_SECOND = """
alter table captures add column parser integer not null default 0;
alter table captures add column gave integer not null default 0;
alter table documents add column gone_at text;
alter table documents add column folded_into text;
alter table documents add column sketch blob;
update captures set state = 'kept';
create index captures_state on captures (state);
create table parts (
    document text not null, part text not null, capture integer not null references captures (id),
    seen_at text not null, sound integer not null, pages integer not null, body text not null,
    primary key (document, part)
) without rowid;
create index parts_capture on parts (capture);
create table addresses (
    address text primary key, source text not null, row_key text, etag text, last_modified text, fetched_at text,
    status integer, failures integer not null default 0, retry_at text
) without rowid;
create table pending (
    address text primary key, source text not null, row_key text not null, added integer not null
) without rowid;
create table walks (start text primary key, next_page text) without rowid;
create table hosts (
    host text primary key, closed_until text, closed_why text, robots text, robots_at text, day text,
    requests integer not null default 0
) without rowid;
create table runs (
    id integer primary key, source text not null, started_at text not null, ended_at text, outcome text, report text
);
create table baselines (
    kind text not null, field text not null, parser integer not null, layer text not null, coverage real not null,
    primary key (kind, field, parser)
) without rowid;
create table shapes (
    kind text not null, hash text not null, first_seen text not null, features text not null, primary key (kind, hash)
) without rowid;
"""
# `page` is what a capture is a page of, whatever file it came in; `active` an interval of ISO 8601.
_THIRD = """
alter table captures add column page text;
update captures set page = address;
create index captures_page on captures (page);
alter table addresses add column active text;
alter table pending add column active text;
"""
_STEPS = (_FIRST, _SECOND, _THIRD)


class NewerStoreError(Exception):
    """The file was written by a newer nekb; the argument is its schema version."""


class OlderStoreError(Exception):
    """The file was written by an older nekb, and is only to be read."""


def require_this_version(db: sqlite3.Connection) -> None:
    """Refuse a file that would have to be changed first."""
    version = _version(db)
    if version > VERSION:
        raise NewerStoreError(version)
    if version < VERSION:
        raise OlderStoreError(version)


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables, or change those of an older version, in one transaction."""
    version = _version(db)
    if version == VERSION:
        return
    if version > VERSION:
        raise NewerStoreError(version)
    db.execute("begin immediate")
    try:
        for step in _STEPS[_version(db) :]:  # another run may have done it meanwhile
            for statement in step.split(";"):
                if statement.strip():
                    db.execute(statement)
        db.execute(f"pragma user_version = {VERSION}")
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])
