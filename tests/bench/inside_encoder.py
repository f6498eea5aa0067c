"""How much of a build is spent inside the encoder: one build of a made-up forum, from nothing.

    python -m tests.bench.inside_encoder [THREADS]

Two shares of the build's time by the clock are printed: of the stage that embeds, and of all cores' time that is inside
the encoder itself. One line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

from ingest.build import build
from kb.encoder import MAX_TOKENS, QueryEncoder, Vector
from tests.bench.ingest_10000 import run_nekb, write_forum


class Watched:
    """Seconds inside the encoder, of all threads, and by the clock from the first text to the last."""

    def __init__(self) -> None:
        self.inside, self.texts = 0.0, 0
        self.began, self.ended = float("inf"), 0.0
        self._lock, self._encode = threading.Lock(), QueryEncoder.encode

    def encode(self, encoder: QueryEncoder, text: str, limit: int = MAX_TOKENS) -> Vector:
        """As the encoder's own, and counted."""
        began = time.perf_counter()
        vector = self._encode(encoder, text, limit)
        ended = time.perf_counter()
        with self._lock:
            self.inside, self.texts = self.inside + ended - began, self.texts + 1
            self.began, self.ended = min(self.began, began), max(self.ended, ended)
        return vector


def measure(threads: int) -> dict[str, float]:
    """Build once; the shares, the cores that were busy, the texts a second."""
    with tempfile.TemporaryDirectory() as scratch:
        home, forum = Path(scratch) / "home", Path(scratch) / "forum.zip"
        write_forum(forum, threads)
        run_nekb(home, "ingest", "--no-build", str(forum))
        watched = Watched()
        # a bound method would not be given the encoder it is called on
        QueryEncoder.encode = lambda *told: watched.encode(*told)  # type: ignore[method-assign]  # noqa: PLW0108
        before = resource.getrusage(resource.RUSAGE_SELF)
        report = build(home)
        after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cores = os.cpu_count() or 1
    return {
        "passages": report.passages,
        "texts": watched.texts,
        "build_s": round(report.seconds, 1),
        "embedding_share": round((watched.ended - watched.began) / report.seconds, 3),
        "inside_share": round(watched.inside / cores / report.seconds, 3),
        "cores_busy": round(processor / report.seconds, 2),
        "texts_per_second": round(watched.texts / (watched.ended - watched.began), 1),
        "memory_mb": round(after.ru_maxrss / 1024),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
