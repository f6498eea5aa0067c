"""Blocks of text for Block Kit, each within Slack's 3,000 characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.slack.mrkdwn import cut

Block = dict[str, Any]
_LONGEST = 2_900


def section(text: str) -> Block:
    """A section of mrkdwn; what is too long is cut."""
    return {"type": "section", "text": _mrkdwn(text)}


def context(text: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [_mrkdwn(text)]}


def sections(lines: Iterable[str]) -> list[Block]:
    """Lines one below the other, in as few sections as hold them whole."""
    made, text = [], ""
    for line in lines:
        if text and len(text) + len(line) + 1 > _LONGEST:
            made.append(section(text))
            text = ""
        text = f"{text}\n{line}" if text else line
    return [*made, section(text)] if text else made


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": cut(text, _LONGEST), "verbatim": True}
