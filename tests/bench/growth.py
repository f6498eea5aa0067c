"""How a question's time grows with the documents, beside the encoder's own forward pass.

    python -m tests.bench.growth 200 1000 10000 100000

The guidance is the current snapshot's; documents are made of real passages (`tests.bench.corpus`), one passage each.
Each size runs in a process of its own, on the questions of the evaluation. Everything in an answer is done by one
thread, so its time on the processor is what it takes on a quiet machine; the wall-clock time stands beside it.
One JSON line a size.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kb.asking import ask
from kb.evaluation.questions import read_questions
from kb.home import nekb_home, shipped_data
from kb.matching.question import Text
from kb.snapshot import Snapshot, open_current
from tests.bench.corpus import grow

ROUNDS = 5
SEARCHES = 200


def questions(limit: int) -> list[str]:
    """The questions of the evaluation, evenly taken."""
    found = [q.query for q in read_questions(shipped_data() / "evaluation" / "questions.jsonl")]
    return found[:: max(1, len(found) // limit)][:limit]


def timed(run: Callable[[str], object], asked: list[str]) -> dict[str, float]:
    """Milliseconds of a call: p50 and p99 on the processor, of each question's best of `ROUNDS`; p50 by the clock."""
    processor, clock = [], []
    for query in asked:
        mine = []
        for _ in range(ROUNDS):
            wall, busy = time.perf_counter(), time.thread_time()
            run(query)
            mine.append(1000 * (time.thread_time() - busy))
            clock.append(1000 * (time.perf_counter() - wall))
        processor.append(min(mine))
    p50, p99 = np.percentile(processor, (50, 99))
    return {"p50_ms": round(p50, 2), "p99_ms": round(p99, 2), "clock_p50_ms": round(float(np.median(clock)), 2)}


def recall(snapshot: Snapshot, vectors: Any, asked: list[str]) -> float:
    """Share of the ten nearest passages by exact search that the index finds."""
    found = 0
    for query in asked:
        vector = snapshot.encoder.encode(query)
        exact = np.argsort(-np.vecdot(vectors, vector), kind="stable")[:10]
        found += len({row for row, _ in snapshot.documents.vectors.search(vector, 60)[:10]} & set(exact.tolist()))
    return found / (10 * len(asked))


def resident() -> float:
    """Resident memory of this process in MB, files mapped into it included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def measure(folder: Path) -> dict[str, Any]:
    """The figures of one grown snapshot, in this process."""
    snapshot = Snapshot(folder)
    asked = questions(100)
    for query in asked[:20]:
        ask(query, snapshot)
    condensed = {q: Text(q, snapshot).condensed for q in asked}
    forward = timed(lambda q: snapshot.encoder.encode(condensed[q]), asked)
    answer = timed(lambda q: ask(q, snapshot), asked)
    ratio = answer["p50_ms"] / forward["p50_ms"]
    memory = resident()
    vectors = np.load(folder.parent / "vectors.npy", mmap_mode="r")
    return {
        "documents": snapshot.manifest.documents,
        "type": snapshot.manifest.vectors["documents"],
        "encoder": forward,
        "ask": answer,
        "ask_to_encoder": round(ratio, 2),
        "clock_ask_to_encoder": round(answer["clock_p50_ms"] / forward["clock_p50_ms"], 2),
        "memory_mb": round(memory),
        "recall_at_10": round(recall(snapshot, vectors, asked), 4),
        "disk_mb": round(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6, 1),
    }


def main(counts: list[int]) -> None:
    """Grow, measure in a process of its own, print."""
    base = open_current(nekb_home())
    for count in counts:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "snapshot"
            folder.mkdir()
            started, busy = time.perf_counter(), time.process_time()
            vectors = grow(base, folder, count)
            built = {
                "index_s": round(time.perf_counter() - started, 1),
                "index_cpu_s": round(time.process_time() - busy, 1),
            }
            np.save(Path(scratch) / "vectors.npy", vectors)
            command = [sys.executable, "-m", "tests.bench.growth", "--measure", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            print(json.dumps(json.loads(done.stdout) | built), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        main([int(a) for a in sys.argv[1:]])
