"""Slack, with requests signed as Slack signs them, against the running app and a stub of Slack on loopback."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from slack_bolt.async_app import AsyncBoltRequest
from sqlalchemy import select
from structlog.testing import capture_logs

from api.http.app import create_app
from api.http.settings import ServeSettings
from api.records.database import open_database
from api.records.tables import feedback
from api.slack.app import slack_app
from api.slack.desk import Desk, SlackSettings
from api.slack.manifest import manifest
from api.slack.state import pack, unpack
from kb.errors import BadInputError
from tests.api.conftest import Start, running
from tests.api.slack_stub import (
    SECRET,
    SlackStub,
    blocks_of,
    check_blocks,
    post,
    send_action,
    send_command,
    send_mention,
    send_shortcut,
    send_view,
    signed,
)

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
LIMIT = 3.0  # seconds that Slack waits


@pytest.fixture(scope="module")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, SlackStub, Path]]:
    """One server for the module, its stub of Slack, and the folder of its log and its data directory."""
    folder = tmp_path_factory.mktemp("slack")
    shutil.copytree(home, folder / "home")
    stub = SlackStub()
    with running(folder / "home", folder, environment=secrets(stub)) as client:
        yield client, stub, folder
    stub.close()


def secrets(stub: SlackStub) -> dict[str, str]:
    return {"SLACK_SIGNING_SECRET": SECRET, "SLACK_BOT_TOKEN": "xoxb-stub", "SLACK_API_URL": f"{stub.url}/api/"}


@pytest.fixture
def slack(server: tuple[httpx.Client, SlackStub, Path]) -> httpx.Client:
    return server[0]


@pytest.fixture
def stub(server: tuple[httpx.Client, SlackStub, Path]) -> SlackStub:
    server[1].another()
    return server[1]


@pytest.fixture
def folder(server: tuple[httpx.Client, SlackStub, Path]) -> Path:
    return server[2]


def texts(blocks: list[dict[str, Any]]) -> str:
    return json.dumps(blocks, ensure_ascii=False)


def buttons_of(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {e["action_id"]: e for b in blocks_of(message) if b["type"] == "actions" for e in b["elements"]}
    return {name: {"type": "button", **element} for name, element in found.items()}


def votes_of(message: dict[str, Any]) -> dict[str, Any]:
    return next(dict(b["elements"][0]) for b in blocks_of(message) if b["type"] == "context_actions")


def test_a_command_is_acknowledged_at_once_and_answered_in_private(slack: httpx.Client, stub: SlackStub) -> None:
    started = time.monotonic()
    acknowledged = send_command(slack, stub, "code 8 hotspot")
    assert (acknowledged.status_code, acknowledged.content) == (200, b"")
    assert time.monotonic() - started < LIMIT
    [(path, message)] = stub.wait()
    assert path == "/response"
    assert message["response_type"] == "ephemeral"
    check_blocks(message["blocks"])
    assert "NEHotspotConfigurationErrorInternal" in texts(message["blocks"])


def test_share_show_all_and_refine_go_on_with_the_same_question(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "code 8 hotspot")
    [(_, first)] = stub.wait(1)
    buttons = buttons_of(first)
    send_action(slack, stub, buttons["nekb_show_all"])
    everything = stub.wait(2)[1][1]
    assert everything["replace_original"] is True
    assert len(texts(everything["blocks"])) > len(texts(first["blocks"]))
    send_action(slack, stub, buttons["nekb_share"])
    shared = stub.wait(3)[2][1]
    assert (shared["response_type"], shared["replace_original"]) == ("in_channel", False)
    assert "nekb_share" not in texts(shared["blocks"])
    assert "Asked: “code 8 hotspot”" in texts(shared["blocks"])
    value = json.dumps({"q": "code 8 hotspot", "g": {"platform": "macOS"}})
    send_action(slack, stub, {"type": "button", "action_id": "nekb_refine_0", "value": value})
    refined = stub.wait(4)[3][1]
    assert refined["replace_original"] is True
    assert "taking it for macOS" in texts(refined["blocks"])


def test_a_missing_fact_is_asked_for_with_buttons_that_change_the_answer(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "already associated code 13")
    [(_, first)] = stub.wait(1)
    refine = buttons_of(first)["nekb_refine_0"]
    given = unpack(refine["value"])[1]
    assert given
    send_action(slack, stub, refine)
    refined = stub.wait(2)[1][1]
    check_blocks(refined["blocks"])
    assert f"taking it for {next(iter(given.values()))}" in texts(refined["blocks"])


def test_a_mention_is_answered_in_its_thread(slack: httpx.Client, stub: SlackStub) -> None:
    assert send_mention(slack, stub, "<@U0> code 8 hotspot", thread_ts="9.9").status_code == 200
    [(path, message)] = stub.wait()
    assert path == "/api/chat.postMessage"
    assert (message["channel"], message["thread_ts"]) == (stub.channel, "9.9")
    check_blocks(blocks_of(message))
    assert "nekb_share" not in texts(blocks_of(message))  # everybody sees it already


def test_a_mention_in_a_channel_begins_a_thread_and_a_bare_one_gets_the_usage(
    slack: httpx.Client, stub: SlackStub
) -> None:
    send_mention(slack, stub, "<@U0>")
    [(_, message)] = stub.wait()
    assert message["thread_ts"] == "10.1"
    assert "/nekb code 8 hotspot" in message["text"]


def test_an_event_that_slack_repeats_is_answered_once(slack: httpx.Client, stub: SlackStub) -> None:
    event = {
        "type": "app_mention",
        "user": stub.user,
        "text": "<@U0> code 8 hotspot",
        "ts": "1.1",
        "channel": stub.channel,
    }
    body = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": event, "event_id": "Erepeated"}
    for attempt in range(3):
        sent = json.dumps(body | {"event_time": attempt}).encode()  # signed anew each time
        assert post(slack, sent, "application/json", **{"X-Slack-Retry-Num": str(attempt)}).status_code == 200
    stub.wait(1)
    time.sleep(0.5)
    assert len(stub.received) == 1


def test_a_message_shortcut_answers_about_that_message(slack: httpx.Client, stub: SlackStub) -> None:
    send_shortcut(slack, stub, {"text": "NEHotspotConfigurationErrorDomain code=8 &lt;again&gt;"})
    [(_, message)] = stub.wait()
    assert message["response_type"] == "ephemeral"
    assert "NEHotspotConfigurationErrorInternal" in texts(message["blocks"])


def test_a_message_of_another_app_is_read_out_of_its_attachments(slack: httpx.Client, stub: SlackStub) -> None:
    send_shortcut(slack, stub, {"text": "", "attachments": [{"text": "NEHotspotConfigurationErrorDomain code=8"}]})
    [(_, message)] = stub.wait()
    assert "NEHotspotConfigurationErrorInternal" in texts(message["blocks"])


def test_a_message_of_blocks_alone_is_read_and_one_without_words_is_told(slack: httpx.Client, stub: SlackStub) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "NEHotspotConfigurationErrorDomain code=8"}}
    send_shortcut(slack, stub, {"text": "", "blocks": [section]})
    [(_, message)] = stub.wait(1)
    assert "NEHotspotConfigurationErrorInternal" in texts(message["blocks"])
    send_shortcut(slack, stub, {"text": "", "blocks": None})
    told = texts(stub.wait(2)[1][1]["blocks"])
    assert "The question is empty." in told
    assert "[empty]" in told
    assert "nekb ask" not in told  # nobody types a shell's command in Slack


def votes(folder: Path) -> list[tuple[bool, str | None]]:
    with open_database(folder / "home").connect() as db:
        rows = db.execute(select(feedback.c.helpful, feedback.c.reason).order_by(feedback.c.id)).all()
    return [(bool(row.helpful), row.reason) for row in rows]


def wait_for_votes(folder: Path, count: int) -> list[tuple[bool, str | None]]:
    deadline = time.monotonic() + 10
    while len(found := votes(folder)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_votes_are_kept_and_a_bad_one_asks_why(slack: httpx.Client, stub: SlackStub, folder: Path) -> None:
    before = len(votes(folder))
    send_command(slack, stub, "code 8 hotspot")
    element = votes_of(stub.wait(1)[0][1])
    vote = {"type": "feedback_buttons", "action_id": element["action_id"]}
    send_action(slack, stub, vote | {"value": element["positive_button"]["value"]})
    assert stub.wait(2)[1][1]["text"] == "Thank you."
    assert wait_for_votes(folder, before + 1)[before:] == [(True, None)]
    send_action(slack, stub, vote | {"value": element["negative_button"]["value"]})
    path, opened = stub.wait(3)[2]
    assert path == "/api/views.open"
    view = opened["view"] if isinstance(opened["view"], dict) else json.loads(opened["view"])
    assert (view["callback_id"], view["type"]) == ("nekb_reason", "modal")
    assert len(view["title"]["text"]) <= 24
    assert len(view["private_metadata"]) <= 3000
    assert send_view(slack, stub, "view_submission", view, "It is the entitlement.").status_code == 200
    assert wait_for_votes(folder, before + 2)[before + 1 :] == [(False, "It is the entitlement.")]
    assert send_view(slack, stub, "view_closed", view, None).status_code == 200
    assert wait_for_votes(folder, before + 3)[before + 2 :] == [(False, None)]


def test_a_bad_vote_counts_where_the_form_cannot_be_opened(slack: httpx.Client, stub: SlackStub, folder: Path) -> None:
    before = len(votes(folder))
    stub.refuse["views.open"] = {"ok": False, "error": "expired_trigger_id"}
    value = pack("code 8 hotspot", {}, c="hotspot-internal-error-8", v=False)
    send_action(slack, stub, {"type": "feedback_buttons", "action_id": "nekb_feedback", "value": value})
    assert "could not be opened" in stub.wait(2)[1][1]["text"]
    assert wait_for_votes(folder, before + 1)[before:] == [(False, None)]


def test_a_channel_keeps_its_platform_and_another_does_not_have_it(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "set platform macos")
    assert "macOS" in stub.wait(1)[0][1]["text"]
    send_command(slack, stub, "content filter permission prompt")
    message = stub.wait(2)[1][1]
    assert unpack(buttons_of(message)["nekb_share"]["value"])[1] == {"platform": "macOS"}
    assert "taking it for macOS" in texts(message["blocks"])
    send_command(slack, stub, "set platform windows")
    assert "Write one of iOS, macOS" in stub.wait(3)[2][1]["text"]
    assert "[bad" in stub.wait(3)[2][1]["text"]
    stub.another()
    send_command(slack, stub, "content filter permission prompt")
    assert unpack(buttons_of(stub.wait(1)[0][1])["nekb_share"]["value"])[1] == {}


def test_help_and_rubbish_get_a_sentence(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "")
    assert "/nekb" in stub.wait(1)[0][1]["text"]
    send_command(slack, stub, "\u0000\u0000")
    check_blocks(stub.wait(2)[1][1]["blocks"])


def test_too_many_questions_are_told_and_the_answer_stays(slack: httpx.Client, stub: SlackStub) -> None:
    for _ in range(21):
        send_command(slack, stub, "code 8 hotspot")
    refused = [texts(m["blocks"]) for _, m in stub.wait(21) if "more than 20 questions" in texts(m["blocks"])]
    assert len(refused) == 1
    assert "[rate]" in refused[0]
    value = pack("code 8 hotspot", {})
    send_action(slack, stub, {"type": "button", "action_id": "nekb_show_all", "value": value})
    told = stub.wait(22)[21][1]
    assert "more than 20 questions" in texts(told["blocks"])
    assert told["replace_original"] is False
    stub.another()
    send_command(slack, stub, "code 8 hotspot")  # somebody else
    assert "NEHotspotConfigurationErrorInternal" in texts(stub.wait(1)[0][1]["blocks"])


def test_blocks_that_slack_does_not_take_are_followed_by_words(slack: httpx.Client, stub: SlackStub) -> None:
    stub.refuse["response"] = {}
    send_command(slack, stub, "code 8 hotspot")
    (_, first), (_, second) = stub.wait(2)
    assert "blocks" in first
    assert "could not be shown here" in second["text"]


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
    time.sleep(0.2)
    assert stub.received == []
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


@pytest.mark.slow
def test_a_failure_of_a_verified_request_is_told(stub: SlackStub, tmp_path: Path) -> None:
    settings = SlackSettings("xoxb-stub", SECRET, api_base=f"{stub.url}/api/")
    desk = Desk(lambda: pytest.fail("not asked"), open_database(tmp_path))
    desk.defaults = None  # type: ignore[assignment, method-assign]
    app = slack_app(settings, desk)
    body = command_form(stub, "code 8 hotspot")
    headers = {"content-type": FORM} | {name.lower(): value for name, value in signed(body).items()}

    async def ask() -> None:
        await app.async_dispatch(AsyncBoltRequest(body=body.decode(), headers=headers))
        await asyncio.to_thread(stub.wait)

    asyncio.run(ask())
    [(_, message)] = stub.wait()
    assert "nekb failed on this question." in texts(message["blocks"])
    assert "[internal]" in texts(message["blocks"])


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
    time.sleep(0.1)
    assert stub.received == []
    assert "xyzzy" not in logged(folder)


def logged(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("serve-*.log"))


def command_form(stub: SlackStub, text: str) -> bytes:
    form = {"command": "/nekb", "text": text, "response_url": f"{stub.url}/response", "trigger_id": stub.press(),
            "user_id": stub.user, "team_id": "T1", "channel_id": stub.channel}  # fmt: skip
    return urlencode(form).encode()


@pytest.mark.slow
def test_a_replayed_request_is_refused_by_this_and_by_another_worker(
    slack: httpx.Client, stub: SlackStub, folder: Path, home: Path, tmp_path: Path
) -> None:
    body = command_form(stub, "code 8 hotspot private-word-xyzzy")
    headers = {"content-type": FORM} | signed(body)
    assert [slack.post("/slack/events", content=body, headers=headers).status_code for _ in range(3)] == [200, 401, 401]
    with running(folder / "home", tmp_path, environment=secrets(stub)) as other:
        assert other.post("/slack/events", content=body, headers=headers).status_code == 401
    stub.wait(1)
    assert len(stub.received) == 1
    assert "xyzzy" not in logged(folder) + logged(tmp_path)


def test_a_question_is_never_logged_even_where_it_fails(slack: httpx.Client, stub: SlackStub, folder: Path) -> None:
    send_command(slack, stub, "private-word-xyzzy " * 100)
    send_command(slack, stub, "\x00\x01private-word-xyzzy\x02")
    send_mention(slack, stub, "<@U0> private-word-xyzzy", channel=None)
    stub.wait(2)
    post(slack, urlencode({"payload": json.dumps({"type": "block_actions", "actions": []})}).encode(), FORM)
    time.sleep(0.3)
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


def test_slack_verifies_the_address(slack: httpx.Client) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "tell me", "token": "x"}).encode()
    assert "tell me" in post(slack, body, "application/json").text


def test_every_request_is_acknowledged_in_time_under_load(slack: httpx.Client, stub: SlackStub) -> None:
    """Sixty people, twenty of them at any moment."""

    def ask(number: int) -> float:
        body = command_form(stub, f"content filter prompt missing in TestFlight {number}")
        body = body.replace(stub.user.encode(), f"U{number}x".encode())
        started = time.monotonic()
        sent = slack.post("/slack/events", content=body, headers={"content-type": FORM} | signed(body))
        assert sent.status_code == 200
        return time.monotonic() - started

    with ThreadPoolExecutor(20) as people:
        took = sorted(people.map(ask, range(60)))
    answered = len(stub.wait(60, seconds=60))
    print(f"acknowledged: median {took[30] * 1000:.0f} ms, slowest {took[-1] * 1000:.0f} ms; {answered} answered")
    assert took[-1] < LIMIT


@pytest.mark.slow
def test_the_first_request_of_a_cold_server_is_acknowledged_in_time(
    serving: Start, stub: SlackStub, folder: Path
) -> None:
    """The server takes no connection before everything is open; `Start` returns at the first that it takes."""
    cold = serving(environment=secrets(stub))
    started = time.monotonic()
    assert send_command(cold, stub, "includeAllNetworks no internet").status_code == 200
    took = time.monotonic() - started
    print(f"cold: acknowledged after {took * 1000:.0f} ms")
    assert took < LIMIT
    [(_, message)] = stub.wait()
    assert "includeAllNetworks" in texts(message["blocks"])


def test_the_manifest_for_both_ways() -> None:
    public = manifest("https://nekb.example.com/")
    assert public["features"]["slash_commands"][0]["url"] == "https://nekb.example.com/slack/events"
    assert public["settings"]["socket_mode_enabled"] is False
    private = manifest(None)
    assert private["settings"]["socket_mode_enabled"] is True
    assert "url" not in private["features"]["slash_commands"][0]
    assert "channels:history" not in private["oauth_config"]["scopes"]["bot"]
    assert "channels:history" in manifest(None, watch=True)["oauth_config"]["scopes"]["bot"]
    shown = public["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert len(public["features"]["shortcuts"][0]["name"]) <= 24 + 76


def test_the_manifest_takes_the_address_of_a_server_and_nothing_else() -> None:
    def url(address: str) -> str:
        return str(manifest(address)["settings"]["interactivity"]["request_url"])

    assert url("HTTPS://Nekb.example.com") == "https://nekb.example.com/slack/events"
    assert url(" https://nekb.example.com:8443/desk/\n") == "https://nekb.example.com:8443/desk/slack/events"
    for address in (
        "",
        "https://",
        "http://nekb.example.com",
        "nekb.example.com",
        'https://a b"<>',
        "https://[bad",
        "https://nekb.example.com:port",
        "https://nekb.example.com/?a=1",
        "https://a@b.example",
    ):
        with pytest.raises(BadInputError) as raised:
            manifest(address)
        assert raised.value.code == "address"


@pytest.mark.parametrize("name", ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"])
def test_a_server_with_half_of_what_slack_needs_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"SLACK_SIGNING_SECRET": "SLACK_BOT_TOKEN", "SLACK_BOT_TOKEN": "SLACK_SIGNING_SECRET"}[name]
    monkeypatch.setenv(name, "secret-word")
    monkeypatch.delenv(other, raising=False)
    with capture_logs() as lines:
        create_app(ServeSettings(tmp_path))
    [told] = [line["problem"] for line in lines if line["event"] == "slack"]
    assert told == f"{other} is not set, so /slack/events is not served."
