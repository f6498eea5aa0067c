"""Embedding passages with sentence-transformers: longest first in even batches, nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from ingest.build.model import Model
from ingest.store import Store
from kb.encoder import MAX_TOKENS, Vector

BATCH = 64
_COMMIT_EVERY = 1024
Progress = Callable[[int], None]


def text_hash(text: str) -> str:
    """The identity of an embedded text."""
    return hashlib.sha256(text.encode()).hexdigest()


def embed(texts: list[str], model: Model, store: Store, progress: Progress) -> Vector:
    """Unit vectors (n, dimensions) of the texts in their order.

    Vectors are kept in the store as they come, so a build that was killed goes on where it stopped. `progress` is
    called with the number of texts done.
    """
    hashes = [text_hash(t) for t in texts]
    unique = dict(zip(hashes, texts, strict=True))
    known = store.vectors(list(unique), model.sha256)
    progress(len(texts) - sum(h not in known for h in hashes))
    todo = sorted((h for h in unique if h not in known), key=lambda h: -len(unique[h]))
    for at in range(0, len(todo), _COMMIT_EVERY):
        part = todo[at : at + _COMMIT_EVERY]
        fresh = _encode([unique[h] for h in part], model, progress)
        batch = dict(zip(part, fresh, strict=True))
        store.keep_vectors(batch, model.sha256)
        known |= batch
    return np.vstack([known[h] for h in hashes]) if hashes else np.zeros((0, 384), dtype=np.float32)


def _encode(texts: list[str], model: Model, progress: Progress) -> list[Vector]:
    encoder = model.encoder
    encoder.max_seq_length = MAX_TOKENS
    out: list[Vector] = []
    for at in range(0, len(texts), BATCH):
        part = texts[at : at + BATCH]
        vectors = encoder.encode(
            part, batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        out.extend(np.asarray(v, dtype=np.float32) for v in vectors)
        progress(len(part))
    return out
