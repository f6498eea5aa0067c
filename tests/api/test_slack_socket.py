"""Socket Mode: `nekb slack` in a process of its own, against a stub of Slack's socket on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from sqlalchemy import Engine, insert, select

from api.records.database import open_database
from api.records.retention import since
from api.records.tables import questions
from tests.api.conftest import free_port
from tests.api.slack_stub import SlackStub, check_blocks

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 3.0  # seconds that Slack waits


class SocketStub:
    """Slack's end of the socket: gives its address, says hello, sends envelopes, takes acknowledgements."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, float] = {}
        self.token = ""
        self.connected = threading.Event()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._socket: web.WebSocketResponse | None = None
        threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True).start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        app = web.Application()
        app.add_routes(
            [
                web.post("/api/apps.connections.open", self._open),
                web.post("/api/auth.test", self._test),
                web.get("/link", self._link),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    async def _test(self, request: web.Request) -> web.Response:
        good = request.headers["authorization"] == "Bearer xoxb-secret-word"
        return web.json_response({"ok": True} if good else {"ok": False, "error": "invalid_auth"})

    async def _open(self, request: web.Request) -> web.Response:
        self.token = request.headers["authorization"]
        return web.json_response({"ok": True, "url": f"ws://127.0.0.1:{self.port}/link"})

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        self._socket = socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
        self.connected.set()
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                said = json.loads(message.data)
                self.acknowledged[said["envelope_id"]] = time.monotonic()
        return socket

    def send(self, kind: str, payload: dict[str, Any], id: str) -> float:
        """Send an envelope; seconds until it was acknowledged."""
        envelope = {"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": True}
        started = time.monotonic()
        assert self._socket is not None
        asyncio.run_coroutine_threadsafe(self._socket.send_json(envelope), self._loop).result(10)
        while id not in self.acknowledged:
            assert time.monotonic() - started < 20, "never acknowledged"
            time.sleep(0.002)
        return self.acknowledged[id] - started

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)


def environment_of(home: Path, port: int, bot: str = "xoxb-secret-word") -> dict[str, str]:
    return os.environ | {
        "NEKB_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "SLACK_BOT_TOKEN": bot,
        "SLACK_APP_TOKEN": "xapp-secret-word",
        "SLACK_API_URL": f"http://127.0.0.1:{port}/api/",
    }


@contextlib.contextmanager
def started(home: Path, log: Path) -> Iterator[tuple[SocketStub, SlackStub, subprocess.Popen[bytes]]]:
    """`nekb slack` on a data directory, connected."""
    socket, stub = SocketStub(), SlackStub()
    environment = environment_of(home, socket.port)
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "api.cli", "slack"], env=environment, stdout=out, stderr=out)
    try:
        assert socket.connected.wait(60), log.read_text()
        yield socket, stub, process
    finally:
        process.terminate()
        process.wait(30)
        socket.close()
        stub.close()


@pytest.fixture
def running(own_home: Path, tmp_path: Path) -> Iterator[tuple[SocketStub, SlackStub, Path]]:
    log = tmp_path / "slack.log"
    with started(own_home, log) as (socket, stub, _):
        yield socket, stub, log


def typed(stub: SlackStub, text: str) -> dict[str, Any]:
    return {"command": "/nekb", "text": text, "response_url": f"{stub.url}/response", "trigger_id": "1",
            "user_id": "U1", "team_id": "T1", "channel_id": "C1", "api_app_id": "A1"}  # fmt: skip


def asked(engine: Engine) -> list[str]:
    with engine.connect() as db:
        return [row.query for row in db.execute(select(questions.c.query).order_by(questions.c.id))]


@pytest.mark.slow
def test_old_questions_are_forgotten_and_the_last_one_is_kept(own_home: Path, tmp_path: Path) -> None:
    engine, log = open_database(own_home), tmp_path / "slack.log"
    row = {"query": "", "outcome": "no_match", "confidence": 0.1, "card": None, "surface": "slack"}
    with engine.begin() as db:
        db.execute(insert(questions), [row | {"query": f"{days} days ago", "at": since(days)} for days in (100, 10)])
    with started(own_home, log) as (socket, stub, process):
        deadline = time.monotonic() + 20
        while asked(engine) != ["10 days ago"]:
            assert time.monotonic() < deadline, asked(engine)
            time.sleep(0.1)
        socket.send("slash_commands", typed(stub, "code 8 hotspot"), "first")
        stub.wait()
        process.terminate()  # as services are stopped, while the question still waits to be written
        assert process.wait(30) == 0, log.read_text()
    assert asked(engine) == ["10 days ago", "code 8 hotspot"]
    assert "Stopped." in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_cold_socket_acknowledges_in_time_answers_once_and_logs_nothing_of_it(
    running: tuple[SocketStub, SlackStub, Path],
) -> None:
    socket, stub, log = running
    assert socket.token == "Bearer xapp-secret-word"
    took = socket.send("slash_commands", typed(stub, "code 8 hotspot private-word-xyzzy"), "first")
    print(f"socket: acknowledged after {took * 1000:.0f} ms")
    assert took < LIMIT
    message = stub.wait()[0][1]
    assert message["response_type"] == "ephemeral"
    check_blocks(message["blocks"])
    assert "NEHotspotConfigurationErrorInternal" in json.dumps(message["blocks"])
    button = next(e for b in message["blocks"] if b["type"] == "actions" for e in b["elements"])
    pressed = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "team": {"id": "T1"},
        "channel": {"id": "C1"},
        "response_url": f"{stub.url}/response",
        "actions": [button],
    }
    assert socket.send("interactive", pressed, "second") < LIMIT
    assert stub.wait(2)[1][1]["replace_original"] is True
    assert not [word for word in ("private-word", "secret-word") if word in log.read_text()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bot", "sentence"), [("xoxb-wrong", "refused a token: invalid_auth"), (None, "cannot be reached")]
)
def test_a_wrong_token_or_no_network_is_told_in_a_sentence(home: Path, bot: str | None, sentence: str) -> None:
    stub = SocketStub()
    environment = environment_of(home, stub.port if bot else free_port(), bot or "xoxb-secret-word")
    command = [sys.executable, "-m", "api.cli", "slack"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    stub.close()
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
