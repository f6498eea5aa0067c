"""Where a watch sends: what each target promises after a kill, what it says of a failure, what it refuses."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from api.addresses import web_address
from api.records import deliveries
from api.records.database import open_database
from api.triage.messages import digest_message
from api.triage.targets import FileTarget, SendError, SlackTarget, SlackWebhookTarget, WebhookTarget, post
from kb.errors import BadInputError


def delivery(in_doubt: bool = False, item: str = "thread-1") -> deliveries.Delivery:
    state = "sending" if in_doubt else "queued"
    return deliveries.Delivery(1, "t", item, state, "2026-11-20T07:00:00+00:00", 0, None, {}, None)


MESSAGE = digest_message("thread-1", {"since": "", "until": "2026-11-20T07:00:00", "threads": [], "problem": None})
LINE = json.dumps(MESSAGE, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("cut", [1, 10, len(LINE) - 1])
def test_a_torn_line_of_a_file_is_written_anew(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text('{"key": "other"}\n' + LINE[:cut])
    FileTarget(file).send(delivery(in_doubt=True), MESSAGE)
    assert file.read_text() == '{"key": "other"}\n' + LINE


def test_a_whole_line_of_a_file_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    FileTarget(file).send(delivery(), MESSAGE)
    FileTarget(file).send(delivery(in_doubt=True), MESSAGE)
    assert file.read_text() == LINE


def test_somebody_elses_unfinished_line_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("my own notes")
    FileTarget(file).send(delivery(), MESSAGE)
    assert file.read_text() == "my own notes\n" + LINE


@pytest.mark.parametrize("name", [b"out\xff.jsonl", b"x" * 100 + b"\xff.jsonl"])
def test_a_file_whose_name_is_no_text_is_remembered_and_written(tmp_path: Path, name: bytes) -> None:
    file = Path(os.fsdecode(bytes(tmp_path) + b"/" + name))
    target, engine = FileTarget(file), open_database(tmp_path)
    deliveries.note(engine, target.key, {"digest:2026-11-20": {}})
    [due] = deliveries.due(engine, target.key)
    target.send(due, MESSAGE)
    assert file.read_text() == LINE


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_what_is_no_file_is_refused_at_the_start(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/null")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.path.relpath(path))
    with pytest.raises(BadInputError, match="is no file") as raised:
        FileTarget(path)
    assert raised.value.code == "file"


def answering(status: int, body: object = None, seen: list[httpx.Request] | None = None) -> httpx.Client:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if status == 0:
            raise httpx.ReadTimeout("late")
        if status == 1:
            raise httpx.ConnectError("nobody")
        return httpx.Response(status, json=body, headers={"retry-after": "7"})

    return httpx.Client(transport=httpx.MockTransport(handle))


@pytest.mark.parametrize(
    ("status", "arrived", "wait"),
    [(0, True, None), (1, False, None), (500, True, None), (404, False, None), (302, False, None), (429, False, 7.0)],
)
def test_a_webhook_says_whether_the_message_may_have_arrived(status: int, arrived: bool, wait: float | None) -> None:
    secret = "https://hooks.example.com/secret-word"
    with pytest.raises(SendError) as raised:
        WebhookTarget(secret, answering(status)).send(delivery(), MESSAGE)
    assert (raised.value.arrived, raised.value.wait) == (arrived, wait)
    assert "secret" not in raised.value.what
    assert "secret" not in WebhookTarget(secret).key


def test_a_repeat_to_a_webhook_of_slack_says_so() -> None:
    seen: list[httpx.Request] = []
    target = SlackWebhookTarget("https://hooks.example.com/x", answering(200, "ok", seen))
    target.send(delivery(), MESSAGE)
    target.send(delivery(in_doubt=True), MESSAGE)
    assert ["Perhaps a repeat" in request.content.decode() for request in seen] == [False, True]


def test_without_the_scope_to_read_a_repeat_in_a_channel_says_so() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        history = request.url.path.endswith("conversations.history")
        return httpx.Response(200, json={"ok": False, "error": "missing_scope"} if history else {"ok": True})

    client = httpx.Client(transport=httpx.MockTransport(handle))
    SlackTarget("C0WATCHED", "xoxb-stub", client=client).send(delivery(in_doubt=True), MESSAGE)
    assert "Perhaps a repeat" in seen[-1].content.decode()


@pytest.mark.parametrize(
    ("tried", "oldest"),
    [("2025-11-20T07:00:00", "1763621400"), ("2999-01-01T00:00:00", "0"), ("1970-01-01T00:01:00", "0")],
)
def test_a_channel_is_asked_from_the_first_attempt_on_or_for_all_where_a_clock_was_wrong(
    tried: str, oldest: str
) -> None:
    seen: list[httpx.Request] = []
    client = answering(200, {"ok": True, "messages": []}, seen)
    doubtful = replace(delivery(in_doubt=True), tried_at=f"{tried}+00:00")
    SlackTarget("C0WATCHED", "xoxb-stub", client=client).send(doubtful, MESSAGE)
    assert parse_qs(seen[0].content.decode())["oldest"] == [oldest]


def test_a_refusal_of_slack_is_told_and_the_thread_waits() -> None:
    client = answering(200, {"ok": False, "error": "not_in_channel"})
    with pytest.raises(SendError, match="not_in_channel") as raised:
        SlackTarget("C0WATCHED", "xoxb-stub", client=client).send(delivery(), MESSAGE)
    assert raised.value.arrived is False


class Odd:
    """A Slack on loopback that takes every message with the answer `said`, and has `history` to show."""

    def __init__(self, said: bytes, history: bytes = b"{}") -> None:
        self.posted: list[str] = []
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"])).decode()
                read = self.path.endswith("conversations.history")
                if not read:
                    odd.posted.append(raw)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(history if read else said)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        api = f"http://127.0.0.1:{self._server.server_address[1]}/api/"
        self.target = SlackTarget("C0WATCHED", "xoxb-stub", api)

    def __enter__(self) -> Odd:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"[]", b"null", b'"x"', b"3", b"", b"<html>", b"\xff", b"[" * 100_000])
def test_an_answer_of_slack_that_is_no_object_is_a_failure_and_may_have_arrived(said: bytes) -> None:
    with Odd(said) as slack, pytest.raises(SendError) as raised:
        slack.target.send(delivery(), MESSAGE)
    assert raised.value.arrived is True


@pytest.mark.parametrize(
    ("history", "posted", "perhaps"),
    [
        (b'{"ok": true, "messages": null}', 1, True),
        (b'{"ok": true}', 1, True),
        (
            b'{"ok": true, "messages": [null, 3, "x", {"metadata": null}, {"metadata": {"event_payload": null}}]}',
            1,
            False,
        ),
        (b'{"ok": true, "messages": [], "response_metadata": null}', 1, False),
        (b'{"ok": true, "messages": [null, {"metadata": {"event_payload": {"key": "thread-1"}}}]}', 0, False),
    ],
)
def test_a_history_that_lacks_what_it_should_hold_is_read_as_far_as_it_goes(
    history: bytes, posted: int, perhaps: bool
) -> None:
    with Odd(b'{"ok": true}', history) as slack:
        slack.target.send(delivery(in_doubt=True), MESSAGE)
    assert len(slack.posted) == posted
    assert any("Perhaps a repeat" in message for message in slack.posted) is perhaps


@pytest.mark.parametrize("token", ["xoxb-secrét", "xoxb-sec\nrét", "xoxb-sec ret", " "])
def test_a_token_that_no_header_can_carry_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(BadInputError) as raised:
        SlackTarget("C0WATCHED", token)
    assert raised.value.code == "slack"
    assert "sec" not in str(raised.value)
    SlackTarget("C0WATCHED", "xoxb-stub\n")  # as `$(cat file)` of other shells leaves it


@pytest.mark.parametrize(
    "address",
    [
        "https://[bad", "https://127.0.0.1:notaport/h", "http://127.0.0.1:99999/h", "https://exa mple.invalid/h",
        f"https://{'a' * 64}.example/h", "https://a..example/h", "https://", "https:///x", "https://a\nb.example/h",
        "https://xn--é.example/h", "https://a.example/\x01",
    ],
)  # fmt: skip
def test_a_mistyped_address_is_refused_at_the_start(address: str) -> None:
    for target in (WebhookTarget, SlackWebhookTarget):
        with pytest.raises(BadInputError) as raised:
            target(address)
        assert raised.value.code == "address"


def test_space_around_an_address_is_no_part_of_it() -> None:
    seen: list[httpx.Request] = []
    clean, padded = (
        WebhookTarget(a, answering(200, {}, seen)) for a in ("https://a.example/h", " https://a.example/h\n")
    )
    padded.send(delivery(), MESSAGE)
    assert (padded.key, [str(request.url) for request in seen]) == (clean.key, ["https://a.example/h"])


@pytest.mark.parametrize("address", [f"https://{'a' * 64}.example/h", "https://127.0.0.1:notaport/h"])
def test_an_address_that_cannot_be_asked_for_is_a_failure_to_send(address: str) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(SendError) as raised:
        post(client, address, {}, {})
    assert raised.value.arrived is False


@pytest.mark.parametrize("address", ["http://example.com/x", "ftp://example.com", "file:///etc/passwd", "x"])
def test_nothing_is_sent_in_clear_text_to_another_machine(address: str) -> None:
    with pytest.raises(BadInputError):
        web_address(address)
    assert web_address("http://127.0.0.1:9/x") == "http://127.0.0.1:9/x"
