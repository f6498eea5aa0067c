"""The app manifest, and what the server says of its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from api.http.app import create_app
from api.http.settings import ServeSettings
from api.records.database import open_database
from api.slack.app import slack_app
from api.slack.desk import Desk, SlackSettings
from api.slack.manifest import manifest
from kb.errors import BadInputError
from kb.snapshot import Snapshot


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


@pytest.mark.parametrize("name", ["bot_token", "signing_secret", "app_token"])
def test_a_secret_is_read_without_the_space_around_it_and_one_that_is_none_is_refused_unshown(name: str) -> None:
    """A file of secrets ends with a line's end, with which every request of Slack's would be refused."""
    given = {"bot_token": "xoxb-1", name: " word-1\n"}
    assert getattr(SlackSettings(**given), name) == "word-1"
    for bad in ("xyzzé", "xyzz\ny", "xyzz y", " "):
        with pytest.raises(BadInputError) as raised:
            SlackSettings(**(given | {name: bad}))
        assert raised.value.code == "slack"
        assert name.upper() in str(raised.value)
        assert "xyzz" not in str(raised.value)


def test_nobody_is_told_that_the_token_is_ignored(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    slack_app(SlackSettings("xoxb-1", "secret"), Desk(lambda: snapshot, open_database(tmp_path)))
    assert not caplog.records
