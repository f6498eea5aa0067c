"""The files of a snapshot beside its indexes: passages, documents, what is read as it is; their sizes and hashes."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ingest.build.inputs import Inputs
from kb.documents import Document, Head, Passage
from kb.matching.threads import day_of, lift_of
from kb.signals import SignalTables, read_signals
from kb.snapshot import HEAD_COLUMNS, file_hash


def write_passages(
    folder: Path, spaces: dict[str, list[Passage]], documents: list[Document], heads: dict[str, Head]
) -> None:
    """Write `passages.db`: passages of each space in the order of their rows, documents by number, links.

    Beside the indexes of the documents go the number of each row's document, and what its standing rests on.
    """
    numbers = {d.id: number for number, d in enumerate(documents)}
    db = sqlite3.connect(folder / "passages.db")
    with db:
        db.execute(
            "create table passages (space text, row integer, owner text, kind text, text text,"
            " primary key (space, row)) without rowid"
        )
        for name, passages in spaces.items():
            rows = ((name, at, p.owner, p.kind, p.text) for at, p in enumerate(passages))
            db.executemany("insert into passages values (?, ?, ?, ?, ?)", rows)
        db.execute(f"create table documents (number integer primary key, {', '.join(HEAD_COLUMNS)}, unique (id))")
        marks = ", ".join("?" * (len(HEAD_COLUMNS) + 1))
        db.executemany(f"insert into documents values ({marks})", ((numbers[d.id], *heads[d.id]) for d in documents))  # noqa: S608
        db.execute("create table bodies (id text primary key, body text) without rowid")
        bodies = ((d.id, json.dumps(d.to_json(), ensure_ascii=False)) for d in documents)
        db.executemany("insert into bodies values (?, ?)", bodies)
        db.execute("create table links (url text, document text, primary key (url, document)) without rowid")
        links = ((url, d.id) for d in documents for url in set(d.links))
        db.executemany("insert into links values (?, ?)", links)
    db.close()
    np.save(folder / "documents" / "numbers.npy", np.array([numbers[p.owner] for p in spaces["documents"]], np.int32))
    np.save(folder / "documents" / "lifts.npy", np.array([lift_of(heads[d.id]) for d in documents], np.float32))
    np.save(folder / "documents" / "days.npy", np.array([day_of(heads[d.id]) for d in documents], np.int32))


def head_of(d: Document, tables: SignalTables) -> Head:
    """What a list shows of a document; its platforms are those that its text names."""
    text = f"{d.title}\n" + "\n".join(p.body for p in d.posts)
    platforms = sorted({s.value for s in read_signals(text, tables) if s.kind == "platform"})
    return Head(
        d.id,
        d.title,
        d.url,
        d.kind,
        d.apple_replied,
        d.accepted,
        d.shown_activity,
        d.captured,
        d.topic,
        d.source,
        " ".join(platforms),
        d.day,
        d.weight,
    )


def write_json(folder: Path, inputs: Inputs) -> None:
    """Write what an answer reads as it is: cards, resources, signal tables, the weights of the ranking."""
    parts = {
        "cards": [c.to_dict() for c in inputs.cards],
        "resources": {id: r.link.to_dict() for id, r in inputs.resources.items()},
        "signals": inputs.tables,
        "weights": inputs.weights,
    }
    for name, value in parts.items():
        (folder / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.endswith(".lock"):
            yield file.relative_to(folder).as_posix(), file


def sizes(folder: Path) -> dict[str, int]:
    """The bytes of each file, by its name."""
    return {name: file.stat().st_size for name, file in _files(folder)}


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its name."""
    return {name: file_hash(file) for name, file in _files(folder)}


def sync(folder: Path) -> None:
    """Reach the disk before the rename does, so that a power cut cannot publish an empty file."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
