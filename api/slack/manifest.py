"""The app manifest: what a team pastes to make the Slack app."""

from __future__ import annotations

from typing import Any

_SCOPES = ["commands", "app_mentions:read", "chat:write"]
_WATCH_SCOPES = ["channels:history", "groups:history"]


def manifest(address: str | None, *, watch: bool = False) -> dict[str, Any]:
    """The manifest for a server at `address` (`https://nekb.example.com`), or for Socket Mode where it is None.

    `watch` adds what `nekb watch` needs to see in a channel what it has sent there.
    """
    events = f"{address.rstrip('/')}/slack/events" if address else None
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
