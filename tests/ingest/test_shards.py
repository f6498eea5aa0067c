"""Parts embedded apart and merged are the build that one machine would have made."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.main import main
from ingest.build import build
from ingest.build.inputs import read_inputs
from ingest.build.model import find_model
from ingest.build.shards import ENDING, Part, Shard, embed_part, merge_parts
from ingest.progress import Silent
from ingest.store import Store
from kb.errors import BadInputError
from kb.home import shipped_data
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


@dataclass
class Parts:
    """A data directory, and files of three parts that it would take."""

    home: Path
    files: list[Path]
    content: str
    model: str

    def replace(self, number: int, **others: object) -> None:
        """Write one of the files anew, with something else in it."""
        path = self.files[number - 1]
        dataclasses.replace(Shard.read(path), **others).write(path)  # type: ignore[arg-type]

    def kept(self) -> tuple[int, str]:
        """How many vectors the store has, and which snapshot answers."""
        with Store(self.home) as store:
            return store.counts()["vectors"], (self.home / "current").read_text()


@pytest.fixture
def parts(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setenv("NEKB_HOME", str(own_home))
    with Store(own_home) as store:
        model = find_model()
        content = read_inputs(shipped_data(), own_home, store.documents()).content_hash(model)
    files = []
    for number in range(1, PARTS + 1):
        files.append(tmp_path / f"{number}.shard.npz")
        vectors = np.full((2, 384), 384**-0.5, dtype=np.float32)
        hashes = [hashlib.sha256(f"{number} {at}".encode()).hexdigest() for at in range(2)]
        Shard(Part(number, PARTS), content, model.encoder_name, hashes, vectors).write(files[-1])
    return Parts(own_home, files, content, model.encoder_name)


def _cut(parts: Parts) -> None:
    body = parts.files[1].read_bytes()
    parts.files[1].write_bytes(body[: len(body) // 2])


def _flip(parts: Parts) -> None:
    body = bytearray(parts.files[1].read_bytes())
    body[body.index(b"vectors.npy") + 300] ^= 0x40
    parts.files[1].write_bytes(body)


FAULTS: dict[str, tuple[Callable[[Parts], object], str]] = {
    "missing": (lambda p: p.files.pop(1), "2/3 is missing"),
    "of another whole": (lambda p: p.replace(2, part=Part(2, 4)), "1/3, 2/4, 3/3"),
    "twice": (lambda p: p.files.__setitem__(1, p.files[0]), "2/3 is missing"),
    "of other documents": (lambda p: p.replace(2, content="0" * 64), "2.shard.npz was made of other documents"),
    "of another model": (lambda p: p.replace(2, model="0" * 64), "2.shard.npz was embedded by another model"),
    "cut short": (_cut, "2.shard.npz is not a shard"),
    "with a bit flipped": (_flip, "2.shard.npz is not a shard"),
    "empty": (lambda p: p.files[1].write_bytes(b""), "2.shard.npz is not a shard"),
    "of fewer vectors": (lambda p: p.replace(2, vectors=np.eye(1, 384, dtype=np.float32)), "2.shard.npz is damaged"),
    "of no numbers": (lambda p: p.replace(2, vectors=np.full((2, 384), np.nan, np.float32)), "2.shard.npz is damaged"),
    "of vectors that are none": (
        lambda p: p.replace(2, vectors=np.ones((2, 384), np.float32)),
        "2.shard.npz is damaged",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_part_that_is_not_right_is_said_and_nothing_is_kept(
    fault: str, parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    break_it, said = FAULTS[fault]
    before = parts.kept()
    break_it(parts)
    with pytest.raises(SystemExit) as ended:
        main(["build", "--merge", *map(str, parts.files)])
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert said in shown.err
    assert "[bad_input]" in shown.err
    assert "Traceback" not in shown.err
    assert parts.kept() == before


def test_right_parts_are_taken_into_the_store(parts: Parts) -> None:
    before, _ = parts.kept()
    assert merge_parts(parts.home, parts.files) == 2 * PARTS
    assert parts.kept()[0] == before + 2 * PARTS


def test_parts_that_an_earlier_round_left_are_passed_over(parts: Parts) -> None:
    before, _ = parts.kept()
    for number in range(1, PARTS + 1):
        left = parts.files[number - 1].with_name(f"left-{number}{ENDING}")
        dataclasses.replace(Shard.read(parts.files[number - 1]), content="0" * 64, model="0" * 64).write(left)
        parts.files.append(left)
    assert merge_parts(parts.home, parts.files) == PARTS * 2
    assert parts.kept()[0] == before + PARTS * 2


def test_where_no_part_fits_they_are_refused(parts: Parts) -> None:
    for number in range(1, PARTS + 1):
        parts.replace(number, content="0" * 64)
    with pytest.raises(BadInputError, match=r"1.shard.npz, 2.shard.npz, 3.shard.npz was made of other documents"):
        merge_parts(parts.home, parts.files)


@pytest.mark.slow
def test_a_part_that_is_embedded_takes_the_place_of_those_of_before(parts: Parts) -> None:
    folder = parts.home / "shards"
    folder.mkdir()
    kept, *others = (folder / f"{name}{ENDING}" for name in (f"{parts.content[:16]}-2-of-2", f"{'0' * 16}-1-of-2"))
    for path in (kept, *others):
        shutil.copy(parts.files[0], path)
    path, _ = embed_part(parts.home, Part(1, 2), Silent())
    assert sorted(folder.iterdir()) == sorted([path, kept])


@pytest.mark.parametrize(
    "arguments", [("--shard", "1/2", "--merge"), ("--merge",), ("--shard", "3/2"), ("--shard", "x"), (__file__,)]
)
def test_options_that_do_not_go_together_are_said(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path / "nothing"))
    with pytest.raises(SystemExit) as ended:
        main(["build", *arguments])
    assert ended.value.code == 2
    assert "[bad_input]" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists(), "nothing was begun"


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
