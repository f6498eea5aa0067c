"""The dense leg: exact where it says so, near enough where it does not, and FAISS's own file either way."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest

from kb.vectors import FLAT_UP_TO, VectorIndex, index_type, write_vectors

DIMENSIONS = 384


def unit_vectors(count: int, seed: int = 0) -> np.ndarray:
    """Vectors in clusters, as passages on a hundred subjects are."""
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((100, DIMENSIONS))
    vectors = centres[draw.integers(0, 100, count)] + 0.7 * draw.standard_normal((count, DIMENSIONS))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_a_small_index_gives_what_faiss_gives(tmp_path: Path) -> None:
    vectors = unit_vectors(500)
    assert write_vectors(tmp_path / "v.faiss", vectors) == "Flat"
    index = VectorIndex(tmp_path / "v.faiss")
    theirs, rows = faiss.read_index(str(tmp_path / "v.faiss")).search(vectors[7:8], 10)
    found = index.search(vectors[7], 10)
    assert [row for row, _ in found] == rows[0].tolist()
    assert [score for _, score in found] == pytest.approx(theirs[0].tolist(), abs=1e-5)
    assert index.scores(vectors[7]) == pytest.approx(vectors @ vectors[7], abs=1e-5)


def test_a_search_never_gives_more_than_there_is(tmp_path: Path) -> None:
    write_vectors(tmp_path / "v.faiss", unit_vectors(3))
    assert len(VectorIndex(tmp_path / "v.faiss").search(unit_vectors(1)[0], 10)) == 3
    write_vectors(tmp_path / "none.faiss", np.zeros((0, DIMENSIONS), dtype=np.float32))
    assert VectorIndex(tmp_path / "none.faiss").search(unit_vectors(1)[0], 10) == []


def test_an_index_above_the_border_is_approximate_and_finds_98_of_100(tmp_path: Path) -> None:
    vectors = unit_vectors(FLAT_UP_TO + 1)
    assert write_vectors(tmp_path / "v.faiss", vectors) == index_type(len(vectors)) == "HNSW32,SQfp16"
    index = VectorIndex(tmp_path / "v.faiss")
    questions = vectors[:50] + 0.02 * np.random.default_rng(1).standard_normal((50, DIMENSIONS)).astype(np.float32)
    exact = np.argsort(-(questions @ vectors.T), axis=1)[:, :10]
    hits = [len({r for r, _ in index.search(q, 10)} & set(e)) for q, e in zip(questions, exact.tolist(), strict=True)]
    assert sum(hits) / (10 * len(hits)) >= 0.98
