"""Under load: snapshots change without a failed request, workers share one in memory, a server ends what it began."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Start, free_port, listener

SECONDS = float(os.environ.get("NEKB_LOAD_SECONDS", "30"))
SWAP_EVERY = 5.0
QUESTIONS = ("code 8 hotspot", "NEVPNErrorDomain Code=5", "filter works from Xcode but not TestFlight", "best pizza")


def publish(home: Path, source: Path, id: str, *, broken: bool = False) -> None:
    """A copy of a snapshot under another id, published; a broken one has lost its vectors."""
    folder = home / "snapshots" / id
    shutil.copytree(source, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"id": id}))
    if broken:
        (folder / "guidance" / "vectors.faiss").write_bytes(b"junk")
    (home / ".next").write_text(id + "\n")
    (home / ".next").replace(home / "current")


def ask_until(stop: threading.Event, address: str, seen: Counter[str]) -> None:
    """Ask over one connection and count what comes back: the snapshot that answered, or the failure."""
    with httpx.Client(base_url=address, timeout=60) as client:
        at = 0
        while not stop.is_set():
            at += 1
            try:
                answer = client.post("/v1/ask", json={"query": QUESTIONS[at % len(QUESTIONS)]})
                good = answer.status_code == 200 and answer.json()["snapshot"]["id"]
                seen[good or f"failed: {answer.status_code} {answer.text[:200]}"] += 1
            except httpx.HTTPError as error:
                seen[f"failed: {error!r}"] += 1


@pytest.mark.slow
def test_snapshots_are_swapped_under_load_without_a_failed_request(serving: Start, own_home: Path) -> None:
    client = serving("--rate", "1000000/minute")
    source = own_home / "snapshots" / (own_home / "current").read_text().strip()
    stop, seen = threading.Event(), Counter[str]()
    threads = [threading.Thread(target=ask_until, args=(stop, str(client.base_url), seen)) for _ in range(4)]
    for thread in threads:
        thread.start()
    published, ends = [], time.monotonic() + SECONDS
    while time.monotonic() < ends:
        id = f"swap-{len(published)}"
        publish(own_home, source, id, broken=len(published) % 3 == 2)
        published.append(id)
        if len(published) > 4:
            shutil.rmtree(own_home / "snapshots" / published[-5])
        time.sleep(SWAP_EVERY)
    stop.set()
    for thread in threads:
        thread.join()
    failures = {what: times for what, times in seen.items() if what.startswith("failed")}
    assert not failures, failures
    sound = {id for at, id in enumerate(published) if at % 3 != 2}
    assert len(sound & set(seen)) >= len(sound) - 1
    assert not (set(published) - sound) & set(seen)
    print(f"{sum(seen.values())} requests, {len(published)} snapshots, no failure")


def _mapped(pid: int) -> dict[str, int]:
    """The snapshot's files that a process has mapped, and the KiB of each that it changed and so holds alone."""
    mapped: dict[str, int] = {}
    name = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            name = words[-1] if "/snapshots/" in words[-1] else ""
        elif name and words[0] == "Private_Dirty:":
            mapped[name] = mapped.get(name, 0) + int(words[1])
    return mapped


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's smaps")
def test_workers_share_the_snapshot_in_memory(own_home: Path, tmp_path: Path) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "api.cli",
                "serve",
                "--port",
                str(port),
                "--workers",
                "4",
                "--rate",
                "100000/minute",
            ],
            env=os.environ | {"NEKB_HOME": str(own_home)},
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 240
        while (tmp_path / "log").read_text().count("worker_started") < 4:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
        )
        workers = [mapped for pid in listed.stdout.split() if (mapped := _mapped(int(pid)))]
        assert len(workers) == 4
        assert all(set(w) == set(workers[0]) for w in workers)
        assert sum(sum(w.values()) for w in workers) == 0  # not one page of theirs is a worker's own
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.slow
def test_a_server_ends_what_it_began(serving: Start) -> None:
    client = serving()
    pid = listener(client.base_url.port or 0)
    log = "2026-02-03 10:11:12.345 App[512:9001] NEVPNErrorDomain Code=5 tick\n" * 800
    body = json.dumps({"query": log}).encode()

    def stopping() -> Iterator[bytes]:
        """A body that the server has half of when it is told to stop."""
        yield body[:1_000]
        time.sleep(0.5)  # until that half has been read
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.5)
        yield body[1_000:]

    answer = client.post("/v1/ask", content=stopping(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    with pytest.raises(httpx.ConnectError):  # it listened no more while that was answered
        client.get("/healthz")
