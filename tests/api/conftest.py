"""A running server and its client, over real sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

Start = Callable[..., httpx.Client]


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serving(own_home: Path, tmp_path: Path) -> Iterator[Start]:
    """Start `nekb serve` with options and environment; a client of it comes back. All are stopped at the end."""
    started: list[tuple[subprocess.Popen[bytes], httpx.Client]] = []

    def start(*options: str, home: Path = own_home, environment: dict[str, str] | None = None) -> httpx.Client:
        port = free_port()
        log = (tmp_path / f"serve-{port}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--port", str(port), *options],
            env=os.environ | {"NEKB_HOME": str(home)} | (environment or {}),
            stdout=log,
            stderr=log,
        )
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        started.append((process, client))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, log.name and Path(log.name).read_text()
            try:
                if client.get("/readyz").status_code == 200:
                    return client
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server did not become ready: " + Path(log.name).read_text())

    yield start
    for process, client in started:
        client.close()
        process.terminate()
        process.wait(timeout=30)
