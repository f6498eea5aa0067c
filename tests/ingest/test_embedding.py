"""Embedding: batches of even length, nothing twice, the model loaded only where a text is new."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.build.embedding import BATCH_TOKENS, batches, embed
from ingest.store import Store
from kb.encoder import MAX_TOKENS


class CountingModel:
    """Stands where the model stands and remembers what it was asked to embed."""

    sha256 = "0" * 64

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.loaded = 0

    def lengths(self, texts: list[str]) -> list[int]:
        return [len(t.split()) for t in texts]

    @property
    def encoder(self) -> CountingModel:
        self.loaded += 1
        return self

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        self.asked += texts
        return np.array([[float(len(t))] + [0.0] * 383 for t in texts], dtype=np.float32)


@given(st.lists(st.integers(0, 2_000), max_size=300))
def test_batches_hold_every_item_once_and_keep_within_the_tokens(lengths: list[int]) -> None:
    lengths = sorted(lengths, reverse=True)
    items = [f"{at}" for at in range(len(lengths))]
    made = list(batches(items, lengths))
    assert [item for batch in made for item in batch] == items
    for batch in made:
        assert len(batch) * min(lengths[int(batch[0])], MAX_TOKENS) <= BATCH_TOKENS


def test_a_text_is_embedded_once_and_never_again(tmp_path: Path) -> None:
    texts = ["one two", "a", "one two", "three of them"]
    with Store(tmp_path) as store:
        first = CountingModel()
        vectors = embed(texts, first, store, lambda _: None)  # type: ignore[arg-type]
        assert sorted(first.asked) == ["a", "one two", "three of them"]
        assert vectors[:, 0].tolist() == [7.0, 1.0, 7.0, 13.0]
        again = CountingModel()
        assert (embed(texts, again, store, lambda _: None) == vectors).all()  # type: ignore[arg-type]
        assert (again.asked, again.loaded) == ([], 0)


def test_progress_adds_up_to_the_texts(tmp_path: Path) -> None:
    done: list[int] = []
    with Store(tmp_path) as store:
        embed(["a", "b", "a", "c"], CountingModel(), store, done.append)  # type: ignore[arg-type]
    assert sum(done) == 4
