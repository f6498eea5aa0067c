"""Training: both models learn what weighs most, put what is right in part before what is wrong, and repeat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ingest.build.lessons import Lessons
from ingest.build.term_model import train_terms
from ingest.build.vector_model import train_vectors
from kb.matching.classifier import TermModel, VectorModel, term_features

CLASSES = 3
WORDS = ("tunnel", "hotspot", "tea")
Array = npt.NDArray[np.float32]


def lessons(first: float = 1.0) -> Lessons:
    """Three words, forty lessons each: each word is of its own class, and the first one of the second in part."""
    right = np.eye(CLASSES, dtype=np.float32)
    right[0] = [first, 0.5, 0.0]
    return Lessons(np.tile(right, (40, 1)), np.ones(40 * CLASSES, np.float32))


def by_terms(taught: Lessons) -> TermModel:
    return train_terms([term_features([word]) for word in WORDS] * 40, taught)


def by_vectors(taught: Lessons) -> VectorModel:
    return train_vectors(np.tile(np.eye(CLASSES, 8, dtype=np.float32), (40, 1)), taught)


def said(model: TermModel | VectorModel, word: int) -> Array:
    """Log-probabilities of the classes for one of the three words."""
    if isinstance(model, TermModel):
        return model.of(model.weigh(term_features([WORDS[word]])))
    return model.of(np.eye(CLASSES, 8, dtype=np.float32)[word])


@pytest.mark.slow
@pytest.mark.parametrize("train", [by_terms, by_vectors])
def test_each_word_is_learned_and_what_is_right_in_part_comes_second(train: type) -> None:
    model = train(lessons())
    assert [int(said(model, n).argmax()) for n in range(CLASSES)] == [0, 1, 2]
    assert said(model, 0).argsort()[::-1].tolist() == [0, 1, 2]
    assert np.exp(said(model, 1)).sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("train", [by_terms, by_vectors])
def test_what_weighs_more_is_learned(train: type) -> None:
    taught = lessons(first=0.1)  # the second class is five times as right for the first word as its own
    assert int(said(train(taught), 0).argmax()) == 1


@pytest.mark.parametrize("train", [by_terms, by_vectors])
def test_a_heavier_lesson_is_learned_over_a_lighter_one(train: type) -> None:
    right = np.tile(np.eye(CLASSES, dtype=np.float32), (40, 1))
    right[::6] = [0, 0, 1]  # every second time the first word is of the third class
    weights = np.ones(len(right), np.float32)
    weights[::6] = 5.0
    assert int(said(train(Lessons(right, weights)), 0).argmax()) == 2
    weights[::6] = 0.2
    assert int(said(train(Lessons(right, weights)), 0).argmax()) == 0


@pytest.mark.parametrize("train", [by_terms, by_vectors])
def test_the_same_lessons_teach_the_same(train: type) -> None:
    assert said(train(lessons()), 0).tolist() == said(train(lessons()), 0).tolist()
