"""The dense leg: FAISS, inner product of unit vectors, exact at forum scale and approximate above.

Which type serves which size was measured on 384 dimensions (docs/performance.md): flat and exact while a scan is
cheap, half precision above, HNSW where a scan would take longer than the encoder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np

from kb.encoder import Vector
from kb.filters import Filters

FLAT_UP_TO = 20_000
HALF_UP_TO = 50_000
HNSW_EF_SEARCH = 128


def index_type(count: int) -> str:
    """The FAISS type for so many vectors, by its name in the manifest."""
    if count <= FLAT_UP_TO:
        return "Flat"
    return "SQfp16" if count <= HALF_UP_TO else "HNSW32,SQfp16"


def write_vectors(path: Path, vectors: Vector) -> str:
    """Index `vectors` (n, dimensions), write the index, return its type."""
    count, dimensions = vectors.shape
    kind = index_type(count)
    index: Any = faiss.index_factory(dimensions, kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(path))
    return kind


class VectorIndex:
    """Nearest passages of one space."""

    def __init__(self, path: Path) -> None:
        self._index: Any = faiss.read_index(
            str(path), faiss.IO_FLAG_MMAP_IFC if hasattr(faiss, "IO_FLAG_MMAP_IFC") else 0
        )
        self.count: int = self._index.ntotal
        if hasattr(self._index, "hnsw"):
            self._index.hnsw.efSearch = HNSW_EF_SEARCH

    def search(self, vector: Vector, limit: int, _filters: Filters | None = None) -> list[tuple[int, float]]:
        """The nearest rows with their cosine, nearest first; filters are left to the caller, who has the documents."""
        if self.count == 0:
            return []
        scores, rows = self._index.search(vector[None, :], min(limit, self.count))
        return [(int(r), float(s)) for r, s in zip(rows[0], scores[0], strict=True) if r >= 0]

    def scores(self, vector: Vector) -> Vector:
        """The cosine of every row, in the order of the rows; for small spaces."""
        scores, rows = self._index.search(vector[None, :], self.count)
        out = np.full(self.count, -1.0, dtype=np.float32)
        out[rows[0][rows[0] >= 0]] = scores[0][rows[0] >= 0]
        return out
