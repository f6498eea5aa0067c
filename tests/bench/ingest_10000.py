"""Ten thousand threads of a made-up forum: taken in, killed on the way, gone on with, built, taken in again unchanged.

Run it as `python -m tests.bench.ingest_10000 [THREADS] [HOME]`; HOME may be a data directory whose vectors of the
guidance are reused. It prints a line of JSON a step.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.store import Store
from tests.ingest.pages import Post, Thread

NEKB = [sys.executable, "-m", "api.cli"]
SYLLABLES = (
    "ka",
    "ket",
    "tle",
    "pur",
    "ple",
    "tun",
    "nel",
    "fil",
    "ter",
    "cat",
    "cup",
    "pot",
    "spo",
    "wa",
    "ve",
    "ro",
    "pac",
    "mi",
)
KILLED_AT = 0.4  # of the threads


def write_forum(path: Path, threads: int, seed: int = 8) -> None:
    """A zip of thread pages: each a title, a question and an answer, of some thirty words each that no other has."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(4000)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1, threads + 1):
            asked, said = (" ".join(draw.choices(words, k=draw.randint(20, 40))) for _ in range(2))
            question = Post(number * 10, f"<p>The {asked}.</p><pre><code>code={number}</code></pre>", question=True)
            answer = Post(number * 10 + 1, f"<p>Try the {said}.</p>", author="DTS Engineer", apple=True, hour=1)
            title = f"Why does {' '.join(draw.choices(words, k=5))} fail with {number}"
            page = Thread(number=number, title=title, question=question, replies=[answer])
            archive.writestr(f"{number:06}.html", page.html())


def run_nekb(home: Path, *args: str) -> tuple[dict[str, float], dict[str, Any]]:
    """What a command took, and what it said."""
    began = time.monotonic()
    process = _begin(home, *args, "--json", stdout=subprocess.PIPE)
    assert process.stdout
    said = process.stdout.read()
    took = _took(process, began)
    assert process.returncode == 0, f"nekb {' '.join(args)} ended with {process.returncode}"
    return took, json.loads(said)


def _killed(home: Path, what: str, at: int, *args: str) -> tuple[dict[str, float], int]:
    """Begin a command and kill it once so many more of something are held; what it took and how many there were."""
    began, before = time.monotonic(), _count(home, what)
    process = _begin(home, *args, stdout=subprocess.DEVNULL)
    while process.poll() is None and _count(home, what) < before + at:
        time.sleep(0.2)
    assert process.poll() is None, "it was done before it could be killed"
    process.send_signal(signal.SIGKILL)
    return _took(process, began), _count(home, what) - before


def _begin(home: Path, *args: str, stdout: int) -> subprocess.Popen[str]:
    environment = os.environ | {"NEKB_HOME": str(home)}
    return subprocess.Popen([*NEKB, *args], env=environment, stdout=stdout, stderr=subprocess.DEVNULL, text=True)


def _took(process: subprocess.Popen[str], began: float) -> dict[str, float]:
    """Wait for its end: seconds by the clock and of the processor."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    return {"seconds": round(seconds, 1), "processor": round(used.ru_utime + used.ru_stime, 1)}


def _count(home: Path, what: str) -> int:
    with Store(home) as store:
        return store.counts()[what]


def measure(threads: int, reused: Path | None) -> Iterator[dict[str, object]]:
    """Seconds and counts of each step, as each is done."""
    folder = Path(tempfile.mkdtemp())
    home, forum = folder / "home", folder / "forum.zip"
    if reused:
        shutil.copytree(reused, home)
    write_forum(forum, threads)
    take_in = ("ingest", "--no-build", str(forum))
    took, read = _killed(home, "documents", int(threads * KILLED_AT), *take_in)
    yield {"step": "take in, killed", "read": read} | took
    yield from _steps(home, {"take in, resumed": take_in, "take in again": take_in})
    took, embedded = _killed(home, "vectors", int(threads * KILLED_AT), "build")
    yield {"step": "build, killed", "embedded": embedded} | took
    whole = ("ingest", str(forum))
    yield from _steps(home, {"build, resumed": ("build",), "build again": ("build",), "take in and build again": whole})
    files = [f for f in home.rglob("*") if f.is_file()]
    yield {"step": "disk", "pages_mb": _mb([forum]), "store_mb": _mb([home / "store.db"]), "home_mb": _mb(files)}
    shutil.rmtree(folder)


def _steps(home: Path, commands: dict[str, tuple[str, ...]]) -> Iterator[dict[str, object]]:
    for step, command in commands.items():
        before = _count(home, "vectors")
        took, report = run_nekb(home, *command)
        told = {k: report[k] for k in ("new", "changed", "unchanged", "outcome", "passages") if k in report}
        yield {"step": step, "embedded": _count(home, "vectors") - before} | told | took


def _mb(files: list[Path]) -> float:
    return round(sum(f.stat().st_size for f in files) / 1e6, 1)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for step in measure(count, Path(sys.argv[2]) if len(sys.argv) > 2 else None):
        print(json.dumps(step), flush=True)
