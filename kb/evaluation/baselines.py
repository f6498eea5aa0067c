"""What people would build from a tutorial, over the same cards: dense search, BM25, their reciprocal rank fusion.

They see the cards' text and symptoms, one passage at a time, and not the phrasings that the classifier is trained on.
"""

from __future__ import annotations

from kb.evaluation.harness import Judged, System
from kb.evaluation.questions import LabelledQuestion
from kb.lexical import terms
from kb.snapshot import Snapshot

_DEPTH = 200
_RRF_K = 60  # Cormack, Clarke and Büttcher, 2009


def baseline(name: str, snapshot: Snapshot) -> System:
    """One of them over a snapshot's cards, by its name: `tutorial` (dense search), `bm25` or `fusion`."""
    legs = {"tutorial": (_dense,), "bm25": (_bm25,), "fusion": (_dense, _bm25)}[name]

    def judge(labelled: LabelledQuestion) -> Judged:
        rankings = [leg(labelled.query, snapshot) for leg in legs]
        if len(rankings) == 1:
            ranked, top = [id for id, _ in rankings[0]], rankings[0][0][1] if rankings[0] else 0.0
            return Judged(labelled, ranked, top)
        fused: dict[str, float] = {}
        for ranking in rankings:
            for at, (id, _) in enumerate(ranking):
                fused[id] = fused.get(id, 0.0) + 1 / (_RRF_K + at + 1)
        ordered = sorted(fused, key=lambda id: -fused[id])
        return Judged(labelled, ordered, fused[ordered[0]] if ordered else 0.0)

    return judge


def _dense(query: str, snapshot: Snapshot) -> list[tuple[str, float]]:
    space = snapshot.guidance
    return _by_card(space.vectors.search(snapshot.encoder.encode(query), _DEPTH), snapshot)


def _bm25(query: str, snapshot: Snapshot) -> list[tuple[str, float]]:
    return _by_card(snapshot.guidance.lexical.search(terms(query), _DEPTH), snapshot)


def _by_card(found: list[tuple[int, float]], snapshot: Snapshot) -> list[tuple[str, float]]:
    best: dict[str, float] = {}
    for row, score in found:
        owner, kind = snapshot.guidance.owners[row]
        if kind != "phrasing" and owner in snapshot.cards:
            best[owner] = max(best.get(owner, score), score)
    return sorted(best.items(), key=lambda item: -item[1])
