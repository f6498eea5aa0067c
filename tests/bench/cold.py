"""Cold: whole processes on a warm disk, nekb beside the tutorial's script, in turns.

    python -m tests.bench.cold [ROUNDS]

Same model, same passages, same question. The tutorial's index is built before. Prints the seconds of each round and
the ratio, by the clock and on the processor, as one JSON object.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import faiss

from kb.home import nekb_home
from kb.snapshot import Snapshot, open_current
from tests.bench.corpus import passages

QUESTION = "code 8 hotspot"
TUTORIAL = str(Path(__file__).with_name("tutorial.py"))
NEKB = [sys.executable, "-m", "api.cli"]


def run(*command: str) -> tuple[float, float]:
    """Seconds by the clock and on the processor of a whole process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=os.environ)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(snapshot: Snapshot, folder: Path) -> None:
    """The tutorial's index over the guidance passages, with the vectors that nekb has of them."""
    path = snapshot.folder / "guidance" / "vectors.faiss"
    faiss.write_index(faiss.read_index(str(path)), str(folder / "tutorial.faiss"))
    (folder / "tutorial.json").write_text(json.dumps(passages(snapshot)))


def measure(rounds: int) -> dict[str, Any]:
    """Both in turns; the first round warms the disk and is not counted."""
    found: dict[str, list[tuple[float, float]]] = {"help": [], "nekb": [], "tutorial": []}
    with tempfile.TemporaryDirectory() as scratch:
        prepare(open_current(nekb_home()), Path(scratch))
        for at in range(rounds + 1):
            one = {
                "help": run(*NEKB, "--help"),
                "nekb": run(*NEKB, "ask", QUESTION),
                "tutorial": run(sys.executable, TUTORIAL, scratch, QUESTION),
            }
            for name, seconds in one.items():
                found[name] += [seconds] if at else []
    return {
        name: {"clock_s": [round(w, 3) for w, _ in times], "processor_s": [round(p, 3) for _, p in times]}
        for name, times in found.items()
    } | {
        "ratio_clock": [round(t[0] / n[0], 1) for t, n in zip(found["tutorial"], found["nekb"], strict=True)],
        "ratio_processor": [round(t[1] / n[1], 1) for t, n in zip(found["tutorial"], found["nekb"], strict=True)],
        "ratio_median": round(
            statistics.median(t[0] / n[0] for t, n in zip(found["tutorial"], found["nekb"], strict=True)), 1
        ),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5), indent=1))
