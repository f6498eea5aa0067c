"""Corpora for measuring: a real snapshot's passages, and as many documents made of them as wanted."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from kb.encoder import Vector
from kb.lexical import write_lexical
from kb.matching.threads import UNDATED
from kb.snapshot import HEAD_COLUMNS, Snapshot
from kb.vectors import write_vectors

NOISE = 0.6  # length of the noise beside a text's vector of length 1


def passages(snapshot: Snapshot, *, phrasings: bool = True) -> list[tuple[str, str]]:
    """Owner and text of every guidance passage, or of what the cards themselves say."""
    db = sqlite3.connect(snapshot.folder / "passages.db")
    kinds = "" if phrasings else "and kind != 'phrasing'"
    sql = f"select owner, text from passages where space = 'guidance' {kinds} order by row"
    return db.execute(sql).fetchall()


def made_texts(real: list[tuple[str, str]], count: int, seed: int) -> Iterator[str]:
    """Texts that begin like one passage and end like another, so that words keep their frequencies."""
    draw = random.Random(seed)
    split = [text.split() for _, text in real]
    for _ in range(count):
        a, b = draw.choice(split), draw.choice(split)
        yield " ".join([*a[: len(a) // 2 + 1], *b[len(b) // 2 :]])


def made_vectors(real: Vector, count: int, seed: int) -> Vector:
    """Unit vectors around those of real texts, so that they cluster as texts do."""
    draw = np.random.default_rng(seed)
    out = np.empty((count, real.shape[1]), dtype=np.float32)
    for at in range(0, count, 50_000):
        part = real[draw.integers(0, len(real), min(50_000, count - at))]
        part = part + draw.standard_normal(part.shape, dtype=np.float32) * (NOISE / np.sqrt(real.shape[1]))
        out[at : at + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return out


def grow(snapshot: Snapshot, folder: Path, count: int) -> tuple[Vector, dict[str, float]]:
    """Write a snapshot with the same guidance and `count` documents of one passage each.

    Their vectors come back, and the seconds that the vector index, the lexical index and the database took.
    """
    left_out = shutil.ignore_patterns("documents", "passages.db", "manifest.json")
    shutil.copytree(snapshot.folder, folder, ignore=left_out, dirs_exist_ok=True)
    real = passages(snapshot)
    vectors = made_vectors(real_vectors(snapshot), count, seed=count)
    texts = list(made_texts(real, count, seed=count))
    (folder / "documents").mkdir()
    started = time.perf_counter()
    kind = write_vectors(folder / "documents" / "vectors.faiss", vectors)
    indexed = time.perf_counter()
    write_lexical(folder / "documents" / "lexical", [("", text) for text in texts])
    worded = time.perf_counter()
    _write_rows(snapshot.folder / "passages.db", folder / "passages.db", texts)
    np.save(folder / "documents" / "numbers.npy", np.arange(count, dtype=np.int32))
    np.save(folder / "documents" / "lifts.npy", np.zeros(count, dtype=np.float32))
    np.save(folder / "documents" / "days.npy", np.full(count, UNDATED, dtype=np.int32))
    seconds = {"vectors": indexed - started, "lexical": worded - indexed, "rows": time.perf_counter() - worded}
    files = {f.relative_to(folder).as_posix(): f.stat().st_size for f in folder.rglob("*") if _counts(f)}
    manifest = replace(
        snapshot.manifest,
        documents=count,
        passages=snapshot.manifest.passages | {"documents": count},
        vectors=snapshot.manifest.vectors | {"documents": kind},
        files=files,
    )
    (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    return vectors, seconds


def _counts(file: Path) -> bool:
    return file.is_file() and not file.name.endswith(".lock")


def real_vectors(snapshot: Snapshot) -> Vector:
    """The vectors of the guidance passages as FAISS gives them back."""
    import faiss

    index = faiss.read_index(str(snapshot.folder / "guidance" / "vectors.faiss"))
    vectors: Vector = index.reconstruct_n(0, index.ntotal)
    return vectors


def _write_rows(source: Path, target: Path, texts: list[str]) -> None:
    """The database of a snapshot with its documents replaced."""
    shutil.copyfile(source, target)
    db = sqlite3.connect(target)
    with db:
        for table, where in (
            ("passages", "where space = 'documents'"),
            ("documents", ""),
            ("bodies", ""),
            ("links", ""),
        ):
            db.execute(f"delete from {table} {where}")
        rows = (("documents", at, f"d{at}", "question", text) for at, text in enumerate(texts))
        db.executemany("insert into passages values (?, ?, ?, ?, ?)", rows)
        head = dict.fromkeys(HEAD_COLUMNS) | {"kind": "thread", "source": "bench", "platforms": ""}
        head |= {"apple_replied": 0, "accepted": 0, "weight": 0}
        marks = ", ".join("?" * (len(HEAD_COLUMNS) + 1))
        heads = ((at, *(head | {"id": f"d{at}", "title": text[:80]}).values()) for at, text in enumerate(texts))
        db.executemany(f"insert into documents values ({marks})", heads)
        db.executemany("insert into bodies values (?, '{}')", ((f"d{at}",) for at in range(len(texts))))
    db.close()
