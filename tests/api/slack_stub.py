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
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class SlackStub:
    """Collects `response_url` messages and Web API calls."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.refuse: dict[str, dict[str, Any]] = {}  # what a method of the Web API answers instead of ok
        self.user, self.channel, self.trigger = "U1", "C1", 0
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
                said = stub.refuse.get(self.path.rpartition("/")[2])
                self.send_response(200 if said is None or "error" in said else 500)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(said if said is not None else {"ok": True}).encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def another(self) -> None:
        """Another person in another channel, and nothing received yet."""
        self.trigger += 1
        self.user, self.channel = f"U{self.trigger}", f"C{self.trigger}"
        self.refuse.clear()
        with self._came:
            self.received.clear()

    def press(self) -> str:
        """A trigger that no other request has."""
        self.trigger += 1
        return f"{self.trigger}.0"

    def environment(self) -> dict[str, str]:
        """What a server needs to take this for Slack."""
        return {"SLACK_SIGNING_SECRET": SECRET, "SLACK_BOT_TOKEN": "xoxb-stub", "SLACK_API_URL": f"{self.url}/api/"}

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


def command_form(stub: SlackStub, text: str) -> bytes:
    """The body of `/nekb <text>` typed by a person."""
    form = {
        "command": "/nekb",
        "text": text,
        "response_url": f"{stub.url}/response",
        "trigger_id": stub.press(),
        "user_id": stub.user,
        "team_id": "T1",
        "channel_id": stub.channel,
        "channel_name": "general",
        "api_app_id": "A1",
    }
    return urlencode(form).encode()


def send_command(client: httpx.Client, stub: SlackStub, text: str, **headers: str) -> httpx.Response:
    """`/nekb <text>` typed by a person."""
    return post(client, command_form(stub, text), FORM, **headers)


def send_action(client: httpx.Client, stub: SlackStub, action: dict[str, Any]) -> httpx.Response:
    """A button pressed."""
    payload = {
        "type": "block_actions",
        "user": {"id": stub.user, "team_id": "T1"},
        "team": {"id": "T1"},
        "channel": {"id": stub.channel},
        "api_app_id": "A1",
        "trigger_id": stub.press(),
        "response_url": f"{stub.url}/response",
        "actions": [action],
        "container": {"type": "message", "channel_id": "C1"},
    }
    return post(client, urlencode({"payload": json.dumps(payload)}).encode(), FORM)


def send_mention(client: httpx.Client, stub: SlackStub, text: str, **event: Any) -> httpx.Response:
    """The bot mentioned."""
    mention = {"type": "app_mention", "user": stub.user, "text": text, "ts": "10.1", "channel": stub.channel} | event
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event": mention,
        "event_id": f"E{stub.press()}",
    }
    return post(client, json.dumps(body).encode(), JSON)


def send_shortcut(client: httpx.Client, stub: SlackStub, message: dict[str, Any]) -> httpx.Response:
    """The message shortcut taken."""
    payload = {
        "type": "message_action",
        "callback_id": "nekb_ask_message",
        "trigger_id": stub.press(),
        "user": {"id": stub.user, "team_id": "T1"},
        "team": {"id": "T1"},
        "channel": {"id": stub.channel},
        "response_url": f"{stub.url}/response",
        "message": {"ts": "1.0"} | message,
        "message_ts": "1.0",
    }
    return post(client, urlencode({"payload": json.dumps(payload)}).encode(), FORM)


def send_view(
    client: httpx.Client, stub: SlackStub, kind: str, view: dict[str, Any], reason: str | None
) -> httpx.Response:
    """The modal sent off (`view_submission`) or closed (`view_closed`)."""
    state = {"values": {"reason": {"text": {"type": "plain_text_input", "value": reason}}}}
    payload = {
        "type": kind,
        "team": {"id": "T1"},
        "user": {"id": stub.user, "team_id": "T1"},
        "trigger_id": stub.press(),
        "view": view | {"id": "V1", "state": state},
    }
    return post(client, urlencode({"payload": json.dumps(payload)}).encode(), FORM)


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a message, which the Web API takes as a string too."""
    blocks: Any = message["blocks"]
    return list(json.loads(blocks) if isinstance(blocks, str) else blocks)


def check_next(client: httpx.Client, stub: SlackStub, count: int = 0) -> None:
    """Nothing came after the first `count` messages: a question is asked behind it all, and its answer is the next."""
    send_command(client, stub, "code 8 hotspot")
    (_, message) = stub.wait(count + 1)[count]
    assert "NEHotspotConfigurationErrorInternal" in texts(blocks_of(message))
    assert len(stub.received) == count + 1


def texts(blocks: list[dict[str, Any]]) -> str:
    """Everything that blocks say."""
    return json.dumps(blocks, ensure_ascii=False)


def buttons_of(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The buttons of a message by what they do, as Slack sends them when they are pressed."""
    found = {e["action_id"]: e for b in blocks_of(message) if b["type"] == "actions" for e in b["elements"]}
    return {name: {"type": "button", **element} for name, element in found.items()}


def votes_of(message: dict[str, Any]) -> dict[str, Any]:
    """The buttons of feedback below an answer."""
    return next(dict(b["elements"][0]) for b in blocks_of(message) if b["type"] == "context_actions")


def post(client: httpx.Client, body: bytes, kind: str, **headers: str) -> httpx.Response:
    """A signed request."""
    return client.post("/slack/events", content=body, headers={"content-type": kind} | (signed(body) | headers))


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Block Kit's limits, from Slack's reference: what is over them is refused by Slack as a whole."""
    assert 0 < len(blocks) <= 50
    named = [b["block_id"] for b in blocks if "block_id" in b]
    assert len(named) == len(set(named))
    for block in blocks:
        match block["type"]:
            case "section":
                assert 0 < len(block["text"]["text"]) <= 3000
                assert block["text"]["verbatim"] is True  # or Slack makes links and mentions of plain words
            case "context":
                assert len(block["elements"]) <= 10
                assert all(0 < len(e["text"]) <= 3000 and e["verbatim"] for e in block["elements"])
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
