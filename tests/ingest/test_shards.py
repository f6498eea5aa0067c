"""Parts embedded apart and merged are the build that one machine would have made."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.build import build
from ingest.build.shards import Part, Shard, embed_part, merge_parts
from ingest.progress import Silent
from ingest.store import Store
from kb.errors import BadInputError
from kb.snapshot import open_current

PARTS = 3


@given(st.integers(1, 50), st.binary(min_size=32, max_size=32))
def test_every_text_belongs_to_exactly_one_part(count: int, digest: bytes) -> None:
    assert sum(Part(i, count).takes(digest.hex()) for i in range(1, count + 1)) == 1


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "a/b", "1/0", "-1/3", "1/2/3", "1.0/2"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        Part.read(text)


def test_files_that_are_no_shards_are_refused(tmp_path: Path) -> None:
    for body in (b"", b"PK\x03\x04 nothing", b"\x93NUMPY\x01\x00"):
        (tmp_path / "x.shard.npz").write_bytes(body)
        with pytest.raises(BadInputError, match="not a shard"):
            Shard.read(tmp_path / "x.shard.npz")


def test_a_part_that_is_missing_twice_or_foreign_is_refused(home: Path, tmp_path: Path) -> None:
    vector = np.ones((1, 384), dtype=np.float32)
    paths = []
    for number in (1, 2):
        paths.append(tmp_path / f"{number}.shard.npz")
        Shard(Part(number, 3), "other content", "m", ["ab" * 32], vector).write(paths[-1])
    with pytest.raises(BadInputError, match="not all parts"):
        merge_parts(home, paths)
    with pytest.raises(BadInputError, match="not all parts"):
        merge_parts(home, [*paths, paths[0]])
    Shard(Part(3, 3), "other content", "m", ["ab" * 32], vector).write(tmp_path / "3.shard.npz")
    copy = tmp_path / "home"
    copy.mkdir()
    with pytest.raises(BadInputError, match="other documents"):
        merge_parts(copy, [*paths, tmp_path / "3.shard.npz"])


@pytest.mark.slow
def test_parts_merged_equal_a_single_build(home: Path, tmp_path: Path) -> None:
    files = []
    for number in range(1, PARTS + 1):
        machine = tmp_path / f"machine-{number}"
        _store_with_some_vectors(home, machine, number)
        path, count = embed_part(machine, Part(number, PARTS), Silent())
        assert count == len(Shard.read(path).hashes) > 100
        files.append(path)
    merged = tmp_path / "merged"
    _store_with_some_vectors(home, merged, None)
    with Store(merged) as store:
        assert store.counts()["vectors"] == 0
    merge_parts(merged, files)
    with Store(merged) as store:
        vectors = store.counts()["vectors"]
    build(merged)
    with Store(merged) as store:
        assert store.counts()["vectors"] == vectors, "nothing was left to embed"
    one, other = open_current(home), open_current(merged)
    assert one.manifest.id == other.manifest.id
    assert one.manifest.passages == other.manifest.passages
    for space in ("guidance", "documents"):
        a, b = (faiss.read_index(str(s.folder / space / "vectors.faiss")) for s in (one, other))
        assert np.abs(a.reconstruct_n(0, a.ntotal) - b.reconstruct_n(0, b.ntotal)).max() < 1e-5


def _store_with_some_vectors(home: Path, machine: Path, part: int | None) -> None:
    """A copy of the store; to save time, vectors of a part are there but for some. None keeps no vector."""
    machine.mkdir()
    for file in home.glob("store.db*"):
        shutil.copy(file, machine / file.name)
    with sqlite3.connect(machine / "store.db") as db:
        if part is None:
            db.execute("delete from vectors")
        else:
            hashes = [h for (h,) in db.execute("select text_hash from vectors order by text_hash")]
            db.executemany("delete from vectors where text_hash = ?", [(h,) for h in hashes[part::40]])
