"""What of Slack's requests is refused, and that nothing of it is called, answered or logged."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from slack_bolt.async_app import AsyncBoltRequest

from api.records.database import open_database
from api.slack.app import slack_app
from api.slack.desk import Desk, SlackSettings
from tests.api.conftest import logged, running
from tests.api.slack_stub import (
    FORM,
    JSON,
    SECRET,
    SlackStub,
    check_next,
    command_form,
    post,
    send_command,
    send_mention,
    signed,
)


def malformed(body: bytes) -> dict[str, list[tuple[str, str | bytes]]]:
    """Headers of an unsigned request that a verifier may stumble over."""
    stamp, signature = "X-Slack-Request-Timestamp", "X-Slack-Signature"
    now, good, zeros = str(int(time.time())), signed(body)[signature], "v0=" + "0" * 64
    return {
        "a word for a time": [(stamp, "abc"), (signature, "v0=00")],
        "no time": [(stamp, ""), (signature, zeros)],
        "a time of 5,000 digits": [(stamp, "1" * 5000), (signature, zeros)],
        "a time below zero": [(stamp, "-1"), (signature, zeros)],
        "a signature that is not ASCII": [(stamp, now), (signature, "v0=é".encode())],
        "a signature of 64 letters that are not ASCII": [(stamp, now), (signature, "v0=" + "é" * 64)],
        "two times": [(stamp, now), (stamp, "abc"), (signature, good)],
        "two signatures": [(stamp, now), (signature, good), (signature, "v0=é".encode())],
    }


@pytest.mark.parametrize("spoil", list(malformed(b"")))
def test_a_request_with_malformed_headers_is_refused_and_makes_the_server_call_nobody(
    slack: httpx.Client, stub: SlackStub, folder: Path, spoil: str
) -> None:
    event = {"type": "app_mention", "user": "U1", "text": "private-word-xyzzy", "ts": "1.1", "channel": "C0SECRET"}
    mention = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Eforged", "event": event}
    command = command_form(stub, "private-word-xyzzy")
    for body, kind in ((command, FORM), (b"ssl_check=1&" + command, FORM), (json.dumps(mention).encode(), JSON)):
        headers = [("Content-Type", kind), *malformed(body)[spoil]]
        raw = [(name, value.encode() if isinstance(value, str) else value) for name, value in headers]
        refused = slack.post("/slack/events", content=body, headers=[(n.encode(), v) for n, v in raw])
        assert (refused.status_code, refused.content) == (401, b"")
    check_next(slack, stub)
    assert "xyzzy" not in logged(folder)


def test_where_bolt_fails_before_it_has_verified_a_request_nobody_is_told(stub: SlackStub, tmp_path: Path) -> None:
    """The route lets nothing of the kind through; the handler of errors does not rest on that."""
    settings = SlackSettings("xoxb-stub", SECRET, api_base=f"{stub.url}/api/")
    app = slack_app(settings, Desk(lambda: pytest.fail("not asked"), open_database(tmp_path)))
    event = {"type": "app_mention", "user": "U1", "text": "hi", "ts": "1.1", "channel": "C0SECRET"}
    mention = json.dumps({"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": event})
    for body, kind in ((command_form(stub, "hi").decode(), FORM), (mention, JSON)):
        headers = {"content-type": kind, "x-slack-request-timestamp": "abc", "x-slack-signature": "v0=00"}
        answered = asyncio.run(app.async_dispatch(AsyncBoltRequest(body=body, headers=headers)))
        assert answered.status == 500
    assert stub.received == []


@pytest.mark.parametrize("spoil", ["signature", "secret", "old", "future", "missing", "replayed on another body"])
def test_forged_stale_and_bare_requests_are_refused_and_not_logged(
    slack: httpx.Client, stub: SlackStub, folder: Path, spoil: str
) -> None:
    body = b"command=%2Fnekb&text=private-word-xyzzy&response_url=" + stub.url.encode()
    headers = {
        "signature": signed(body) | {"X-Slack-Signature": "v0=" + "0" * 64},
        "secret": signed(body, secret="another"),
        "old": signed(body, at=time.time() - 600),
        "future": signed(body, at=time.time() + 600),
        "missing": {},
        "replayed on another body": signed(b"command=%2Fnekb&text=other"),
    }[spoil]
    assert slack.post("/slack/events", content=body, headers={"content-type": FORM} | headers).status_code == 401
    check_next(slack, stub)
    assert "xyzzy" not in logged(folder)


@pytest.mark.slow
def test_a_replayed_request_is_refused_by_this_and_by_another_worker(
    slack: httpx.Client, stub: SlackStub, folder: Path, home: Path, tmp_path: Path
) -> None:
    body = command_form(stub, "code 8 hotspot private-word-xyzzy")
    headers = {"content-type": FORM} | signed(body)
    assert [slack.post("/slack/events", content=body, headers=headers).status_code for _ in range(3)] == [200, 401, 401]
    with running(folder / "home", tmp_path, environment=stub.environment()) as other:
        assert other.post("/slack/events", content=body, headers=headers).status_code == 401
    stub.wait(1)
    check_next(slack, stub, 1)
    assert "xyzzy" not in logged(folder) + logged(tmp_path)


def test_a_question_is_never_logged_even_where_it_fails(slack: httpx.Client, stub: SlackStub, folder: Path) -> None:
    send_command(slack, stub, "private-word-xyzzy " * 100)
    send_command(slack, stub, "\x00\x01private-word-xyzzy\x02")
    send_mention(slack, stub, "<@U0> private-word-xyzzy", channel=None)
    stub.wait(2)
    post(slack, urlencode({"payload": json.dumps({"type": "block_actions", "actions": []})}).encode(), FORM)
    check_next(slack, stub, 2)
    assert "xyzzy" not in logged(folder)


def test_an_oversized_or_broken_body_is_refused(slack: httpx.Client) -> None:
    assert post(slack, b"x" * (300 << 10), FORM).status_code == 413
    assert post(slack, b"\xff\xfe\xfa", FORM).status_code == 400
    for body in (
        b"",
        b"payload=%7B",
        b"payload=[]",
        b"payload=null",
        b'{"type": "event_callback", "event": 3}',
        b"[1]",
        urlencode({"payload": json.dumps({"type": "block_actions", "actions": []})}).encode(),
    ):
        kind = "application/json" if body[:1] in (b"{", b"[") else FORM
        assert 400 <= post(slack, body, kind).status_code < 500
        assert 400 <= slack.post("/slack/events", content=body, headers={"content-type": kind}).status_code < 500
    assert slack.get("/healthz").status_code == 200
