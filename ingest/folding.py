"""Near-duplicates: a dump's row and the thread it came from, a question that was posted twice.

Two questions are compared by bottom-k sketches of their five-word runs (Broder, "On the resemblance and containment
of documents", 1997): the share of equal hashes among the smallest of both estimates how much of the text is shared.
A document that says nothing but its question is folded into one that says the same and more; one that holds replies or
has an address where some are counted never is, so no answer is lost.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kb.documents import Document, fold

KEPT = 64  # hashes a sketch
RUN = 5  # words
BANDS = 6  # of the smallest hashes, one of which two near-duplicates share
ALIKE = 0.8  # estimated resemblance of two questions
ALIKE_WITH_TITLE = 0.35  # the same, under one title, where one is no thread of its own: a dump flattens, a feed cuts
_WORD = re.compile(r"\w+")


def sketch(document: Document) -> bytes:
    """The smallest hashes of the question's word runs, sorted; eight bytes each."""
    body = document.posts[0].body if document.posts else ""
    words = _WORD.findall(fold(body))[:2000]
    runs = {" ".join(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))} if words else set()
    hashes = sorted(int.from_bytes(hashlib.blake2b(r.encode(), digest_size=8).digest()) for r in runs)
    return array("Q", hashes[:KEPT]).tobytes()


def resemblance(one: frozenset[int], other: frozenset[int]) -> float:
    """The estimated share of word runs that two texts have in common, 0 to 1."""
    smallest = sorted(one | other)[:KEPT]
    return sum(h in one and h in other for h in smallest) / len(smallest) if smallest else 0.0


@dataclass(frozen=True)
class _Entry:
    id: str
    title: str
    hashes: frozenset[int]
    own: bool  # a thread with an address, which is another than any other thread's
    answered: bool
    rank: tuple[int, int, str]


def fold_duplicates(db: sqlite3.Connection) -> int:
    """Mark every near-duplicate with the document it is folded into; return how many there are.

    Belongs inside a transaction.
    """
    entries = {e.id: e for e in _entries(db)}
    into: dict[str, str] = {}
    for one, other in _candidates(entries.values()):
        poorer, better = sorted((entries[one], entries[other]), key=lambda e: e.rank)
        if poorer.answered or poorer.id in into:
            continue
        copied = poorer.title == better.title and not (poorer.own and better.own)
        if resemblance(poorer.hashes, better.hashes) >= (ALIKE_WITH_TITLE if copied else ALIKE):
            into[poorer.id] = better.id
    held = dict(db.execute("select id, folded_into from documents where folded_into is not null").fetchall())
    wanted = {id: _last(id, into) for id in into}
    changes = [(wanted.get(id), id) for id in held.keys() | wanted.keys() if held.get(id) != wanted.get(id)]
    db.executemany("update documents set folded_into = ? where id = ?", changes)
    return len(wanted)


def _last(id: str, into: dict[str, str]) -> str:
    """Where a chain of foldings ends."""
    while id in into:
        id = into[id]
    return id


def _entries(db: sqlite3.Connection) -> Iterator[_Entry]:
    sql = "select id, body, sketch from documents where gone_at is null and sketch is not null"
    for id, body, blob in db.execute(sql):
        raw = json.loads(body)
        hashes: array[int] = array("Q")
        hashes.frombytes(blob)
        own = bool(raw["url"]) and raw["kind"] != "feed-item"
        known = 2 if own else 1 if raw["url"] else 0
        answered = len(raw["posts"]) > 1 or (own and raw["replies"] is not None and raw["replies"]["low"] > 0)
        rank = (known, len(raw["posts"]), f"{raw['captured'] or ''}{id}")
        if not id.startswith("unverified-") and raw["kind"] not in ("documentation", "technote"):
            yield _Entry(id, fold(raw["title"]), frozenset(hashes), own, answered, rank)


def _candidates(entries: Iterable[_Entry]) -> Iterator[tuple[str, str]]:
    """Pairs worth comparing: the same title, or one of their smallest hashes in common."""
    groups: dict[str | int, list[_Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.title].append(entry)
        for value in sorted(entry.hashes)[:BANDS]:
            groups[value].append(entry)
    for group in groups.values():
        group.sort(key=lambda e: e.rank, reverse=True)
        best = group[: min(len(group), 20)]
        yield from ((best[i].id, e.id) for i in range(min(3, len(best))) for e in group[i + 1 :])
