"""The store: captures, documents and vectors already embedded, in one SQLite file of the user's.

A capture is committed before it is parsed, so that a run that is killed loses nothing: what was kept and not yet
parsed is parsed by the next run. Writers wait for each other; readers never wait.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.captures import Capture, utc_now
from kb.documents import Document
from kb.encoder import Vector
from kb.errors import NekbError

SCHEMA_VERSION = 1
_SCHEMA = """
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


@dataclass(frozen=True)
class KeptCapture:
    """A capture of the store with its id and what became of it: `kept`, `parsed` or `unknown`."""

    id: int
    capture: Capture
    state: str


class Store:
    """The user's store. Raises `NekbError` where its file cannot be used."""

    def __init__(self, home: Path) -> None:
        self.path = home / "store.db"
        try:
            home.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
            self._check_version()
        except (sqlite3.DatabaseError, OSError) as error:
            raise NekbError(
                f"The store {self.path} cannot be used: {error}.",
                "Check the disk and its permissions, or move the file away to begin anew.",
                code="store",
            ) from error

    def _check_version(self) -> None:
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise NekbError(
                f"The store {self.path} was written by a newer nekb (schema {version}).",
                "Update nekb.",
                code="store",
            )
        self._db.execute(f"pragma user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def keep(self, capture: Capture) -> KeptCapture:
        """Commit a capture. The same bytes of the same address are kept once."""
        with self.writing():
            self._db.execute(
                "insert or ignore into captures (address, source, fetched_at, sha256, body) values (?, ?, ?, ?, ?)",
                (
                    capture.address,
                    capture.source,
                    capture.fetched_at,
                    capture.sha256,
                    zlib.compress(capture.body, 6),
                ),
            )
        row = self._db.execute(
            "select id, state, fetched_at from captures where address = ? and sha256 = ?",
            (capture.address, capture.sha256),
        ).fetchone()
        kept = Capture(capture.address, capture.source, row[2], capture.body)
        return KeptCapture(row[0], kept, row[1])

    def unparsed(self) -> Iterator[KeptCapture]:
        """Captures that were kept and not parsed yet, oldest first."""
        yield from self._captures("where state = 'kept'")

    def all_captures(self) -> Iterator[KeptCapture]:
        """Every capture, oldest first, for a parser that was mended."""
        yield from self._captures("")

    def _captures(self, where: str) -> Iterator[KeptCapture]:
        sql = f"select id, address, source, fetched_at, body, state from captures {where} order by id"  # noqa: S608
        for id, address, source, fetched_at, body, state in self._db.execute(sql).fetchall():
            yield KeptCapture(id, Capture(address, source, fetched_at, zlib.decompress(body)), state)

    def settle(
        self,
        capture: KeptCapture,
        state: str,
        kind: str,
        documents: Iterable[Document],
        note: str | None = None,
    ) -> dict[str, int]:
        """Record in one transaction what a capture turned out to be and the documents it gave.

        Returns how many documents were `new`, `changed` and `unchanged`.
        """
        counts = {"new": 0, "changed": 0, "unchanged": 0}
        with self.writing():
            for document in documents:
                counts[self._put(document, capture.id)] += 1
            self._db.execute(
                "update captures set state = ?, kind = ?, note = ? where id = ?",
                (state, kind, note, capture.id),
            )
        return counts

    def _put(self, document: Document, capture: int) -> str:
        found = self._db.execute("select hash from documents where id = ?", (document.id,)).fetchone()
        if found and found[0] == document.content_hash:
            return "unchanged"
        body = json.dumps(document.to_json(), ensure_ascii=False)
        now = utc_now()
        self._db.execute(
            "insert into documents (id, source, hash, body, capture, first_seen, last_changed) values (?, ?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set hash = excluded.hash, body = excluded.body, capture = excluded.capture,"
            " source = excluded.source, last_changed = excluded.last_changed",
            (document.id, document.source, document.content_hash, body, capture, now, now),
        )
        return "changed" if found else "new"

    def documents(self) -> Iterator[Document]:
        """Every document, by id."""
        for (body,) in self._db.execute("select body from documents order by id").fetchall():
            yield Document.from_json(json.loads(body))

    def counts(self) -> dict[str, int]:
        """How many captures and documents are held."""
        out = {}
        for table in ("captures", "documents", "vectors"):
            (out[table],) = self._db.execute(f"select count(*) from {table}").fetchone()  # noqa: S608
        return out

    def vectors(self, hashes: list[str], model: str) -> dict[str, Vector]:
        """Vectors embedded before, by the hash of their text."""
        found: dict[str, Vector] = {}
        for at in range(0, len(hashes), 500):
            part = hashes[at : at + 500]
            marks = ",".join("?" * len(part))
            sql = f"select text_hash, vector from vectors where model = ? and text_hash in ({marks})"  # noqa: S608
            for text_hash, blob in self._db.execute(sql, (model, *part)):
                found[text_hash] = np.frombuffer(blob, dtype=np.float32)
        return found

    def keep_vectors(self, vectors: dict[str, Vector], model: str) -> None:
        """Keep vectors, so that no text is embedded twice."""
        rows = [(h, model, np.asarray(v, dtype=np.float32).tobytes()) for h, v in vectors.items()]
        with self.writing():
            self._db.executemany("insert or replace into vectors (text_hash, model, vector) values (?, ?, ?)", rows)
