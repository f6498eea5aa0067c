"""Training a snapshot's classifier on the cards' phrasings, or taking over one that was taught the same."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ingest.build import term_model, vector_model
from ingest.build.beside import beside
from ingest.build.inputs import Inputs
from ingest.build.lessons import ALSO, BALANCE, REPORTED, lessons_of, scope_lessons
from ingest.build.term_model import train_terms
from ingest.build.vector_model import SCOPE_HIDDEN, train_vectors
from kb.documents import Passage
from kb.encoder import Vector
from kb.lexical import terms
from kb.matching.classifier import NONE, CardClassifier, TermModel, features
from kb.signals import SignalTables, read_signals
from kb.snapshot import SCHEMA, Manifest

NUMBERS = (REPORTED, ALSO, BALANCE, term_model.NUMBERS, vector_model.NUMBERS)  # other ones teach another classifier


class Training:
    """What teaches a snapshot's classifier, and where an earlier snapshot was taught the same, its classifier."""

    def __init__(
        self, passages: Sequence[Passage], inputs: Inputs, encoder: str, earlier: Iterable[tuple[Path, Manifest]]
    ) -> None:
        """`encoder` names what makes the vectors of `passages`; `earlier` are the snapshots of before."""
        self._passages = passages
        self._tables = inputs.tables
        self._classes = [*(card.id for card in inputs.cards), NONE]
        self.hash = _hash(passages, self._classes, inputs.tables, encoder)
        self._same = next((folder for folder, manifest in earlier if manifest.classifier == self.hash), None)

    def begin(self) -> Callable[[Vector, Path], object]:
        """Begin with the model of terms, beside other work.

        What comes back is to be called with the vectors of the first passages (the others teach by their terms alone)
        and the folder to write the classifier into.
        """
        if (same := self._same) is not None:
            return lambda _, folder: shutil.copytree(same / "classifier", folder)
        by_terms = beside(self._learn_terms)
        return lambda vectors, folder: self._write(by_terms, vectors, folder)

    def _learn_terms(self) -> TermModel:
        tables = SignalTables.from_json(self._tables)
        found = [features(terms(p.text), read_signals(p.text, tables)) for p in self._passages]
        return train_terms(found, lessons_of(self._passages, self._classes))

    def _write(self, by_terms: Future[TermModel], vectors: Vector, folder: Path) -> None:
        said = self._passages[: len(vectors)]
        by_vector = train_vectors(vectors, lessons_of(said, self._classes))
        scope = train_vectors(vectors, scope_lessons(said), SCOPE_HIDDEN)
        CardClassifier(self._classes, by_terms.result(), by_vector, scope).write(folder)


def _hash(passages: Iterable[Passage], classes: list[str], tables: Mapping[str, Any], encoder: str) -> str:
    """The hash of all that teaches: the passages, what reads signals in them, and what makes their vectors."""
    digest = hashlib.sha256(json.dumps([NUMBERS, classes, tables, encoder, SCHEMA], sort_keys=True).encode())
    for p in passages:
        digest.update(json.dumps([p.owner, p.text, p.embedded, p.also, p.reported], ensure_ascii=False).encode())
    return digest.hexdigest()
