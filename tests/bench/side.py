"""Side by side: nekb and what people would use instead, over the same passages and questions, in one run.

    pip install -e '.[bench]'
    python -m tests.bench.side [--all] [SYSTEM...]

Passages are what the cards of the current snapshot say, symptoms included; with `--all` the phrasings too, from which
nekb's classifier learns. Questions are those of the evaluation that were never tuned on and that a card answers. Each
system builds and asks in processes of its own, in turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kb.evaluation.metrics import hit, reciprocal_rank
from kb.evaluation.questions import LabelledQuestion, read_questions
from kb.home import nekb_home, shipped_data
from kb.snapshot import open_current
from tests.bench.corpus import passages

ROUNDS = 2
NAMES = ("nekb", "tutorial", "txtai", "chroma")


def run(name: str, folder: Path, what: str, given: object) -> dict[str, Any]:
    """One process of a system; its last line is its figures."""
    command = [sys.executable, "-m", "tests.bench.systems", name, str(folder), what]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} {what}: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def summary(found: dict[str, Any], asked: list[LabelledQuestion]) -> dict[str, float]:
    """What one round of a system comes to."""
    p50, p99 = np.percentile(found["processor_ms"], (50, 99))
    ranked = found["ranked"]
    return {
        "hit@1": float(np.mean([hit(r, q.expect, 1) for r, q in zip(ranked, asked, strict=True)])),
        "hit@3": float(np.mean([hit(r, q.expect, 3) for r, q in zip(ranked, asked, strict=True)])),
        "mrr": float(np.mean([reciprocal_rank(r, q.expect) for r, q in zip(ranked, asked, strict=True)])),
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "clock_p50_ms": float(np.median(found["clock_ms"])),
        "questions_a_second": 1000 / float(np.mean(found["processor_ms"])),
        "memory_mb": found["memory_mb"],
        "cold_s": found["cold"][1],
        "cold_clock_s": found["cold"][0],
    }


def main(names: list[str], rounds: int = ROUNDS) -> None:
    """Build each, then ask in turns; one JSON line a system and round."""
    asked = [q for q in read_questions(shipped_data() / "evaluation" / "questions.jsonl", "report") if q.in_scope]
    everything = "--all" in names
    names = [name for name in names if name != "--all"] or list(NAMES)
    corpus = passages(open_current(nekb_home()), phrasings=everything)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch) / name for name in names}
        for name, folder in folders.items():
            folder.mkdir()
            clock, processor = run(name, folder, "build", corpus)["build"]
            print(json.dumps({"system": name, "build_s": processor, "build_clock_s": clock}), flush=True)
        for at in range(rounds):
            for name, folder in folders.items():
                found = summary(run(name, folder, "ask", [q.query for q in asked]), asked)
                print(
                    json.dumps({"system": name, "round": at} | {k: round(v, 3) for k, v in found.items()}), flush=True
                )


if __name__ == "__main__":
    main(sys.argv[1:])
