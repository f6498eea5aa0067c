"""`--explain`: what each leg said of the first cards and threads."""

from __future__ import annotations

from collections.abc import Mapping

from api.text import one_line
from kb.answer import Outcome
from kb.asking import readable
from kb.deciding import decide
from kb.matching.cards import rank_cards
from kb.matching.question import Question
from kb.matching.threads import DENSE_SHARE, LIKELY, RankedThread, rank_threads
from kb.snapshot import Snapshot

_SHOWN = 4


def explanation(query: str, snapshot: Snapshot, given: Mapping[str, str]) -> str:
    """The features, weights and reasons behind an answer, as text."""
    question = Question(readable(query), snapshot, given)
    ranked = rank_cards(question)
    weights = snapshot.weights
    lines = ["", "Read as: " + one_line(question.read.condensed.text)[:300], "Signals:"]
    lines += [
        f"  {s.kind:<12} {one_line(s.value)}{' (implied)' if s.implied else ''}  [{s.start}:{s.end}]"
        for s in question.signals
    ]
    lines.append("Cards (value x weight = part of the score, the largest first):")
    for r in ranked[:_SHOWN]:
        lines.append(f"  {r.id}  score {r.score:.2f}, probability {r.probability:.3f}")
        lines.append("    " + "; ".join(_parts(r.features, weights.ranking)))
        if r.why:
            lines.append("    why: " + "; ".join(one_line(w) for w in r.why))
    decided = decide(ranked, weights)
    lines.append(
        f"Confidence {decided.confidence:.3f}, in scope {decided.scope:.3f}, {decided.outcome} (answered from"
        f" confidence {weights.answered_from:.2f}, nothing below scope {weights.no_match_below:.2f})"
    )
    for name, logistic in (("confidence", weights.confidence), ("scope", weights.scope)):
        parts = "; ".join(_parts(decided.figures, logistic.weights))
        lines.append(f"    {name} from {logistic.intercept:.2f}; {parts}")
    lines.append(f"Threads ({DENSE_SHARE} x dense + {1 - DENSE_SHARE} x lexical + standing = score):")
    lines += [f"  {_thread(t, decided.outcome)}" for t in rank_threads(question, _SHOWN)]
    return "\n".join(lines)


def _parts(features: Mapping[str, float], weights: Mapping[str, float]) -> list[str]:
    """Each feature's part of a score; what adds nothing is left out."""
    parts = {name: value * weights.get(name, 0.0) for name, value in features.items()}
    order = sorted((name for name in parts if abs(parts[name]) >= 0.005), key=lambda name: -abs(parts[name]))
    return [f"{name} {features[name]:.2f} x {weights[name]:.2f} = {parts[name]:+.2f}" for name in order]


def _thread(t: RankedThread, outcome: Outcome) -> str:
    head = t.head
    marks = [
        *(["accepted answer"] if head.accepted else []),
        *(["Apple replied"] if head.apple_replied else []),
        *([f"linked from {head.weight} by Apple"] if head.weight else []),
        *([one_line(head.activity)] if head.activity else []),
    ]
    hidden = "nothing was found" if outcome == "no_match" else "" if t.likely else f"below {LIKELY} without standing"
    return (
        f"{t.score:.3f} = {t.dense:.2f} dense, {t.lexical:.2f} lexical, {t.standing:+.3f} standing  "
        f"{one_line(head.title)} ({', '.join(marks) or 'no answer known'}){f', not shown: {hidden}' if hidden else ''}"
    )
