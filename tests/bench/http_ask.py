"""What a whole request costs beside the encoder's forward pass, paired in one run; then wrk's view of it.

Usage: `python -m tests.bench.http_ask [ROUNDS]`, with a built snapshot in `NEKB_HOME`. Each round times, for the same
question and in turn: the encoder alone, `kb.ask()`, and `POST /v1/ask` over a kept connection to a server of its own.
Processor time is counted as well, because it says the same on a busy machine as on an idle one. wrk, where it is
installed, then loads the same server with 2 connections for 10 s.
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

from kb.asking import ask
from kb.encoder import ASKED_TOKENS
from kb.home import nekb_home
from kb.matching.question import Text
from kb.snapshot import Snapshot, open_current
from tests.api.conftest import listener, running

QUESTIONS = (
    "code 8 hotspot",
    "why does my packet tunnel stop passing traffic after the Mac wakes from sleep?",
    "Error Domain=NEVPNErrorDomain Code=5 when saving preferences on macOS 15.1",
    "content filter works from Xcode but not from TestFlight",
)


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
        condensed = Text(query, snapshot).condensed
        layers: tuple[tuple[str, Callable[[], object]], ...] = (
            ("encoder", lambda text=condensed: snapshot.encoder.encode(text, ASKED_TOKENS)),
            ("kb.ask", lambda text=query: ask(text, snapshot)),
            ("POST /v1/ask", lambda text=query: post(text)),
        )
        for name, call in layers:
            if (ms := timed(call)) and at >= 20:  # the first rounds warm up
                took[name].append(ms)
    return took


def cpu(snapshot: Snapshot, address: str, count: int) -> str:
    """Processor time of each layer, of every thread: the server's is read from the kernel, to 10 ms in all."""
    server = listener(int(address.rpartition(":")[2]))
    texts = [Text(q, snapshot).condensed for q in QUESTIONS]
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


def load(address: str) -> str:
    """wrk's report of 10 seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        body = json.dumps({"query": QUESTIONS[0]})
        script.write(f"wrk.method='POST'\nwrk.body='{body}'\nwrk.headers['Content-Type']='application/json'\n")
        script.flush()
        command = ["wrk", "-t1", "-c2", "-d10s", "--latency", "-s", script.name, f"http://{address}/v1/ask"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Measure and print."""
    snapshot = open_current(nekb_home())
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as logs, running(nekb_home(), Path(logs), "--rate", "1000000/minute") as client:
        address = re.sub("^http://", "", str(client.base_url)).rstrip("/")
        took = rounds(snapshot, address, count)
        encoder = statistics.median(took["encoder"])
        for name, times in took.items():
            p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
            print(f"{name:<14} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   {p50 / encoder:4.2f} times the encoder")
        print(cpu(snapshot, address, count))
        if shutil.which("wrk"):
            print(load(address))


if __name__ == "__main__":
    main()
