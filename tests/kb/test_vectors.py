"""The dense leg: exact where it says so, near enough where it does not, and FAISS's own file either way."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest

from kb.evaluation.questions import read_questions
from kb.home import shipped_data
from kb.snapshot import Snapshot
from kb.vectors import FLAT_UP_TO, VectorIndex, index_type, write_vectors
from tests.bench.corpus import made_vectors, real_vectors

DIMENSIONS = 384


def unit_vectors(count: int, seed: int = 0) -> np.ndarray:
    """Vectors in clusters, as passages on a hundred subjects are."""
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((100, DIMENSIONS))
    vectors = centres[draw.integers(0, 100, count)] + 0.7 * draw.standard_normal((count, DIMENSIONS))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def recall(index: VectorIndex, vectors: np.ndarray, questions: np.ndarray) -> float:
    """Share of the ten nearest by exact search that the index finds."""
    exact = np.argsort(-(questions @ vectors.T), axis=1)[:, :10].tolist()
    found = [{row for row, _ in index.search(q, 60)[:10]} for q in questions]
    return sum(len(f & set(e)) for f, e in zip(found, exact, strict=True)) / (10 * len(questions))


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
    assert write_vectors(tmp_path / "v.faiss", vectors) == index_type(len(vectors)) == "IVF200,SQfp16"
    index = VectorIndex(tmp_path / "v.faiss")
    questions = vectors[:50] + 0.02 * np.random.default_rng(1).standard_normal((50, DIMENSIONS)).astype(np.float32)
    assert recall(index, vectors, questions) >= 0.98


def test_what_every_question_scans_whole_is_flat_whatever_its_size(tmp_path: Path) -> None:
    vectors = unit_vectors(FLAT_UP_TO + 1)
    assert write_vectors(tmp_path / "v.faiss", vectors, flat=True) == "Flat"
    assert VectorIndex(tmp_path / "v.faiss").scores(vectors[7]) == pytest.approx(vectors @ vectors[7], abs=1e-5)


@pytest.mark.slow
def test_questions_near_passages_and_far_from_them_find_98_of_100(snapshot: Snapshot, tmp_path: Path) -> None:
    passages = real_vectors(snapshot)
    vectors = made_vectors(passages, 30_000, seed=1)
    assert write_vectors(tmp_path / "v.faiss", vectors) == "IVF346,SQfp16"
    index = VectorIndex(tmp_path / "v.faiss")
    asked = [q.query for q in read_questions(shipped_data() / "evaluation" / "questions.jsonl")]
    far = np.array([snapshot.encoder.encode(query) for query in asked[::2]])
    assert recall(index, vectors, far) >= 0.98
    assert recall(index, vectors, made_vectors(passages, 200, seed=2)) >= 0.98
