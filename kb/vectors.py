"""The dense leg: FAISS, inner product of unit vectors, exact at forum scale and approximate above.

Which type serves which size was measured on 384 dimensions (docs/performance.md): flat and exact while a scan is
cheap; above, lists of half-precision vectors around centres (IVF), of which a question scans those around the
nearest. A flat index is a header and the vectors as they are, so it is scanned without loading FAISS, which costs a
cold question 50 ms.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kb.encoder import Vector
    from kb.filters import Filters

FLAT_UP_TO = 10_000
PROBES = 80  # lists that a question scans
_TRAINED_ON = 64  # vectors a centre; FAISS would take 256, in four times the time and for no better recall
# How FAISS writes IndexFlatIP: fourcc, dimensions, vectors, two unused words, trained, metric, and the floats' number.
_FLAT_HEADER = struct.Struct("<4siqqq?iq")
_FLAT = b"IxFI"


def index_type(count: int) -> str:
    """The FAISS type for so many vectors, by its name in the manifest.

    With 2 √n lists, both the centres and the vectors that a question looks at grow as √n.
    """
    return "Flat" if count <= FLAT_UP_TO else f"IVF{round(2 * math.sqrt(count))},SQfp16"


def write_vectors(path: Path, vectors: Vector, *, flat: bool = False) -> str:
    """Index `vectors` (n, dimensions), write the index, return its type; `flat` where every question scans all."""
    import faiss

    count, dimensions = vectors.shape
    kind = "Flat" if flat else index_type(count)
    index: Any = faiss.index_factory(dimensions, kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.cp.max_points_per_centroid = _TRAINED_ON
        index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(path))
    return kind


class VectorIndex:
    """Nearest passages of one space."""

    def __init__(self, path: Path) -> None:
        self._vectors = _read_flat(path)
        self._index: Any = None
        if self._vectors is not None:
            self.count = len(self._vectors)
            return
        import faiss

        self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        self.count = self._index.ntotal
        self._index.nprobe = PROBES

    def search(self, vector: Vector, limit: int, _filters: Filters | None = None) -> list[tuple[int, float]]:
        """The nearest rows with their cosine, nearest first; filters are left to the caller, who has the documents."""
        limit = min(limit, self.count)
        if limit == 0:
            return []
        if self._vectors is None:
            scores, rows = self._index.search(vector[None, :], limit)
            return [(r, s) for r, s in zip(rows[0].tolist(), scores[0].tolist(), strict=True) if r >= 0]
        found = self.scores(vector)
        best = np.argpartition(-found, limit - 1)[:limit]
        best = best[np.argsort(-found[best], kind="stable")]
        return list(zip(best.tolist(), found[best].tolist(), strict=True))

    def scores(self, vector: Vector) -> Vector:
        """The cosine of every row of a flat index, in the order of the rows."""
        assert self._vectors is not None
        # Row by row: a matrix product would wake BLAS's other threads, and waiting for them takes longer than this.
        found: Vector = np.vecdot(self._vectors, vector)
        return found


def _read_flat(path: Path) -> Vector | None:
    """The vectors of a flat index (n, dimensions); None where the index is of another type."""
    with path.open("rb") as file:
        head = file.read(_FLAT_HEADER.size)
        if len(head) < _FLAT_HEADER.size or not head.startswith(_FLAT):
            return None
        _, dimensions, count, _, _, _, _, floats = _FLAT_HEADER.unpack(head)
        return np.fromfile(file, dtype="<f4", count=floats).reshape(count, dimensions)
