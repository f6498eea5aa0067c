"""A running server and its client, over real sockets."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from api.records import database
from tests.api.slack_stub import SlackStub

Start = Callable[..., httpx.Client]


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(home: Path, logs: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[httpx.Client]:
    """`nekb serve` with options and environment; a client of it. The log is `serve-<port>.log` in `logs`."""
    port = free_port()
    path = logs / f"serve-{port}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--port", str(port), *options],
            env=os.environ | {"NEKB_HOME": str(home)} | (environment or {}),
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _wait_until_ready(process, client, path)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)


def logged(folder: Path) -> str:
    """What servers have logged to a folder so far: a line follows its answer, so it is whole only once they stop."""
    return "".join(path.read_text() for path in folder.glob("serve-*.log"))


def _wait_until_ready(process: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not become ready: " + log.read_text())


@pytest.fixture
def serving(own_home: Path, tmp_path: Path) -> Iterator[Start]:
    """Start `nekb serve` with options and environment; a client of it comes back. All are stopped at the end."""
    with contextlib.ExitStack() as started:

        def start(*options: str, home: Path = own_home, environment: dict[str, str] | None = None) -> httpx.Client:
            return started.enter_context(running(home, tmp_path, *options, environment=environment))

        yield start


def listener(port: int) -> int:
    """The process of the server that was started for a port."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"serve\0--port\0{port}\0" in (folder / "cmdline").read_text():
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError("no such server")


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Records that wait a second for another writer."""
    monkeypatch.setattr(database, "_WAIT", 1)
    made = database._engine.__wrapped__(f"sqlite:///{tmp_path / 'records.db'}")
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def slack_server(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, SlackStub, Path]]:
    """One server for the module, its stub of Slack, and the folder of its log and its data directory."""
    folder = tmp_path_factory.mktemp("slack")
    shutil.copytree(home, folder / "home")
    stub = SlackStub()
    with running(folder / "home", folder, environment=stub.environment()) as client:
        yield client, stub, folder
    stub.close()


@pytest.fixture
def slack(slack_server: tuple[httpx.Client, SlackStub, Path]) -> httpx.Client:
    """A client of the module's server."""
    return slack_server[0]


@pytest.fixture
def stub(slack_server: tuple[httpx.Client, SlackStub, Path]) -> SlackStub:
    """The Slack of the module's server, with a person and a channel that no other test has."""
    slack_server[1].another()
    return slack_server[1]


@pytest.fixture
def folder(slack_server: tuple[httpx.Client, SlackStub, Path]) -> Path:
    """The folder with `home` and the log of the module's server."""
    return slack_server[2]
