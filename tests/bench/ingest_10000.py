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
    """A zip of thread pages, each a title and a question of some thirty words that no other has."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(4000)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1, threads + 1):
            body = " ".join(draw.choices(words, k=draw.randint(20, 40)))
            question = Post(number * 10, f"<p>The {body}.</p><pre><code>code={number}</code></pre>", question=True)
            title = f"Why does {' '.join(draw.choices(words, k=5))} fail with {number}"
            page = Thread(number=number, title=title, question=question, replies=[])
            archive.writestr(f"{number:06}.html", page.html())


def _nekb(home: Path, *args: str) -> tuple[float, dict[str, Any]]:
    began = time.monotonic()
    environment = os.environ | {"NEKB_HOME": str(home)}
    done = subprocess.run([*NEKB, *args, "--json"], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return time.monotonic() - began, json.loads(done.stdout)


def _killed(home: Path, forum: Path, at: int) -> tuple[float, int]:
    """Begin to take the forum in and kill it once so many threads are read; the seconds and how many there were."""
    began = time.monotonic()
    environment = os.environ | {"NEKB_HOME": str(home)}
    command = [*NEKB, "ingest", "--no-build", str(forum)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = held = _count(home, "documents")
    while process.poll() is None and held < before + at:
        time.sleep(0.2)
        held = _count(home, "documents")
    process.send_signal(signal.SIGKILL)
    process.wait()
    return time.monotonic() - began, _count(home, "documents") - before


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
    seconds, read = _killed(home, forum, int(threads * KILLED_AT))
    yield {"step": "killed", "seconds": round(seconds, 1), "read": read}
    for step, command in (
        ("resumed", ("ingest", "--no-build", str(forum))),
        ("again, not built", ("ingest", "--no-build", str(forum))),
        ("build", ("build",)),
        ("again", ("ingest", str(forum))),
    ):
        before = _count(home, "vectors")
        seconds, report = _nekb(home, *command)
        told = {k: report[k] for k in ("new", "changed", "unchanged", "outcome", "passages") if k in report}
        embedded = _count(home, "vectors") - before
        yield {"step": step, "seconds": round(seconds, 1), "embedded": embedded} | told
    yield {"step": "store", "mb": round((home / "store.db").stat().st_size / 1e6, 1)}
    shutil.rmtree(folder)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for step in measure(count, Path(sys.argv[2]) if len(sys.argv) > 2 else None):
        print(json.dumps(step), flush=True)
