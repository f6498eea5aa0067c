"""The topic of a thread, one of ours: the forum knows no finer one than "Networking".

It is what the classifier makes of the post that asks, the chances of a topic's cards added up; none where no topic
reaches `SURE`, and none where the thread is rather not ours. How often that is right is in docs/threads.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ingest.build.inputs import Inputs
from kb.documents import Document, Passage
from kb.encoder import Vector
from kb.guidance.card import Card
from kb.lexical import terms
from kb.matching.classifier import NONE, CardClassifier, features
from kb.signals import SignalTables, read_signals
from kb.signals.glossary import in_english
from kb.signals.log import condense

SURE = 0.5  # the chance from which on a topic is told


class Topics:
    """Tells the topics of threads by what was taught of the cards."""

    def __init__(self, classifier: CardClassifier, cards: Iterable[Card], tables: SignalTables) -> None:
        topics = {card.id: card.topic for card in cards}
        self._classifier = classifier
        self._tables = tables
        self._names = [*sorted(set(topics.values())), NONE]
        self._of_class = np.array([self._names.index(topics.get(id, NONE)) for id in classifier.classes])

    @classmethod
    def taught(cls, classifier: Path, inputs: Inputs) -> Topics:
        """Those of a build whose classifier lies in a folder already."""
        return cls(CardClassifier.read(classifier), inputs.cards, SignalTables.from_json(inputs.tables))

    def of_all(
        self, documents: Iterable[Document], passages: Sequence[Passage], vectors: Vector
    ) -> dict[str, str | None]:
        """The topic of each document, by its id; `vectors` has a row for each passage."""
        first: dict[str, int] = {}
        for row, passage in enumerate(passages):
            first.setdefault(passage.owner, row)
        return {d.id: self.of(d, vectors[first[d.id]]) if d.id in first else self._own(d) for d in documents}

    def of(self, document: Document, vector: Vector) -> str | None:
        """The topic of a document: its own where that is one of ours; `vector` is that of its first passage."""
        if (own := self._own(document)) is not None:
            return own
        if document.kind in ("documentation", "technote") or document.question is None:
            return None
        by_terms = self._by_terms(f"{document.title}\n{document.question.body}")
        chances = np.exp((by_terms + self._classifier.vectors.of(vector)) / 2)
        of_topics = np.bincount(self._of_class, chances / chances.sum(), len(self._names))
        best = int(of_topics.argmax())
        return self._names[best] if of_topics[best] >= SURE and self._names[best] != NONE else None

    def _own(self, document: Document) -> str | None:
        return document.topic if document.topic in self._names else None

    def _by_terms(self, text: str) -> Vector:
        read = in_english(condense(text), self._tables.glossary)
        found = features(terms(read.whole), read_signals(text, self._tables))
        return self._classifier.terms.of(self._classifier.terms.weigh(found))
