"""How a question's time grows with the documents, beside the encoder's own forward pass.

    python -m tests.bench.growth 200 1000 10000 100000

The guidance is the current snapshot's; documents are made of real passages (`tests.bench.corpus`), one passage each.
Each size is measured in a process of its own, on the questions of the evaluation, the encoder and the whole answer in
turns, since a machine's speed changes by the second. What needs no vector is read by a second thread while the first
encodes, so times are by the clock of a machine that does nothing else; what the asking thread spends on its processor
stands beside them.
One JSON line a size for its build, then one for its questions. `--make FOLDER COUNT` and `--measure FOLDER/COUNT` do
the two apart, so that several sizes can be made at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kb.asking import ask
from kb.encoder import ASKED_TOKENS
from kb.evaluation.questions import read_questions
from kb.home import nekb_home, shipped_data
from kb.matching.question import Text
from kb.matching.threads import DEPTH
from kb.snapshot import Snapshot, open_current
from tests.bench.corpus import grow

ROUNDS = 5


def questions(limit: int) -> list[str]:
    """The questions of the evaluation, evenly taken."""
    found = [q.query for q in read_questions(shipped_data() / "evaluation" / "questions.jsonl")]
    return found[:: max(1, len(found) // limit)][:limit]


def timed(runs: Mapping[str, Callable[[str], object]], asked: list[str]) -> dict[str, dict[str, float]]:
    """Milliseconds of each call, in turns: p50 and p99 by the clock over `ROUNDS`, p50 on the thread's processor."""
    clock: dict[str, list[float]] = {name: [] for name in runs}
    processor: dict[str, list[float]] = {name: [] for name in runs}
    for query in asked * ROUNDS:
        for name, run in runs.items():
            wall, busy = time.perf_counter(), time.thread_time()
            run(query)
            processor[name].append(1000 * (time.thread_time() - busy))
            clock[name].append(1000 * (time.perf_counter() - wall))
    return {
        name: dict(zip(("p50_ms", "p99_ms"), np.percentile(clock[name], (50, 99)).round(2).tolist(), strict=True))
        | {"processor_p50_ms": round(float(np.median(processor[name])), 2)}
        for name in runs
    }


def recall(snapshot: Snapshot, vectors: Any, asked: list[str]) -> float:
    """Share of the ten nearest passages by exact search that the index finds."""
    found = 0
    for query in asked:
        vector = snapshot.encoder.encode(query, ASKED_TOKENS)
        exact = np.argsort(-np.vecdot(vectors, vector), kind="stable")[:10]
        found += len({row for row, _ in snapshot.documents.vectors.search(vector, DEPTH)[:10]} & set(exact.tolist()))
    return found / (10 * len(asked))


def resident() -> float:
    """Resident memory of this process in MB, files mapped into it included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def recall_of_words(snapshot: Snapshot, asked: list[str]) -> float:
    """Share of the ten best passages by all terms that the lexical leg finds; those that score alike count alike."""
    lexical = snapshot.documents.lexical
    found = []
    for query in asked:
        terms = Text(query, snapshot).terms
        exact = dict(lexical.scored(list(dict.fromkeys(terms)), 20_000))
        least = sorted(exact.values(), reverse=True)[:10]
        got = sorted((exact.get(row, 0.0) for row, _ in lexical.search(terms, DEPTH)), reverse=True)[:10]
        found += [score >= least[-1] - 1e-6 for score in got] if least else []
    return float(np.mean(found))


def legs(snapshot: Snapshot, asked: list[str]) -> dict[str, dict[str, float]]:
    """Milliseconds of each leg alone, for the passages that an answer asks of it."""
    space = snapshot.documents
    read = {q: Text(q, snapshot) for q in asked}
    for text in read.values():
        _ = text.vector, text.terms
    runs: dict[str, Callable[[str], object]] = {
        "vectors": lambda q: space.vectors.search(read[q].vector, DEPTH),
        "lexical": lambda q: space.lexical.search(read[q].terms, DEPTH),
    }
    return {name: timed({name: run}, asked)[name] for name, run in runs.items()}


def measure(folder: Path) -> dict[str, Any]:
    """The figures of one grown snapshot, in this process."""
    snapshot = Snapshot(folder / "snapshot")
    asked = questions(100)
    for query in asked[:20]:
        ask(query, snapshot)
    condensed = {q: Text(q, snapshot).condensed.text for q in asked}
    times = timed(
        {
            "encoder": lambda q: snapshot.encoder.encode(condensed[q], ASKED_TOKENS),
            "ask": lambda q: ask(q, snapshot),
        },
        asked,
    )
    memory = resident()
    alone = legs(snapshot, asked)
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    files = [f for f in snapshot.folder.rglob("*") if f.is_file()]
    return {
        "documents": snapshot.manifest.documents,
        "type": snapshot.manifest.vectors["documents"],
        **times,
        "ask_to_encoder": round(times["ask"]["p50_ms"] / times["encoder"]["p50_ms"], 2),
        "p99_to_p50": round(times["ask"]["p99_ms"] / times["ask"]["p50_ms"], 2),
        "alone": alone,
        "memory_mb": round(memory),
        "recall_at_10": round(recall(snapshot, vectors, asked), 4),
        "recall_at_10_of_words": round(recall_of_words(snapshot, asked), 4),
        "disk_mb": round(sum(f.stat().st_size for f in files) / 1e6, 1),
    }


def make(base: Snapshot, folder: Path, count: int) -> dict[str, Any]:
    """Grow a snapshot in a folder, its vectors beside it; the seconds that the indexes took."""
    (folder / "snapshot").mkdir(parents=True)
    vectors, seconds = grow(base, folder / "snapshot", count)
    np.save(folder / "vectors.npy", vectors)
    return {"count": count, "build_s": {name: round(s, 1) for name, s in seconds.items()}}


def measured_apart(folder: Path) -> dict[str, Any]:
    """The same as `measure`, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.growth", "--measure", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main(counts: list[int], folder: Path) -> None:
    """Grow each size, then measure each, one after another on a machine that does nothing else."""
    base = open_current(nekb_home())
    for count in counts:
        print(json.dumps(make(base, folder / str(count), count)), flush=True)
    for count in counts:
        print(json.dumps(measured_apart(folder / str(count))), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--measure", folder]:
            print(json.dumps(measure(Path(folder))))
        case ["--make", folder, count]:
            print(json.dumps(make(open_current(nekb_home()), Path(folder) / count, int(count))))
        case counts:
            with tempfile.TemporaryDirectory() as scratch:
                main([int(c) for c in counts], Path(scratch))
