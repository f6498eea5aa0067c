"""Slack, with requests signed as Slack signs them, against the running app and a stub of Slack on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.slack.blocks import answer_blocks, unpack
from api.slack.manifest import manifest
from api.slack.mrkdwn import cut, escaped, from_markdown, link
from kb.answer import Answer, Thread
from kb.asking import ask
from kb.snapshot import Snapshot
from tests.api.conftest import Start
from tests.api.slack_stub import SECRET, SlackStub, check_blocks, post, send_action, send_command, signed


@pytest.fixture
def stub() -> Iterator[SlackStub]:
    made = SlackStub()
    yield made
    made.close()


@pytest.fixture
def slack(serving: Start, stub: SlackStub) -> httpx.Client:
    secrets = {"SLACK_SIGNING_SECRET": SECRET, "SLACK_BOT_TOKEN": "xoxb-stub", "SLACK_API_URL": f"{stub.url}/api/"}
    return serving("--rate", "100000/minute", environment=secrets)


def texts(blocks: list[dict[str, Any]]) -> str:
    return json.dumps(blocks, ensure_ascii=False)


def test_a_command_is_acknowledged_at_once_and_answered_in_private(slack: httpx.Client, stub: SlackStub) -> None:
    started = time.monotonic()
    acknowledged = send_command(slack, stub, "code 8 hotspot")
    assert (acknowledged.status_code, acknowledged.content) == (200, b"")
    assert time.monotonic() - started < 3
    [(path, message)] = stub.wait()
    assert path == "/response"
    assert message["response_type"] == "ephemeral"
    check_blocks(message["blocks"])
    assert "NEHotspotConfigurationErrorInternal" in texts(message["blocks"])


def test_share_show_all_and_refine_go_on_with_the_same_question(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "code 8 hotspot")
    [(_, first)] = stub.wait(1)
    buttons = {e["action_id"]: e for b in first["blocks"] if b["type"] == "actions" for e in b["elements"]}
    send_action(slack, stub, {"type": "button", **buttons["nekb_show_all"]})
    everything = stub.wait(2)[1][1]
    assert everything["replace_original"] is True
    assert len(texts(everything["blocks"])) > len(texts(first["blocks"]))
    send_action(slack, stub, {"type": "button", **buttons["nekb_share"]})
    shared = stub.wait(3)[2][1]
    assert shared["response_type"] == "in_channel"
    assert "nekb_share" not in texts(shared["blocks"])
    value = json.dumps({"q": "code 8 hotspot", "g": {"platform": "macOS"}})
    send_action(slack, stub, {"type": "button", "action_id": "nekb_refine_0", "value": value})
    assert stub.wait(4)[3][1]["replace_original"] is True


def test_a_mention_is_answered_in_its_thread(slack: httpx.Client, stub: SlackStub) -> None:
    event = {
        "type": "app_mention",
        "user": "U1",
        "text": "<@U0> code 8 hotspot",
        "ts": "10.1",
        "thread_ts": "9.9",
        "channel": "C1",
    }
    body = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": event, "event_id": "E1"}
    assert post(slack, json.dumps(body).encode(), "application/json").status_code == 200
    [(path, message)] = stub.wait()
    assert path == "/api/chat.postMessage"
    assert (message["channel"], message["thread_ts"]) == ("C1", "9.9")
    blocks = message["blocks"] if isinstance(message["blocks"], list) else json.loads(message["blocks"])
    check_blocks(blocks)


def test_a_message_shortcut_answers_about_that_message(slack: httpx.Client, stub: SlackStub) -> None:
    payload = {
        "type": "message_action",
        "callback_id": "nekb_ask_message",
        "trigger_id": "1.2",
        "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T1"},
        "channel": {"id": "C1"},
        "response_url": f"{stub.url}/response",
        "message": {"text": "NEHotspotConfigurationErrorDomain code=8 &lt;again&gt;", "ts": "1.0"},
        "message_ts": "1.0",
    }
    from urllib.parse import urlencode

    post(slack, urlencode({"payload": json.dumps(payload)}).encode(), "application/x-www-form-urlencoded")
    [(_, message)] = stub.wait()
    assert "NEHotspotConfigurationErrorInternal" in texts(message["blocks"])


def test_votes_are_kept_and_a_bad_one_asks_why(slack: httpx.Client, stub: SlackStub, own_home: Path) -> None:
    from api.records.database import open_database
    from api.records.feedback import evaluation_lines

    value = json.dumps({"q": "code 8 hotspot", "g": {}, "c": "hotspot-internal-error-8", "v": True})
    send_action(slack, stub, {"type": "feedback_buttons", "action_id": "nekb_feedback", "value": value})
    assert stub.wait(1)[0][1]["text"] == "Thank you."
    assert len(list(evaluation_lines(open_database(own_home)))) == 1
    send_action(
        slack, stub, {"type": "feedback_buttons", "action_id": "nekb_feedback", "value": value.replace("true", "false")}
    )
    path, opened = stub.wait(2)[1]
    assert path == "/api/views.open"
    view = opened["view"] if isinstance(opened["view"], dict) else json.loads(opened["view"])
    assert view["callback_id"] == "nekb_reason"


def test_a_channel_keeps_its_platform(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "set platform macos")
    assert "macOS" in stub.wait(1)[0][1]["text"]
    send_command(slack, stub, "content filter permission prompt")
    blocks = stub.wait(2)[1][1]["blocks"]
    values = [e["value"] for b in blocks if b["type"] == "actions" for e in b["elements"]]
    assert unpack(values[0])[1] == {"platform": "macOS"}


def test_help_and_rubbish_get_a_sentence(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "")
    assert "/nekb" in stub.wait(1)[0][1]["text"]
    send_command(slack, stub, "\u0000\u0000")
    check_blocks(stub.wait(2)[1][1]["blocks"])


@pytest.mark.parametrize("spoil", ["signature", "secret", "old", "future", "missing", "replayed on another body"])
def test_forged_stale_and_bare_requests_are_refused_and_not_logged(
    slack: httpx.Client, stub: SlackStub, tmp_path: Path, spoil: str
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
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert slack.post("/slack/events", content=body, headers=kind | headers).status_code == 401
    time.sleep(0.3)
    assert stub.received == []
    assert "xyzzy" not in "".join(path.read_text() for path in tmp_path.glob("serve-*.log"))


def test_an_oversized_or_broken_body_is_refused(slack: httpx.Client) -> None:
    assert post(slack, b"x" * (300 << 10), "application/x-www-form-urlencoded").status_code == 413
    assert post(slack, b"\xff\xfe\xfa", "application/x-www-form-urlencoded").status_code == 400


def test_every_card_fits_block_kit(snapshot: Snapshot) -> None:
    template = ask("code 8 hotspot", snapshot)
    for card in snapshot.cards.values():
        answer = ask(card.phrasings[0], snapshot, limit=5)
        guided = answer if answer.guidance else template
        for every_step in (False, True):
            check_blocks(answer_blocks(guided, {"platform": "macOS"}, every_step=every_step))
        whole = template.guidance[0].model_copy(update={"title": card.title, "summary": card.summary})
        check_blocks(answer_blocks(template.model_copy(update={"guidance": [whole]}), {}))


def hostile(answer: Answer, text: str) -> list[dict[str, Any]]:
    thread = Thread(
        id="t",
        title=text or "x",
        url="https://developer.apple.com/x|y",
        score=0.9,
        excerpt=text,
        apple_replied=False,
        accepted=False,
        activity=text,
    )
    return answer_blocks(
        answer.model_copy(update={"threads": [thread] * 5, "query": text * 50}), {"platform": text[:100]}
    )


@given(
    text=st.text(max_size=300)
    | st.sampled_from(["<!channel>", "<@U1>", "<!here|x>", "*bold* `code` <http://evil|ok>", "&lt;!channel&gt;"])
)
def test_nothing_from_outside_can_ping_or_link(text: str) -> None:
    for made in (escaped(text), link(text, "https://developer.apple.com/a"), from_markdown(text)):
        inside = made.replace("<https://developer.apple.com/a|", "", 1)
        assert "<!" not in inside
        assert "<@" not in inside
        assert "<http" not in inside


@given(text=st.text(max_size=300))
def test_hostile_threads_fit_block_kit(text: str) -> None:
    check_blocks(hostile(_ANSWER[0], text))


_ANSWER: list[Answer] = []


@pytest.fixture(autouse=True, scope="module")
def _one_answer(snapshot: Snapshot) -> None:
    _ANSWER[:] = [ask("code 8 hotspot", snapshot)]


@given(st.text(max_size=400), st.integers(min_value=10, max_value=100))
def test_a_cut_text_is_short_and_whole(text: str, limit: int) -> None:
    short = cut(escaped(text), limit)
    assert len(short) <= max(limit, len(escaped(text)) if len(escaped(text)) <= limit else limit)
    assert short.count("<") == short.count(">")


def test_the_manifest_for_both_ways(slack: httpx.Client) -> None:
    public = manifest("https://nekb.example.com/")
    assert public["features"]["slash_commands"][0]["url"] == "https://nekb.example.com/slack/events"
    assert public["settings"]["socket_mode_enabled"] is False
    private = manifest(None)
    assert private["settings"]["socket_mode_enabled"] is True
    assert "url" not in private["features"]["slash_commands"][0]
