"""Fitting the ranking weights and the calibration on the questions that are there to tune on.

The weights are those of a conditional logit: the probability of an acceptable card among all cards and the class of
foreign questions is made large, with an L2 penalty. Confidence and scope are logistic regressions on seven figures of
each ranking, made on folds whose questions the weights of that fold did not see, and without those of the split `rank`.

    cd data/evaluation
    python -m kb.evaluation.fit questions.jsonl reports.jsonl wider-reports.jsonl ../ranking.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.deciding import figures_of
from kb.evaluation.questions import LabelledQuestion, read_questions
from kb.home import nekb_home
from kb.matching.cards import RankedCard, order, rank_cards
from kb.matching.classifier import NONE
from kb.matching.question import Question
from kb.matching.weights import FEATURES, FIGURES, Logistic, in_order
from kb.snapshot import Snapshot, open_current

Array = npt.NDArray[np.float64]
PENALTY = 0.001
FOLDS = 5
MOST_TURNED_AWAY = 0.03  # of the questions in scope, on the tuning split
_SEED = 7


@dataclass(frozen=True)
class Case:
    """One tuning question: its candidates, their features (cards, features), which of them are acceptable."""

    question: LabelledQuestion
    ids: list[str]
    matrix: Array
    acceptable: npt.NDArray[np.bool_]


def cases(questions: Sequence[LabelledQuestion], snapshot: Snapshot) -> list[Case]:
    """The features of every candidate for every question."""
    out = []
    for q in questions:
        ranked = rank_cards(Question(q.query, snapshot, {}))
        right = set(q.expect) or {NONE}
        matrix = np.array([r.values for r in ranked])
        out.append(Case(q, [r.id for r in ranked], matrix, np.array([r.id in right for r in ranked])))
    return out


def fit_ranking(training: Sequence[Case]) -> dict[str, float]:
    """The weights that make an acceptable card likeliest."""
    from scipy.optimize import minimize

    usable = [c for c in training if c.acceptable.any()]

    def loss(w: Array) -> tuple[float, Array]:
        value, slope = PENALTY * float((w**2).sum()), 2 * PENALTY * w
        for c in usable:
            odds = np.exp((s := c.matrix @ w) - s.max())
            p = odds / odds.sum()
            inside = p * c.acceptable
            total = max(float(inside.sum()), 1e-12)
            value -= np.log(total) / len(usable)
            slope = slope - (inside / total - p) @ c.matrix / len(usable)
        return value, slope

    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B")
    return {f: round(float(x), 4) for f, x in zip(FEATURES, found.x, strict=True)}


def ranked_with(case: Case, weights: dict[str, float]) -> list[RankedCard]:
    """The candidates of a case under other weights."""
    return order(case.ids, case.matrix, in_order(weights), {})


def fit_deciding(judged: Sequence[tuple[Case, list[RankedCard]]]) -> dict[str, Any]:
    """What confidence and scope are read from, and the two borders of the outcome."""
    figures = [figures_of(r) for _, r in judged]
    inside = np.array([c.question.in_scope for c, _ in judged])
    scope = _logistic(figures, inside)
    return {
        "confidence": asdict(_logistic(figures, np.array([_first(r) in c.question.expect for c, r in judged]))),
        "scope": asdict(scope),
        "answered_from": 0.6,
        "no_match_below": round(_border(np.array([scope.of(f) for f in figures]), inside), 4),
    }


def _logistic(figures: Sequence[dict[str, float]], true: npt.NDArray[np.bool_]) -> Logistic:
    """The logistic regression of what is true on the figures of the rankings."""
    from sklearn.linear_model import LogisticRegression

    x = np.array([[f[name] for name in FIGURES] for f in figures])
    spread = np.maximum(x.std(axis=0), 1e-6)  # the penalty shall not weigh on a cosine more than on log-odds
    model = LogisticRegression(C=0.5).fit(x / spread, true)
    weights = {name: round(float(w), 4) for name, w in zip(FIGURES, model.coef_[0] / spread, strict=True)}
    return Logistic(weights, round(float(model.intercept_[0]), 4))


def _border(scopes: Array, inside: npt.NDArray[np.bool_]) -> float:
    """The highest border that turns away no more than `MOST_TURNED_AWAY` of the questions in scope."""
    kept = np.sort(scopes[inside])
    spare = int(MOST_TURNED_AWAY * len(kept))
    return float(min(kept[spare], 0.5)) if len(kept) > spare else 0.2


def _first(ranked: list[RankedCard]) -> str:
    return next(r.id for r in ranked if r.id != NONE)


def fit(questions: Sequence[LabelledQuestion], snapshot: Snapshot) -> dict[str, Any]:
    """Ranking weights from all questions; calibration from those to tune on, in rankings that did not see them."""
    all_cases = cases(questions, snapshot)
    fold = np.random.default_rng(_SEED).integers(0, FOLDS, len(all_cases))
    judged: list[tuple[Case, list[RankedCard]]] = []
    for at in range(FOLDS):
        weights = fit_ranking([c for c, f in zip(all_cases, fold, strict=True) if f != at])
        judged += [(c, ranked_with(c, weights)) for c, f in zip(all_cases, fold, strict=True) if f == at]
    inside = [(c, r) for c, r in judged if c.question.in_scope]
    report = {
        "questions": len(judged),
        "cross_validated_hit@1": round(sum(_first(r) in c.question.expect for c, r in inside) / len(inside), 4),
    }
    deciding = fit_deciding([(c, r) for c, r in judged if c.question.split == "tune"])
    return {"ranking": fit_ranking(all_cases)} | deciding | {"fitted_on": report}


def main(files: Sequence[Path], target: Path) -> None:
    """Fit on what some files hold to tune on, and write the weights."""
    questions = [q for file in files for q in read_questions(file, "tune", "rank")]
    fitted = fit(questions, open_current(nekb_home()))
    target.write_text(json.dumps(fitted, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(fitted["fitted_on"]) + "\n")


if __name__ == "__main__":
    *read, written = map(Path, sys.argv[1:])
    main(read, written)
