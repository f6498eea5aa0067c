"""A Slack on loopback: signs requests as Slack does, receives what the app sends, holds it to Block Kit's limits."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx

SECRET = "signing-secret-of-the-stub"


class SlackStub:
    """Collects `response_url` messages and Web API calls."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self._came = threading.Condition()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                kind = self.headers.get("content-type", "")
                body = json.loads(raw) if "json" in kind else {k: v[0] for k, v in parse_qs(raw.decode()).items()}
                with stub._came:
                    stub.received.append((self.path, body))
                    stub._came.notify_all()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"ok": true}')

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()

    def wait(self, count: int = 1, seconds: float = 20) -> list[tuple[str, dict[str, Any]]]:
        """The first `count` messages, in the order they came."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, seconds), self.received
            return self.received[:count]


def signed(body: bytes, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """Headers as Slack signs them: HMAC-SHA256 over version, timestamp and body."""
    stamp = str(int(time.time() if at is None else at))
    base = f"v0:{stamp}:".encode() + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}


def send_command(client: httpx.Client, stub: SlackStub, text: str, **headers: str) -> httpx.Response:
    """`/nekb <text>` typed by a person."""
    form = {
        "command": "/nekb",
        "text": text,
        "response_url": f"{stub.url}/response",
        "trigger_id": "1.2",
        "user_id": "U1",
        "team_id": "T1",
        "channel_id": "C1",
        "channel_name": "general",
        "api_app_id": "A1",
    }
    return post(client, urlencode(form).encode(), "application/x-www-form-urlencoded", **headers)


def send_action(client: httpx.Client, stub: SlackStub, action: dict[str, Any]) -> httpx.Response:
    """A button pressed."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T1"},
        "channel": {"id": "C1"},
        "api_app_id": "A1",
        "trigger_id": "1.2",
        "response_url": f"{stub.url}/response",
        "actions": [action],
        "container": {"type": "message", "channel_id": "C1"},
    }
    return post(client, urlencode({"payload": json.dumps(payload)}).encode(), "application/x-www-form-urlencoded")


def post(client: httpx.Client, body: bytes, kind: str, **headers: str) -> httpx.Response:
    """A signed request."""
    return client.post("/slack/events", content=body, headers={"content-type": kind} | (signed(body) | headers))


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Block Kit's limits, from Slack's reference: what is over them is refused by Slack as a whole."""
    assert 0 < len(blocks) <= 50
    for block in blocks:
        match block["type"]:
            case "section":
                assert 0 < len(block["text"]["text"]) <= 3000
            case "context":
                assert len(block["elements"]) <= 10
                assert all(len(e["text"]) <= 3000 for e in block["elements"])
            case "actions":
                assert 0 < len(block["elements"]) <= 25
                ids = [e["action_id"] for e in block["elements"]]
                assert len(ids) == len(set(ids))
                for element in block["elements"]:
                    assert 0 < len(element["text"]["text"]) <= 75
                    assert len(element["value"]) <= 2000
            case "context_actions":
                assert len(block["elements"]) <= 5
                for element in block["elements"]:
                    for name in ("positive_button", "negative_button"):
                        assert 0 < len(element[name]["text"]["text"]) <= 75
                        assert len(element[name]["value"]) <= 2000
            case other:
                raise AssertionError(f"a block of the type {other}")
