"""The watch: nothing missed and nothing sent twice, however often it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

RUNNER = Path(__file__).with_name("watch_runner.py")
ROOT = Path(__file__).resolve().parents[2]
WINDOW = 60  # items that the feed shows
NEVER = 10**9


class World:
    """A forum with a feed, a webhook and a Slack, on one port of loopback."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.hooked: list[str] = []
        self.posted: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/robots.txt":
                    self.answer(b"User-agent: *\nDisallow: /search/\n", "text/plain")
                else:
                    self.answer(world.feed(), "application/rss+xml")

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                with world.lock:
                    said = world.take(self.path, raw, self.headers.get("idempotency-key", ""))
                self.answer(json.dumps(said).encode(), "application/json")

            def answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the other side was killed
                    super().handle()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def grow(self, count: int = 1) -> None:
        for _ in range(count):
            self.threads.append(700_000 + len(self.threads))

    def feed(self) -> bytes:
        items = "".join(
            f"<item><title>Tunnel {n} goes quiet</title><link>https://developer.apple.com/forums/thread/{n}</link>"
            f"<description>My packet tunnel {n} carries nothing after wake.</description>"
            f"<pubDate>{formatdate(1_760_000_000 + n)}</pubDate></item>"
            for n in reversed(self.threads[-WINDOW:])
        )
        head = '<?xml version="1.0"?><rss version="2.0"><channel><title>f</title>'
        return f"{head}<link>https://developer.apple.com/forums/</link>{items}</channel></rss>".encode()

    def take(self, path: str, raw: bytes, key: str) -> dict[str, Any]:
        if path == "/hook":
            assert json.loads(raw)["key"] == key
            self.hooked.append(key)
            return {}
        if path == "/api/chat.postMessage":
            self.posted.append(json.loads(raw))
            return {"ok": True}
        assert path == "/api/conversations.history"
        query = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
        start = int(query.get("cursor", "0"))
        page = list(reversed(self.posted))[start : start + 3]  # small pages, so that the cursor is followed
        more = {"next_cursor": str(start + 3)} if start + 3 < len(self.posted) else {}
        return {"ok": True, "messages": page, "response_metadata": more}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Runner:
    """Starts watches one after another, each in a process of its own."""

    def __init__(self, home: Path, world: World, mode: str) -> None:
        self.home, self._world, self._mode = home, world, mode
        environment = os.environ | {"PYTHONPATH": str(ROOT), "NEKB_HOME": str(home)}
        with (home / "watch.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(RUNNER)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )
        self._pid = 0

    def start(self, calls: int) -> None:
        """Start a watch and wait until it begins."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(self.home), self._world.url, self._mode, calls]) + "\n")
        said = [self._line(), self._line()]
        assert "ready" in said, (said, self.log())
        self._pid = int(next(line for line in said if line.startswith("pid ")).removeprefix("pid "))

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        line = self._line()
        assert line.startswith("status "), (line, self.log())
        return int(line.removeprefix("status "))

    def log(self) -> str:
        return (self.home / "watch.log").read_text()[-3000:]

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def clean_run(runner: Runner) -> float:
    """A run that ends by itself; how many seconds it took once it had begun."""
    runner.start(0)
    started = time.monotonic()
    assert runner.wait() == 0, runner.log()
    return time.monotonic() - started


def killed_and_restarted(home: Path, world: World, mode: str, times: int, seed: int) -> None:
    """Half of the kills come after some number of nekb's calls, half at a random moment from outside."""
    dice, runner = random.Random(seed), Runner(home, world, mode)
    world.grow(3)
    clean_run(runner)
    world.grow(1)
    took = clean_run(runner)
    before, lines = list(world.threads)[:3], home / "threads.jsonl"
    for at in range(times):
        waiting = len(world.threads) - len(before) - (len(lines.read_text().splitlines()) if lines.exists() else 0)
        world.grow(dice.randint(0, 2) if waiting < WINDOW // 2 else 0)  # what leaves the feed unseen is lost to anybody
        calls = int(10 ** dice.uniform(2, 4.6)) if at % 2 else NEVER
        runner.start(calls)
        if calls == NEVER:
            time.sleep(dice.uniform(0, 2 * took))
            runner.kill()
        assert runner.wait() == -9, runner.log()
    clean_run(runner)
    runner.close()
    expected = {f"thread-{n}" for n in world.threads if n not in before}
    assert expected
    in_file = Counter(json.loads(line)["key"] for line in lines.read_text().splitlines())
    in_slack = Counter(m["metadata"]["event_payload"]["key"] for m in world.posted)
    hooked = Counter(dict.fromkeys(world.hooked, 1))  # a webhook is told the key, and drops what it has
    for arrived in (in_file, in_slack, hooked):
        assert {key for key in arrived if not key.startswith("digest:")} == expected
        assert set(arrived.values()) == {1}
    print(f"{times} kills, {len(expected)} threads, {len(world.hooked) - len(hooked)} posted to the webhook again")


@pytest.mark.slow
def test_killed_and_restarted_it_misses_nothing_and_sends_nothing_twice(tmp_path: Path, world: World) -> None:
    killed_and_restarted(tmp_path, world, "light", 10, seed=int(os.environ.get("NEKB_TEST_SEED", "7")))


@pytest.mark.slow
def test_killed_and_restarted_a_hundred_times(tmp_path: Path, world: World) -> None:
    killed_and_restarted(tmp_path, world, "light", 100, seed=11)


@pytest.mark.slow
def test_killed_and_restarted_with_the_real_judgement(own_home: Path, world: World) -> None:
    killed_and_restarted(own_home, world, "real", 6, seed=12)
