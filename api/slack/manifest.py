"""The app manifest: what a team pastes to make the Slack app."""

from __future__ import annotations

from typing import Any

from api.addresses import web_url
from kb.errors import BadInputError

_SCOPES = ["commands", "app_mentions:read", "chat:write"]
_WATCH_SCOPES = ["channels:history", "groups:history"]


def manifest(address: str | None, *, watch: bool = False) -> dict[str, Any]:
    """The manifest for a server at `address` (`https://nekb.example.com`), or for Socket Mode where it is None.

    `watch` adds what `nekb watch` needs to see in a channel what it has sent there. Raises `BadInputError` for an
    address that Slack would not call.
    """
    events = None if address is None else f"{_https(address)}/slack/events"
    command: dict[str, Any] = {
        "command": "/nekb",
        "description": "Guidance for a Network Extension symptom",
        "usage_hint": "code 8 hotspot",
        "should_escape": False,
    }
    subscriptions: dict[str, Any] = {"bot_events": ["app_mention"]}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if events:
        command["url"] = subscriptions["request_url"] = interactivity["request_url"] = events
    return {
        "display_information": {
            "name": "nekb",
            "description": "The triage desk for Apple's Network Extension",
            "background_color": "#1d3557",
        },
        "features": {
            "bot_user": {"display_name": "nekb", "always_online": True},
            "slash_commands": [command],
            "shortcuts": [
                {
                    "name": "Ask nekb about this message",
                    "type": "message",
                    "callback_id": "nekb_ask_message",
                    "description": "Guidance for the symptom in a message",
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": [*_SCOPES, *(_WATCH_SCOPES if watch else [])]}},
        "settings": {
            "event_subscriptions": subscriptions,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": events is None,
            "token_rotation_enabled": False,
        },
    }


def _https(address: str) -> str:
    """The address without a slash at its end."""
    url = web_url(address)
    if url is None or url.scheme != "https" or url.userinfo or url.query or url.fragment:
        raise BadInputError(
            f"{address!r} is no https address.",
            "Slack calls only https addresses; write it as https://nekb.example.com.",
            code="address",
        )
    return str(url).rstrip("/")
