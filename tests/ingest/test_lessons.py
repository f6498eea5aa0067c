"""Lessons: a report weighs more, a further card is right in part, and a class that was taught little is not drowned.

What a model misses is less the more it says of any right class, and of the best one most.
"""

from __future__ import annotations

import numpy as np
import pytest

from ingest.build.lessons import ALSO, BALANCE, REPORTED, Lessons, lessons_of, scope_lessons
from ingest.chunking import phrasing_passages
from ingest.phrasings import Phrasing
from kb.matching.classifier import NONE

CLASSES = ["one", "two", NONE]


def test_a_further_card_is_right_in_part() -> None:
    made = lessons_of(phrasing_passages([Phrasing("one", "a", ("two",)), Phrasing("two", "b")]), CLASSES)
    assert made.right.tolist() == [[1.0, ALSO, 0.0], [0.0, 1.0, 0.0]]
    assert made.shares.sum(axis=1) == pytest.approx(1.0)
    assert made.shares[0].tolist() == pytest.approx([1 / (1 + ALSO), ALSO / (1 + ALSO), 0.0])


def test_a_report_weighs_more_than_what_was_thought_up() -> None:
    made = lessons_of(phrasing_passages([Phrasing("one", "a", reported=True), Phrasing("one", "b")]), CLASSES)
    assert made.weights[0] / made.weights[1] == pytest.approx(REPORTED)


def test_a_lesson_of_a_class_that_was_taught_little_weighs_more() -> None:
    said = [Phrasing("one", "a"), *(Phrasing("two", f"b {n}") for n in range(16))]
    made = lessons_of(phrasing_passages(said), CLASSES)
    assert made.weights[0] / made.weights[1] == pytest.approx(16**BALANCE)
    assert float(made.weights[0]) < float(np.sum(made.weights[1:]))


def test_of_scope_it_matters_only_whether_a_lesson_is_ours() -> None:
    said = [Phrasing("one", "a", ("two",)), Phrasing("two", "b"), Phrasing(NONE, "c", reported=True)]
    made = scope_lessons(phrasing_passages(said))
    assert made.right.tolist() == [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert made.weights[2] > made.weights[0] == made.weights[1]


def missed(*probabilities: float, weight: float = 1.0) -> float:
    """What a model misses that gives the three classes these probabilities, where the second is right in part."""
    import torch

    lesson = Lessons(np.array([[1.0, ALSO, 0.0]], np.float32), np.array([weight], np.float32))
    return float(lesson.missed(torch.log(torch.tensor([probabilities])))[0])


def test_what_is_missed_is_as_the_formula_says() -> None:
    best, also = 1 / (1 + ALSO), ALSO / (1 + ALSO)
    either = -np.log(0.5 + ALSO * 0.3)
    entropy = -(best * np.log(0.5) + also * np.log(0.3))
    assert missed(0.5, 0.3, 0.2) == pytest.approx((either + entropy) / 2, rel=1e-5)
    assert missed(0.5, 0.3, 0.2, weight=3.0) == pytest.approx(3 * missed(0.5, 0.3, 0.2), rel=1e-5)


def test_the_best_class_matters_most_and_a_wrong_one_is_all_loss() -> None:
    assert missed(0.8, 0.1, 0.1) < missed(0.1, 0.8, 0.1) < missed(0.1, 0.1, 0.8)
