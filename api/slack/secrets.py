"""What Slack gives a team to keep secret, as it came out of the environment."""

from __future__ import annotations

import re

from kb.errors import BadInputError


def secret(name: str, value: str) -> str:
    """A token or signing secret without the space around it, such as the line's end of a mounted secret.

    Raises `BadInputError`, which names the variable and does not show the value, for what no header can carry.
    """
    value = value.strip()
    if not re.fullmatch(r"[!-~]+", value):
        raise BadInputError(
            f"{name} is empty, or holds signs that Slack never gives.",
            "Copy it again; docs/slack.md says from where.",
            code="slack",
        )
    return value
