"""Embedding passages by the encoder that embeds questions: one by one, on every core, longest first, nothing twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from ingest.store import Store
from kb.encoder import Vector

_COMMIT_EVERY = 1024
Progress = Callable[[int], None]


class Encoder(Protocol):
    """What makes a unit vector of a text, from several threads at once."""

    def encode(self, text: str, /) -> Vector:
        """The vector of a text."""


def text_hash(text: str) -> str:
    """The identity of an embedded text."""
    return hashlib.sha256(text.encode()).hexdigest()


def embed(texts: list[str], encoder: Encoder, made_by: str, store: Store, progress: Progress) -> Vector:
    """Unit vectors (n, dimensions) of the texts in their order.

    Vectors are kept in the store as they come, under the name of the encoder that they were `made_by`, so a build that
    was killed goes on where it stopped. `progress` is called with the number of texts done.

    A batch would be padded, and its int8 activations scaled by whatever else is in it: alone, a text has the same
    vector whatever it is embedded with, and in less time (docs/performance.md). Longest first, the cores end together.
    """
    hashes = [text_hash(t) for t in texts]
    unique = dict(zip(hashes, texts, strict=True))
    known = store.vectors(list(unique), made_by)
    progress(len(texts) - sum(h not in known for h in unique))
    new = sorted((h for h in unique if h not in known), key=lambda h: -len(unique[h]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for at in range(0, len(new), _COMMIT_EVERY):
            fresh: dict[str, Vector] = {}
            part = new[at : at + _COMMIT_EVERY]
            for hash, vector in zip(part, pool.map(encoder.encode, [unique[h] for h in part]), strict=True):
                fresh[hash] = vector
                progress(1)
            store.keep_vectors(fresh, made_by)
            known |= fresh
    return np.vstack([known[h] for h in hashes]) if hashes else np.zeros((0, 384), dtype=np.float32)
