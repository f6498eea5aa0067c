"""What a person wrote, out of what Slack sends: entities for `&`, `<`, `>`, and tokens for links, people, channels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"<(https?://|mailto:|tel:|@|#|!)([^<>|]*)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^<>]*)?>")


def typed(text: str) -> str:
    """The text as it was typed."""
    return _TOKEN.sub(_token, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(match: re.Match[str]) -> str:
    kind, inside, label = match.groups()
    if kind.startswith("http"):
        return f"{kind}{inside}"
    if kind in ("mailto:", "tel:"):
        return label or inside
    word = label or ("someone" if kind == "@" else inside)
    return word if word.startswith(("@", "#")) else ("#" if kind == "#" else "@") + word


def without_mention(text: str) -> str:
    """What was said to the bot."""
    return typed(_MENTION.sub(" ", text)).strip()


def words_of(message: Mapping[str, Any]) -> str:
    """What a message says: its text, or, as with posts of other apps, its attachments."""
    said = [str(message.get("text") or "")]
    for attachment in message.get("attachments") or []:
        if isinstance(attachment, Mapping):
            said.append(str(attachment.get("text") or attachment.get("fallback") or ""))
    return typed("\n".join(part for part in dict.fromkeys(said) if part.strip()))
