"""What fails behind an acknowledgement: the request stays acknowledged, and the person is told beside the answer."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncBoltRequest
from sqlalchemy import Engine, text

from api.records.database import open_database
from api.slack.app import slack_app
from api.slack.desk import Desk, Place, SlackSettings
from api.slack.state import pack
from kb.snapshot import Snapshot
from tests.api.slack_stub import FORM, SECRET, SlackStub, blocks_of, command_form, signed, texts

VALUE = pack("code 8 hotspot", {}, c="hotspot-internal-error-8", v=True)
LATE = 1.0  # seconds; Bolt gives up after three


@pytest.fixture
def stub() -> Iterator[SlackStub]:
    made = SlackStub()
    yield made
    made.close()


@pytest.fixture
def desk(snapshot: Snapshot, tmp_path: Path) -> Desk:
    return Desk(lambda: snapshot, open_database(tmp_path))


def lose(desk: Desk, table: str) -> None:
    with desk.engine.begin() as db:
        db.execute(text(f"alter table {table} rename to lost"))


def sent(stub: SlackStub, desk: Desk, body: bytes) -> tuple[BoltResponse, float, dict[str, Any]]:
    """A form as Slack sends it: the answer to the request, the seconds it took, and the message that followed."""
    app = slack_app(SlackSettings("xoxb-stub", SECRET, api_base=f"{stub.url}/api/"), desk)
    headers = {"content-type": FORM} | {name.lower(): value for name, value in signed(body).items()}
    before = len(stub.received)

    async def send() -> tuple[BoltResponse, float]:
        started = time.monotonic()
        answered = await app.async_dispatch(AsyncBoltRequest(body=body.decode(), headers=headers))
        took = time.monotonic() - started
        await asyncio.to_thread(stub.wait, before + 1)
        return answered, took

    answered, took = asyncio.run(send())
    return answered, took, stub.received[before][1]


def pressed(stub: SlackStub, action: str, value: str) -> bytes:
    return _form(stub, {"type": "block_actions", "response_url": f"{stub.url}/response"}, action, value)


def _form(stub: SlackStub, payload: dict[str, Any], action: str, value: str) -> bytes:
    pressed = {"type": "button", "action_id": action, "value": value}
    who = {"user": {"id": stub.user, "team_id": "T1"}, "team": {"id": "T1"}, "channel": {"id": stub.channel}}
    return urlencode({"payload": json.dumps({**who, **payload, "actions": [pressed], "trigger_id": "1"})}).encode()


def test_a_failure_is_told_and_its_request_is_acknowledged(
    stub: SlackStub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError

    for failing in ("defaults", "answer"):
        monkeypatch.setattr(desk, failing, fail)
        answered, took, message = sent(stub, desk, command_form(stub, "code 8 hotspot"))
        assert answered.status == 200
        assert took < LATE
        assert "nekb failed on this question." in texts(message["blocks"])
        assert "[internal]" in texts(message["blocks"])
    assert message["replace_original"] is False


def test_a_question_that_needs_no_record_is_answered_without_them(
    stub: SlackStub, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    lose(desk, "channel_facts")
    answered, took, message = sent(stub, desk, command_form(stub, "code 8 hotspot"))
    assert answered.status == 200
    assert took < LATE
    assert "NEHotspotConfigurationErrorInternal" in texts(message["blocks"])
    assert "what a channel always means could not be read: OperationalError" in caplog.text


def test_what_cannot_be_kept_is_told_as_that(stub: SlackStub, desk: Desk) -> None:
    lose(desk, "channel_facts")
    answered, took, message = sent(stub, desk, command_form(stub, "set platform macOS"))
    assert (answered.status, took < LATE) == (200, True)
    assert "The platform of this channel could not be kept" in texts(message["blocks"])
    assert "[database]" in texts(message["blocks"])


def test_a_vote_that_cannot_be_kept_is_told_as_that(stub: SlackStub, desk: Desk) -> None:
    lose(desk, "feedback")
    answered, took, message = sent(stub, desk, pressed(stub, "nekb_feedback", VALUE))
    assert (answered.status, took < LATE) == (200, True)
    assert "The vote could not be kept" in texts(message["blocks"])
    assert "[database]" in texts(message["blocks"])
    assert message["replace_original"] is False


@pytest.mark.parametrize("kind", ["view_submission", "view_closed"])
def test_a_vote_out_of_the_form_that_cannot_be_kept_is_told_where_its_button_was(
    stub: SlackStub, desk: Desk, kind: str
) -> None:
    lose(desk, "feedback")
    value = pack("code 8 hotspot", {}, c="hotspot-internal-error-8", v=False)
    _, _, opened = sent(stub, desk, pressed(stub, "nekb_feedback", value))
    view = opened["view"] if isinstance(opened["view"], dict) else json.loads(opened["view"])
    payload = {"type": kind, "view": view | {"id": "V1", "state": {"values": {}}}}
    answered, took, message = sent(stub, desk, _form(stub, payload, "", ""))
    assert (answered.status, took < LATE) == (200, True)
    assert "The vote could not be kept" in texts(message["blocks"])


@pytest.mark.slow
def test_a_vote_while_the_records_are_locked_is_told_as_that(
    stub: SlackStub, snapshot: Snapshot, hasty: Engine, tmp_path: Path
) -> None:
    open_database(tmp_path).dispose()
    with sqlite3.connect(tmp_path / "records.db", isolation_level=None) as other:
        other.execute("begin immediate")
        _, _, message = sent(stub, Desk(lambda: snapshot, hasty), pressed(stub, "nekb_feedback", VALUE))
        other.execute("rollback")
    assert "The vote could not be kept. The database of keys and feedback does not answer" in texts(message["blocks"])
    assert "Try again in a moment" in texts(message["blocks"])
    assert "[database]" in texts(message["blocks"])


@pytest.mark.slow
def test_questions_are_answered_while_many_votes_wait_for_the_records(
    stub: SlackStub, snapshot: Snapshot, hasty: Engine, tmp_path: Path
) -> None:
    """Each vote waits for a database that is held; neither a question nor its answer waits behind them."""
    open_database(tmp_path).dispose()
    desk = Desk(lambda: snapshot, hasty)

    async def ask() -> float:
        votes = [asyncio.create_task(desk.keep_vote(VALUE, helpful=True)) for _ in range(40)]
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await desk.defaults(Place("T1", "C1", "U1"))
        await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
        took = time.monotonic() - started
        for vote in votes:
            vote.cancel()
        await asyncio.gather(*votes, return_exceptions=True)
        return took

    with sqlite3.connect(tmp_path / "records.db", isolation_level=None) as other:
        other.execute("begin immediate")
        took = asyncio.run(ask())
        other.execute("rollback")
    assert took < LATE


def test_a_mention_that_fails_is_told_in_its_thread(
    stub: SlackStub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "answer", None)
    event = {"type": "app_mention", "user": "U1", "text": "<@U0> code 8", "ts": "1.1", "channel": "C7"}
    body = json.dumps({"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": event}).encode()
    _, _, message = sent(stub, desk, body)
    assert (message["channel"], message["thread_ts"]) == ("C7", "1.1")
    assert "[internal]" in texts(blocks_of(message))
