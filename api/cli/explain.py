"""`--explain`: what each leg said of the first cards and threads."""

from __future__ import annotations

from collections.abc import Mapping

from api.text import one_line
from kb.asking import readable
from kb.deciding import confidence, confidence_features
from kb.matching.cards import rank_cards
from kb.matching.question import Question
from kb.matching.threads import rank_threads
from kb.snapshot import Snapshot

_SHOWN = 4


def explanation(query: str, snapshot: Snapshot, given: Mapping[str, str]) -> str:
    """The features, weights and reasons behind an answer, as text."""
    question = Question(readable(query), snapshot, given)
    ranked = rank_cards(question)
    weights = snapshot.weights
    lines = ["", "Read as: " + one_line(question.read.condensed)[:300], "Signals:"]
    lines += [
        f"  {s.kind:<12} {one_line(s.value)}{' (implied)' if s.implied else ''}  [{s.start}:{s.end}]"
        for s in question.signals
    ]
    lines.append("Cards (feature = value x weight):")
    for r in ranked[:_SHOWN]:
        lines.append(f"  {r.id}  score {r.score:.2f}, probability {r.probability:.3f}")
        parts = [f"{n} = {v:.2f} x {weights.ranking.get(n, 0.0):.2f}" for n, v in r.features.items() if v]
        lines.append("    " + "; ".join(parts))
        if r.why:
            lines.append("    why: " + "; ".join(one_line(w) for w in r.why))
    figures = ", ".join(f"{k} {v:.2f}" for k, v in confidence_features(ranked).items())
    lines.append(f"Confidence {confidence(ranked, weights):.3f} from {figures}")
    lines.append("Threads (dense, lexical):")
    lines += [
        f"  {t.score:.3f} ({t.dense:.3f}, {t.lexical:.3f})  {one_line(t.head.title)}"
        for t in rank_threads(question, _SHOWN)
    ]
    return "\n".join(lines)
