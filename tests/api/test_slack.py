"""Slack, with requests signed as Slack signs them, against the running app and a stub of Slack on loopback."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from api.records.database import open_database
from api.records.tables import feedback
from api.slack.state import pack, unpack
from tests.api.conftest import Start
from tests.api.slack_stub import (
    FORM,
    SlackStub,
    blocks_of,
    buttons_of,
    check_blocks,
    check_next,
    command_form,
    post,
    send_action,
    send_command,
    send_mention,
    send_shortcut,
    send_view,
    signed,
    texts,
    votes_of,
)

LIMIT = 3.0  # seconds that Slack waits


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


def test_a_shared_answer_keeps_its_question_whatever_is_pressed_on_it(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "already associated code 13")
    send_action(slack, stub, buttons_of(stub.wait(1)[0][1])["nekb_share"])
    shared = buttons_of(stub.wait(2)[1][1])
    send_action(slack, stub, shared["nekb_show_all"])
    everything = stub.wait(3)[2][1]
    send_action(slack, stub, buttons_of(everything)["nekb_refine_0"])
    refined = stub.wait(4)[3][1]
    for message in (everything, refined):
        assert message["replace_original"] is True
        assert "Asked: “already associated code 13”" in texts(message["blocks"][:1])
        assert "nekb_share" not in texts(message["blocks"])


def test_another_card_is_named_by_its_title(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "NEHotspotConfigurationManager apply, error nil but not joined, joinOnce")
    [(_, first)] = stub.wait(1)
    send_action(slack, stub, buttons_of(first)["nekb_show_all"])
    everything = texts(stub.wait(2)[1][1]["blocks"])
    assert "`hotspot-configuration-usage`" in everything  # the card that is shown
    assert "filing-wifi-bug-report" not in everything
    assert "“Filing a Wi-Fi bug report that Apple can act on”" in everything


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
    check_next(slack, stub, 1)


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
    told = texts(stub.wait(3)[2][1]["blocks"])
    assert "windows is no platform. Write one of iOS, macOS" in told
    assert "[bad_input]" in told  # as it is, to be copied
    stub.another()
    send_command(slack, stub, "content filter permission prompt")
    assert unpack(buttons_of(stub.wait(1)[0][1])["nekb_share"]["value"])[1] == {}


def test_a_setting_is_read_as_people_write_it_and_half_of_one_is_told(slack: httpx.Client, stub: SlackStub) -> None:
    send_command(slack, stub, "set distribution App Store")
    assert stub.wait(1)[0][1]["text"] == "The distribution of this channel is app-store."
    send_command(slack, stub, "set distribution")
    assert "That is no distribution. Write one of xcode, testflight" in texts(stub.wait(2)[1][1]["blocks"])


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
    cold = serving(environment=stub.environment())
    started = time.monotonic()
    assert send_command(cold, stub, "includeAllNetworks no internet").status_code == 200
    took = time.monotonic() - started
    print(f"cold: acknowledged after {took * 1000:.0f} ms")
    assert took < LIMIT
    [(_, message)] = stub.wait()
    assert "includeAllNetworks" in texts(message["blocks"])
