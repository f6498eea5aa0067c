"""Embedding passages with sentence-transformers: longest first, in batches of even length, nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np

from ingest.build.model import Model
from ingest.store import Store
from kb.encoder import MAX_TOKENS, Vector

BATCH_TOKENS = 4096  # a batch with its padding; larger ones fall out of the processor's cache (docs/performance.md)
_COMMIT_EVERY = 1024
Progress = Callable[[int], None]


def text_hash(text: str) -> str:
    """The identity of an embedded text."""
    return hashlib.sha256(text.encode()).hexdigest()


def embed(texts: list[str], model: Model, store: Store, progress: Progress) -> Vector:
    """Unit vectors (n, dimensions) of the texts in their order.

    Vectors are kept in the store as they come, so a build that was killed goes on where it stopped. `progress` is
    called with the number of texts done. The model is loaded only where a text is new.
    """
    hashes = [text_hash(t) for t in texts]
    unique = dict(zip(hashes, texts, strict=True))
    known = store.vectors(list(unique), model.sha256)
    progress(len(texts) - sum(h not in known for h in unique))
    new = [h for h in unique if h not in known]
    lengths = dict(zip(new, model.lengths([unique[h] for h in new]), strict=True))
    new.sort(key=lambda h: -lengths[h])
    for at in range(0, len(new), _COMMIT_EVERY):
        part = new[at : at + _COMMIT_EVERY]
        fresh: dict[str, Vector] = {}
        for batch in batches(part, [lengths[h] for h in part]):
            fresh |= zip(batch, _encode([unique[h] for h in batch], model), strict=True)
            progress(len(batch))
        store.keep_vectors(fresh, model.sha256)
        known |= fresh
    return np.vstack([known[h] for h in hashes]) if hashes else np.zeros((0, 384), dtype=np.float32)


def batches(items: list[str], lengths: list[int]) -> Iterator[list[str]]:
    """Items that are sorted by length, longest first, in batches of at most `BATCH_TOKENS` tokens with padding."""
    at = 0
    while at < len(items):
        size = max(1, BATCH_TOKENS // (min(lengths[at], MAX_TOKENS) + 2))
        yield items[at : at + size]
        at += size


def _encode(texts: list[str], model: Model) -> list[Vector]:
    encoder = model.encoder
    encoder.max_seq_length = MAX_TOKENS
    vectors = encoder.encode(
        texts, batch_size=len(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
    )
    return list(np.asarray(vectors, dtype=np.float32))
