"""Embedding: nothing twice, every vector at the place of its text."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ingest.build.embedding import embed
from ingest.store import Store
from kb.snapshot import Snapshot


class CountingEncoder:
    """Stands where the encoder stands and remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, text: str) -> np.ndarray:
        self.asked.append(text)
        return np.array([float(len(text))] + [0.0] * 383, dtype=np.float32)


def test_a_text_is_embedded_once_and_never_again(tmp_path: Path) -> None:
    texts = ["one two", "a", "one two", "three of them"]
    with Store(tmp_path) as store:
        first = CountingEncoder()
        vectors = embed(texts, first, "one", store, lambda _: None)
        assert sorted(first.asked) == ["a", "one two", "three of them"]
        assert vectors[:, 0].tolist() == [7.0, 1.0, 7.0, 13.0]
        again = CountingEncoder()
        assert (embed(texts, again, "one", store, lambda _: None) == vectors).all()
        assert again.asked == []
        other = CountingEncoder()
        embed(texts, other, "another", store, lambda _: None)
        assert sorted(other.asked) == ["a", "one two", "three of them"]


def test_progress_adds_up_to_the_texts(tmp_path: Path) -> None:
    done: list[int] = []
    with Store(tmp_path) as store:
        embed(["a", "b", "a", "c"], CountingEncoder(), "one", store, done.append)
    assert sum(done) == 4


def test_a_text_has_one_vector_whatever_it_is_embedded_with(snapshot: Snapshot, tmp_path: Path) -> None:
    texts = ["The tunnel stops after a minute.", "code 8 " * 100, "hotspot"]
    with Store(tmp_path) as store:
        together = embed(texts, snapshot.encoder, "real", store, lambda _: None)
    for text, vector in zip(texts, together, strict=True):
        assert vector.tolist() == snapshot.encoder.encode(text).tolist()
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
def test_the_weights_are_mapped_so_that_workers_share_them(snapshot: Snapshot) -> None:
    snapshot.encoder.encode("hotspot")
    assert str(snapshot.folder / "encoder" / "weights.bin") in Path("/proc/self/maps").read_text()


def test_another_user_may_read_what_a_build_wrote(snapshot: Snapshot) -> None:
    modes = {file.name: file.stat().st_mode & 0o444 for file in (snapshot.folder / "encoder").iterdir()}
    assert len(set(modes.values())) == 1, modes
