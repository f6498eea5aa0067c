"""Both engines side by side in one run: recall, p50, p99, throughput, memory, time to publish.

    python -m tests.bench.engines COUNT...

Vectors are those of the current snapshot's guidance passages with noise around them, so that they cluster as texts do.
A server of the PyPI package `milvus` is started for it. Figures go to stdout as JSON lines.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from ingest.build.milvus import Publisher
from ingest.progress import Silent
from kb.documents import Head
from kb.encoder import Vector
from kb.home import nekb_home
from kb.milvus import Connection, MilvusVectors
from kb.snapshot import open_current
from kb.vectors import VectorIndex, write_vectors
from tests.scale.servers import Milvus

DEPTH = 60
QUERIES = 400
THREADS = 4
NOISE = 0.6  # length of the noise beside a text's vector of length 1
_HEAD = Head("d", "t", None, "thread", False, False, None, None, None, "bench", "", None)


def vectors(count: int, seed: int) -> Vector:
    """`count` unit vectors around those of real texts."""
    path = open_current(nekb_home()).folder / "guidance" / "vectors.faiss"
    index: Any = faiss.read_index(str(path))
    real = index.reconstruct_n(0, index.ntotal)
    draw = np.random.default_rng(seed)
    out = np.empty((count, real.shape[1]), dtype=np.float32)
    for at in range(0, count, 50_000):
        size = min(50_000, count - at)
        part = real[draw.integers(0, len(real), size)]
        part = part + draw.standard_normal(part.shape, dtype=np.float32) * (NOISE / np.sqrt(real.shape[1]))
        out[at : at + size] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return out


def resident(pid: str = "self") -> float:
    """Resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def measured(
    search: Callable[[Vector, int], list[tuple[int, float]]], queries: Vector, exact: list[set[int]]
) -> dict[str, float]:
    """Recall of the first ten, times in ms of one question after another, questions a second from `THREADS` threads."""
    for q in queries[:20]:
        search(q, DEPTH)
    times, right = [], 0
    for q, truth in zip(queries, exact, strict=True):
        started = time.perf_counter()
        found = search(q, DEPTH)
        times.append((time.perf_counter() - started) * 1000)
        right += len({row for row, _ in found[:10]} & truth)
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda q: search(q, DEPTH), queries))
    rate = len(queries) / (time.perf_counter() - started)
    p50, p99 = np.percentile(times, (50, 99))
    return {
        "recall@10": round(right / (10 * len(queries)), 4),
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "per_second": round(rate, 1),
    }


def run(count: int, server: Milvus, pid: str) -> None:
    """Measure both at one size; the server's other collections are dropped before."""
    data, queries = vectors(count, 1), vectors(QUERIES, 2)
    exact = [set(np.argpartition(-(data @ q), 10)[:10].tolist()) for q in queries]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.faiss"
        started = time.perf_counter()
        kind = write_vectors(path, data)
        built = time.perf_counter() - started
        before = resident()
        local = VectorIndex(path)
        figures = measured(local.search, queries, exact)
        row = {"engine": "faiss", "type": kind, "count": count, **figures}
        row |= {"memory_mb": round(resident() - before, 1), "file_mb": round(path.stat().st_size / 1e6, 1)}
        print(json.dumps(row | {"publish_s": round(built, 1)}), flush=True)
        del local
    before = resident(pid)
    name = f"bench_{count}"
    started = time.perf_counter()
    done = Publisher(server.address).write(name, data, [_HEAD] * count, Silent())
    built = time.perf_counter() - started
    figures = measured(MilvusVectors(Connection(server.address), name).search, queries, exact)
    row = {"engine": "milvus", "type": "HNSW", "count": count, **figures}
    row |= {"memory_mb": round(resident(pid) - before, 1), "server_mb": round(resident(pid), 1)}
    print(json.dumps(row | {"publish_s": round(built, 1), "sample_recall": done.recall}), flush=True)
    Publisher(server.address).drop(name)


def main(counts: list[int]) -> None:
    """Start a server, measure each size."""
    with tempfile.TemporaryDirectory() as folder:
        server = Milvus(Path(folder) / "server")
        try:
            for count in counts:
                run(count, server, str(server.pid))
        finally:
            server.kill()
    print(json.dumps({"peak_client_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main([int(c) for c in sys.argv[1:]])
