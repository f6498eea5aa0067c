"""Fitting: weights follow what tells the right card, start from nothing, and the border keeps its bound."""

from __future__ import annotations

import numpy as np
import pytest

from kb.deciding import figures_of
from kb.evaluation.fit import MOST_TURNED_AWAY, Case, _border, _logistic, fit_deciding, fit_ranking, ranked_with
from kb.evaluation.questions import LabelledQuestion
from kb.matching.candidates import COLUMN
from kb.matching.cards import order
from kb.matching.classifier import NONE
from kb.matching.weights import FEATURES, FIGURES, in_order

IDS = ["one", "two", NONE]


def case(number: int, right: str, telling: str) -> Case:
    """A question whose right candidate has one feature, and whose others have noise in another."""
    noise = np.random.default_rng(number)
    matrix = np.zeros((len(IDS), len(FEATURES)))
    matrix[IDS.index(right), COLUMN[telling]] = 1.0
    matrix[:, COLUMN["table"]] = noise.normal(size=len(IDS))
    expect = () if right == NONE else (right,)
    question = LabelledQuestion(id=str(number), query="a question", expect=expect)
    return Case(question, IDS, matrix, np.array([id == right for id in IDS]))


def some() -> list[Case]:
    return [case(n, IDS[n % 3], "dense_max" if n % 3 < 2 else "foreign") for n in range(120)]


def test_what_tells_the_right_card_gets_its_weight_and_noise_gets_none() -> None:
    weights = fit_ranking(some())
    assert weights["dense_max"] > 2 < weights["foreign"]
    assert abs(weights["table"]) < 0.5
    assert weights["lexical_text"] == 0.0  # no question told anything by it
    assert all(ranked_with(c, weights)[0].id == IDS[int(np.argmax(c.acceptable))] for c in some())


def test_a_fit_depends_on_the_questions_alone() -> None:
    assert fit_ranking(some()) == fit_ranking(some())


@pytest.mark.parametrize("count", [50, 120, 1000])
def test_the_border_turns_away_no_more_than_its_share(count: int) -> None:
    scopes = np.random.default_rng(count).uniform(0.2, 1.0, count)
    border = _border(scopes, np.ones(count, dtype=bool))
    assert np.mean(scopes < border) <= MOST_TURNED_AWAY
    assert border > scopes.min()


def test_what_is_ours_is_told_from_what_is_not() -> None:
    weights = fit_ranking(some())
    deciding = fit_deciding([(c, ranked_with(c, weights)) for c in some()])
    assert set(deciding) == {"confidence", "scope", "answered_from", "no_match_below"}
    assert deciding["scope"]["weights"]["none"] < 0  # the better `none`, the less it is ours


@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_a_figure_is_heard_whatever_its_size(size: float) -> None:
    true = np.arange(200) % 2 == 1
    figures = [dict.fromkeys(FIGURES, 0.0) | {"nearer_none": -size * float(t)} for t in true]
    fitted = _logistic(figures, true)
    assert fitted.of(figures[0]) < 0.2
    assert fitted.of(figures[1]) > 0.8


def test_how_much_nearer_what_is_not_ours_is_than_any_card_is_a_figure() -> None:
    values = np.zeros((len(IDS), len(FEATURES)))
    values[:, COLUMN["dense_max"]] = [0.5, 0.6, 0.9]
    values[0, COLUMN["term"]] = 1.0
    found = figures_of(order(IDS, values, in_order({"term": 1.0}), {}))
    assert found["similar"] == 0.5  # of the first card, not of the nearest
    assert found["nearer_none"] == pytest.approx(0.3)
    assert set(found) == set(FIGURES)
