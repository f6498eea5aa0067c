"""What a whole request costs beside the encoder's forward pass, paired in one run; then wrk's view of it, and memory.

Usage: `python -m tests.bench.http_ask [ROUNDS]`, with a built snapshot in `NEKB_HOME`. Each round times, for the same
question of the evaluation and in turn: the encoder alone, `kb.ask()`, and `POST /v1/ask` over a kept connection to a
server of its own. Processor time is counted as well, because it says the same on a busy machine as on an idle one.
wrk, where it is installed, then asks the same questions of the same server, beside it on the same cores. At last the
memory of servers with one worker and with eight, each asked by sixteen connections before it is weighed.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from kb.asking import ask
from kb.encoder import ASKED_TOKENS
from kb.home import nekb_home
from kb.matching.question import Text
from kb.snapshot import Snapshot, open_current
from tests.api.conftest import listener, running
from tests.bench.growth import questions

QUESTIONS = questions(100)
CONNECTIONS = (1, 2, 8)
UNBOUNDED = ("--rate", "1000000/minute")


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of a call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def rounds(snapshot: Snapshot, address: str, count: int) -> dict[str, list[float]]:
    """The times of each layer."""
    connection = http.client.HTTPConnection(address)
    took: dict[str, list[float]] = {"encoder": [], "kb.ask": [], "POST /v1/ask": []}

    def post(query: str) -> None:
        connection.request("POST", "/v1/ask", json.dumps({"query": query}), {"Content-Type": "application/json"})
        assert connection.getresponse().read()

    for at in range(count + 20):
        query = QUESTIONS[at % len(QUESTIONS)]
        condensed = Text(query, snapshot).condensed.text
        layers: tuple[tuple[str, Callable[[], object]], ...] = (
            ("encoder", lambda text=condensed: snapshot.encoder.encode(text, ASKED_TOKENS)),
            ("kb.ask", lambda text=query: ask(text, snapshot)),
            ("POST /v1/ask", lambda text=query: post(text)),
        )
        for name, call in layers:
            if (ms := timed(call)) and at >= 20:  # the first rounds warm up
                took[name].append(ms)
    return took


def back_to_back(snapshot: Snapshot) -> float:
    """Milliseconds of the encoder at p50, with nothing between two questions that would take the cache from it."""
    texts = [Text(q, snapshot).condensed.text for q in QUESTIONS]
    return statistics.median(timed(lambda t=t: snapshot.encoder.encode(t, ASKED_TOKENS)) for t in texts * 3)  # type: ignore[misc]


def cpu(snapshot: Snapshot, address: str, count: int) -> str:
    """Processor time of each layer, of every thread: the server's is read from the kernel, to 10 ms in all."""
    server = listener(int(address.rpartition(":")[2]))
    texts = [Text(q, snapshot).condensed.text for q in QUESTIONS]
    connection = http.client.HTTPConnection(address)

    def post(at: int) -> None:
        body = json.dumps({"query": QUESTIONS[at % len(QUESTIONS)]})
        connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
        connection.getresponse().read()

    layers: tuple[tuple[str, Callable[[int], object], Callable[[], float]], ...] = (
        ("encoder", lambda at: snapshot.encoder.encode(texts[at % len(texts)], ASKED_TOKENS), time.process_time),
        ("kb.ask", lambda at: ask(QUESTIONS[at % len(QUESTIONS)], snapshot), time.process_time),
        ("POST /v1/ask", post, lambda: spent(server)),
    )
    lines = []
    for name, call, clock in layers:
        before = clock()
        for at in range(count):
            call(at)
        lines.append(f"{name:<14} {(clock() - before) / count * 1000:6.2f} ms of processor time")
    return "\n".join(lines)


def spent(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(address: str, connections: int, seconds: int) -> dict[str, float]:
    """What wrk sees: milliseconds at p50 and p99, requests a second, and answers that were none."""
    bodies = ",".join(f"[==[{json.dumps({'query': q})}]==]" for q in QUESTIONS)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f"local bodies, at = {{{bodies}}}, 0\n"
            "local headers = {['Content-Type'] = 'application/json'}\n"
            "request = function()\n"
            "  at = at % #bodies + 1\n"
            "  return wrk.format('POST', '/v1/ask', headers, bodies[at])\n"
            "end\n"
            "done = function(summary, latency)\n"
            "  local failed = 0\n"
            "  for _, count in pairs(summary.errors) do failed = failed + count end\n"
            "  io.write(string.format('FIGURES %f %f %f %d\\n', latency:percentile(50) / 1e3,"
            " latency:percentile(99) / 1e3, summary.requests / summary.duration * 1e6, failed))\n"
            "end\n"
        )
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, f"http://{address}/v1/ask"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = next(line for line in told.splitlines() if line.startswith("FIGURES")).split()[1:]
    return dict(zip(("p50_ms", "p99_ms", "a_second", "failed"), map(float, figures), strict=True))


def weighed(pid: int) -> float:
    """MB of a process and all that it started; what they share counts once (proportional set size)."""
    total, waiting = 0.0, [pid]
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        rollup = (folder / "smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024  # type: ignore[index]
        waiting += [
            int(child) for task in (folder / "task").iterdir() for child in (task / "children").read_text().split()
        ]
    return total


def memory(workers: int) -> float:
    """MB of a server with so many workers, after every one of them has answered."""
    with (
        tempfile.TemporaryDirectory() as logs,
        running(nekb_home(), Path(logs), *UNBOUNDED, "--workers", str(workers)) as client,
    ):
        load(address_of(client), 16, 10)
        return weighed(started_by(os.getpid()))


def started_by(pid: int) -> int:
    """The youngest process that a process has started."""
    children = (Path(f"/proc/{pid}/task/{pid}") / "children").read_text().split()
    return int(children[-1])


def address_of(client: httpx.Client) -> str:
    """Host and port of a running server."""
    return re.sub("^http://", "", str(client.base_url)).rstrip("/")


def main() -> None:
    """Measure and print."""
    snapshot = open_current(nekb_home())
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as logs, running(nekb_home(), Path(logs), *UNBOUNDED) as client:
        address = address_of(client)
        took = rounds(snapshot, address, count)
        encoder = statistics.median(took["encoder"])
        for name, times in took.items():
            p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
            print(f"{name:<14} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   {p50 / encoder:4.2f} times the encoder")
        print(cpu(snapshot, address, count))
        if not shutil.which("wrk"):
            return
        for connections in CONNECTIONS:
            before, seen, after = back_to_back(snapshot), load(address, connections, 10), back_to_back(snapshot)
            print(
                f"wrk, {connections} connections: p50 {seen['p50_ms']:.2f} ms   p99 {seen['p99_ms']:.2f} ms   "
                f"{seen['p50_ms'] / encoder:4.2f} times the encoder   {seen['a_second']:.0f} a second   "
                f"{seen['failed']:.0f} failed   (encoder back to back {before:.2f}, {after:.2f} ms)"
            )
    for workers in (1, 8):
        print(f"{workers} workers: {memory(workers):.0f} MB")


if __name__ == "__main__":
    main()
