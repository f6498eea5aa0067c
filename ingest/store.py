"""The store: captures, documents and vectors already embedded, in one SQLite file of the user's.

A capture is committed before it is parsed, so that a run that is killed loses nothing: what was kept and not yet
parsed is parsed by the next run. Writers wait for each other; readers never wait.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np

from ingest.assembling import SeenPart, assemble, not_aged
from ingest.captures import Capture, utc_now
from ingest.clock import bring_back, ran_ahead
from ingest.folding import sketch
from ingest.parsing.page import Part
from ingest.room import no_room, tells_of_no_room
from ingest.schema import NewerStoreError, OlderStoreError, bring_up_to_date, require_this_version
from kb.documents import Document
from kb.encoder import Vector
from kb.errors import NekbError
from kb.journal import open_unwritable, write_ahead

_WAIT = 30  # seconds for another that holds the file


@dataclass(frozen=True)
class KeptCapture:
    """A capture of the store with its id and what became of it. One that `failed` is tried again when it is seen again.

    `state` is `kept`, `parsed`, `drifted`, `unknown` or `failed`. `settled` says that this version of the parser has
    read just these bytes before and nothing has been seen of them since; `gave` how many documents it gave then.
    `lost` says that the store cannot unpack its bytes any more; the capture's body is then empty.
    """

    id: int
    capture: Capture
    state: str
    settled: bool = False
    gave: int = 0
    lost: bool = False


# Of a capture `c`: that the same page was seen since, and was sound then.
SUPERSEDED = (
    "exists (select 1 from captures s where s.page = c.page and s.state = 'parsed'"
    " and (s.fetched_at, s.id) > (c.fetched_at, c.id))"
)

# The documents of whose own pages a capture is one; of a list that leads to what is gone it says nothing.
_SHOWN = "(select document from parts where capture = ? and part like 'page:%')"


class Store:
    """The user's store. Raises `NekbError` where its file cannot be used, on opening it and inside its `with`.

    `ahead` is the latest time that a clock which ran ahead had left there; opening it for writing mends that.
    """

    def __init__(self, home: Path, *, reading: bool = False) -> None:
        """Open it; for `reading` it need not be writable, and is left as it is."""
        self.path = home / "store.db"
        self.ahead: str | None = None
        writable = not reading or (os.access(home, os.W_OK) and os.access(self.path, os.W_OK))
        try:
            self.db = self._opened() if writable else open_unwritable(self.path, _WAIT)
            if writable:
                bring_up_to_date(self.db)
            else:
                require_this_version(self.db)
            if not reading:
                self.ahead = ran_ahead(self.db)
                if self.ahead:
                    with self.writing():
                        bring_back(self.db)
        except (NewerStoreError, OlderStoreError) as error:
            raise self._of_another_version(error) from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise self.unusable(error) from error

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        write_ahead(db, _WAIT)
        db.execute("pragma synchronous = full")
        return db

    def _of_another_version(self, error: Exception) -> NekbError:
        if isinstance(error, NewerStoreError):
            what, remedy = f"a newer nekb (schema {error.args[0]})", "Update nekb."
        else:
            what = f"an older nekb (schema {error.args[0]}), and nothing can be written there"
            remedy = "Run the same command as somebody who may write there."
        return NekbError(f"The store {self.path} was written by {what}.", remedy, code="store")

    def unusable(self, error: Exception) -> NekbError:
        """What to tell a person of an error of SQLite's."""
        if tells_of_no_room(error, self.path):
            return no_room(self.path)
        no_store = any(word in str(error) for word in ("malformed", "not a database"))
        return NekbError(
            f"The store {self.path} cannot be used: {error}.",
            "Restore it from a copy, or move it away to begin anew."
            if no_store
            else "Check that the disk has room and lets you write there, then run the same command again.",
            code="store",
        )

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.close()
        if _is_of_the_file(error):
            raise self.unusable(error) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it or nothing. Inside another one it is part of that."""
        if self.db.in_transaction:
            yield
            return
        try:
            self.db.execute("begin immediate")
            yield
            self.db.execute("commit")
        except BaseException as error:
            if self.db.in_transaction:
                self.db.execute("rollback")
            if _is_of_the_file(error):
                raise self.unusable(error) from error
            raise

    @contextmanager
    def trying(self) -> Iterator[None]:
        """A part of a transaction that is undone alone where it fails; the error goes on to the caller."""
        with self.writing():
            self.db.execute("savepoint trying")
            try:
                yield
            except BaseException:
                if self.db.in_transaction:  # SQLite itself may have undone all of it
                    self.db.execute("rollback to trying")
                raise
            finally:
                if self.db.in_transaction:
                    self.db.execute("release trying")

    def keep(self, capture: Capture, parser: int = 0) -> KeptCapture:
        """Commit a capture. The same bytes of the same address are kept once, with the time they were last seen."""
        return self.keep_all([capture], parser)[0]

    def keep_all(self, captures: Sequence[Capture], parser: int = 0) -> list[KeptCapture]:
        """Commit several at once."""
        with self.writing():
            return [self._keep(capture, parser) for capture in captures]

    def _keep(self, capture: Capture, parser: int) -> KeptCapture:
        sql = "select id, state, fetched_at, parser, gave from captures where address = ? and sha256 = ?"
        key = (capture.address, capture.sha256)
        row = self.db.execute(sql, key).fetchone()
        if row is None:
            self.db.execute(
                "insert into captures (address, page, source, fetched_at, sha256, body) values (?, ?, ?, ?, ?, ?)",
                (
                    capture.address,
                    capture.address,
                    capture.source,
                    capture.fetched_at,
                    capture.sha256,
                    _packed(capture.body),
                ),
            )
            row = self.db.execute(sql, key).fetchone()
        elif row[1] == "failed":  # it may have failed because the body of before is damaged
            self.db.execute("update captures set body = ? where id = ?", (_packed(capture.body), row[0]))
        later = capture.fetched_at > row[2]
        if later:
            self.db.execute("update captures set fetched_at = ? where id = ?", (capture.fetched_at, row[0]))
        kept = Capture(capture.address, capture.source, max(row[2], capture.fetched_at), capture.body)
        read = row[1] not in ("kept", "failed") and row[3] == parser
        if capture.fetched_at == row[2]:  # times are in seconds: it may have been withdrawn since, within this one
            self.db.execute(
                f"update documents set gone_at = null where gone_at = ? and id in {_SHOWN}",  # noqa: S608 - ours
                (capture.fetched_at, row[0]),
            )
        settled = read and (not later or self._still_holds(row[0], kept.fetched_at))
        return KeptCapture(row[0], kept, row[1], settled, row[4])

    def _still_holds(self, id: int, seen_at: str) -> bool:
        """Whether everything that a capture gave is still what counts; it was then just seen again."""
        gave, held = self.db.execute(
            "select gave, (select count(*) from parts where capture = captures.id) from captures where id = ?", (id,)
        ).fetchone()
        if gave != held or not gave:
            return False
        self.db.execute("update parts set seen_at = ? where capture = ?", (seen_at, id))
        self.db.execute(
            f"update documents set gone_at = null where gone_at <= ? and id in {_SHOWN}",  # noqa: S608 - ours
            (seen_at, id),
        )
        return True

    def unparsed(self) -> Iterator[KeptCapture]:
        """Captures that were kept and not parsed yet, oldest first."""
        yield from self._captures("where state = 'kept'")

    def all_captures(self) -> Iterator[KeptCapture]:
        """Every capture, oldest first, for a parser that was mended."""
        yield from self._captures("")

    def _captures(self, where: str) -> Iterator[KeptCapture]:
        """Read one at a time: all of them may be more than memory holds."""
        ids = self.db.execute(f"select id from captures {where} order by fetched_at, id").fetchall()  # noqa: S608
        sql = "select address, source, fetched_at, body, state, gave from captures where id = ?"
        for (id,) in ids:
            address, source, fetched_at, body, state, gave = self.db.execute(sql, (id,)).fetchone()
            whole = _unpacked(body)
            capture = Capture(address, source, fetched_at, whole or b"")
            yield KeptCapture(id, capture, state, gave=gave, lost=whole is None)

    def last_sound(self, address: str) -> Capture | None:
        """The sound capture of an address that was seen last; None too where its bytes are damaged."""
        sql = "select address, source, fetched_at, body from captures where address = ? and state = 'parsed'"
        row = self.db.execute(f"{sql} order by fetched_at desc, id desc limit 1", (address,)).fetchone()
        body = _unpacked(row[3]) if row else None
        return Capture(row[0], row[1], row[2], body) if body is not None else None

    def settle(
        self, kept: KeptCapture, state: str, kind: str, parts: Iterable[Part], *,
        page: str | None = None, note: str | None = None, sound: bool = True, parser: int = 0,
    ) -> dict[str, str]:  # fmt: skip
        """Record in one transaction what a capture turned out to be and what it says of documents.

        `page` is what it is a page of, where that is known. What a page that is not `sound` says is taken only where
        nothing sound is held. Returns whether each document was `new`, `changed` or `unchanged`.
        """
        outcomes: dict[str, str] = {}
        given = list(parts)
        with self.writing():
            touched = dict.fromkeys(part.document.id for part in given)
            if sound:
                touched |= dict.fromkeys(self._drop_stale(kept.id, {part.key for part in given}))
            held = sum(self._put_part(part, kept, sound) for part in given)
            for document in touched:
                if outcome := self._reassemble(document, kept):
                    outcomes[document] = outcome
            self.db.execute(
                "update captures set page = coalesce(?, page), state = ?, kind = ?, note = ?, parser = ?, gave = ?"
                " where id = ?",
                (page, state, kind, note, parser, held, kept.id),
            )
        return outcomes

    def given_by(self, capture: int) -> list[str]:
        """The documents of which a capture is what counts."""
        return [row[0] for row in self.db.execute("select document from parts where capture = ?", (capture,))]

    def superseded(self, capture: int) -> bool:
        """Whether the page of a capture was seen since, and was sound."""
        sql = f"select {SUPERSEDED} from captures c where id = ?"  # noqa: S608 - our own words
        return bool(self.db.execute(sql, (capture,)).fetchone()[0])

    def _drop_stale(self, capture: int, given: set[tuple[str, str]]) -> list[str]:
        """Forget what an earlier reading of the same capture gave and this one does not."""
        held = self.db.execute("select document, part from parts where capture = ?", (capture,)).fetchall()
        stale = [key for key in held if tuple(key) not in given]
        self.db.executemany("delete from parts where document = ? and part = ?", stale)
        return [document for document, _ in stale]

    def _put_part(self, part: Part, kept: KeptCapture, sound: bool) -> bool:
        """Take a part unless something newer or something sounder is held; say whether it was taken."""
        seen_at = kept.capture.fetched_at
        held = self.db.execute(
            "select max(sound), max(case when part = ? then seen_at end) from parts where document = ?",
            (part.part, part.document.id),
        ).fetchone()
        if (held[0] and not sound) or (held[1] and held[1] > seen_at):
            return False
        body = json.dumps(part.document.to_json(), ensure_ascii=False)
        self.db.execute(
            "insert or replace into parts (document, part, capture, seen_at, sound, pages, body)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (part.document.id, part.part, kept.id, seen_at, sound, part.pages, body),
        )
        return True

    def _reassemble(self, id: str, kept: KeptCapture) -> str | None:
        rows = self.db.execute("select part, seen_at, pages, body from parts where document = ?", (id,)).fetchall()
        if not rows:
            self.db.execute("delete from documents where id = ?", (id,))
            return None
        last = max((r for r in rows if r[0].startswith("page:")), key=lambda r: r[1], default=None)
        beyond = [r for r in rows if last and r[0].startswith("page:") and int(r[0][5:]) > last[2]]
        self.db.executemany("delete from parts where document = ? and part = ?", [(id, r[0]) for r in beyond])
        seen = [SeenPart(r[0], r[1], Document.from_json(json.loads(r[3]))) for r in rows if r not in beyond]
        own = max((s.seen_at for s in seen if s.part.startswith("page:")), default="")
        return self._put(assemble(seen), kept, own)

    def _put(self, document: Document, kept: KeptCapture, own: str) -> str:
        """Hold a document, of which an own page was last seen at some time.

        One that is gone comes back where that was since, or something since has news of it: a list may go on leading to
        a thread that was deleted.
        """
        found = self.db.execute(
            "select hash, gone_at, json_extract(body, '$.activity'), json_extract(body, '$.captured')"
            " from documents where id = ?",
            (document.id,),
        ).fetchone()
        if found:
            document = not_aged(document, found[2], found[3], found[0])
        hash, gone_at = document.content_hash, found[1] if found else None
        if gone_at and gone_at <= (max(own, kept.capture.fetched_at) if hash != found[0] else own):
            gone_at = None
        body = json.dumps(document.to_json(), ensure_ascii=False)
        if found and found[:2] == (hash, gone_at):
            self.db.execute("update documents set body = ? where id = ? and body != ?", (body, document.id, body))
            return "unchanged"
        now = utc_now()
        self.db.execute(
            "insert into documents (id, source, hash, body, capture, first_seen, last_changed, sketch, gone_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set hash = excluded.hash, body = excluded.body, capture = excluded.capture,"
            " source = excluded.source, last_changed = excluded.last_changed, sketch = excluded.sketch,"
            " gone_at = excluded.gone_at, folded_into = null",
            (document.id, document.source, hash, body, kept.id, now, now, sketch(document), gone_at),
        )
        return "changed" if found else "new"

    def withdraw(self, url: str) -> int:
        """Mark the document with an address as gone: its page is no longer there. Returns how many there were."""
        with self.writing():
            done = self.db.execute(
                "update documents set gone_at = ? where gone_at is null and json_extract(body, '$.url') = ?",
                (utc_now(), url),
            )
        return done.rowcount

    def documents(self) -> Iterator[Document]:
        """Every document that counts, by id: not those that are gone or near-duplicates of another."""
        sql = "select body from documents where gone_at is null and folded_into is null order by id"
        for (body,) in self.db.execute(sql).fetchall():
            yield Document.from_json(json.loads(body))

    def counts(self) -> dict[str, int]:
        """How many captures and documents are held."""
        out = {}
        for table in ("captures", "documents", "vectors"):
            (out[table],) = self.db.execute(f"select count(*) from {table}").fetchone()  # noqa: S608
        return out

    def vectors(self, hashes: list[str], model: str) -> dict[str, Vector]:
        """Vectors embedded before, by the hash of their text."""
        found: dict[str, Vector] = {}
        for at in range(0, len(hashes), 500):
            part = hashes[at : at + 500]
            marks = ",".join("?" * len(part))
            sql = f"select text_hash, vector from vectors where model = ? and text_hash in ({marks})"  # noqa: S608
            for text_hash, blob in self.db.execute(sql, (model, *part)):
                found[text_hash] = np.frombuffer(blob, dtype=np.float32)
        return found

    def keep_vectors(self, vectors: dict[str, Vector], model: str) -> None:
        """Keep vectors, so that no text is embedded twice."""
        rows = [(h, model, np.asarray(v, dtype=np.float32).tobytes()) for h, v in vectors.items()]
        with self.writing():
            self.db.executemany("insert or replace into vectors (text_hash, model, vector) values (?, ?, ?)", rows)


def _packed(body: bytes) -> bytes:
    return zlib.compress(body, 6)


def _unpacked(body: bytes) -> bytes | None:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return None


def _is_of_the_file(error: BaseException | None) -> TypeGuard[sqlite3.DatabaseError]:
    """Whether an error of SQLite's says something of the file, and not of a statement of ours."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
