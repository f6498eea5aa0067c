"""The classifier: written and read it says the same, parts of a question add up, what was not taught weighs nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kb.matching.classifier import NONE, CardClassifier, TermModel, VectorModel, log_softmax

CHANCE = np.random.default_rng(1)


def made() -> CardClassifier:
    def some(*shape: int) -> np.ndarray:
        return CHANCE.normal(size=shape).astype(np.float32)

    terms = TermModel({"tunnel": 0, "=api:nevpnmanager": 1}, np.abs(some(2)), some(2, 3), some(3))
    vectors, scope = (VectorModel(some(4, 5), some(5), some(5, n), some(n)) for n in (3, 2))
    return CardClassifier(["one", "two", NONE], terms, vectors, scope)


def test_a_classifier_that_is_written_and_read_says_the_same(tmp_path: Path) -> None:
    first = made()
    first.write(tmp_path / "classifier")
    again = CardClassifier.read(tmp_path / "classifier")
    vector = CHANCE.normal(size=4).astype(np.float32)
    assert again.classes == first.classes
    assert again.vectors.of(vector).tolist() == first.vectors.of(vector).tolist()
    assert again.not_ours(vector) == first.not_ours(vector)
    found = Counter({"tunnel": 2, "=api:nevpnmanager": 1})
    both = [model.of(model.weigh(found)) for model in (again.terms, first.terms)]
    assert both[0] == pytest.approx(both[1], abs=1e-2)  # its weights are kept in half precision


def test_terms_and_signals_weighed_apart_say_what_they_say_together() -> None:
    model = made().terms
    apart = [model.weigh(Counter(tunnel=2)), model.weigh(Counter({"=api:nevpnmanager": 1}))]
    together = model.weigh(Counter({"tunnel": 2, "=api:nevpnmanager": 1}))
    assert model.of(*apart) == pytest.approx(model.of(together), abs=1e-5)


def test_what_was_not_taught_weighs_nothing() -> None:
    model = made().terms
    assert model.of(model.weigh(Counter(kettle=3))) == pytest.approx(log_softmax(model.bias), abs=1e-6)


def test_a_hidden_unit_that_is_below_zero_says_nothing() -> None:
    silent = VectorModel(*(np.array(a, np.float32) for a in ([[1.0, -1.0]], [0.0, 0.0], [[1, 0], [0, 9]], [0.0, 0.0])))
    assert silent.of(np.array([2.0], np.float32)) == pytest.approx(log_softmax(np.array([2.0, 0.0], np.float32)))


def test_what_is_not_ours_is_said_in_log_odds() -> None:
    classifier = made()
    ours, foreign = np.exp(classifier.scope.of(vector := np.ones(4, np.float32)))
    assert classifier.not_ours(vector) == pytest.approx(np.log(foreign / ours), abs=1e-5)
