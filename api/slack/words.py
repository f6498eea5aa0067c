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
    if kind.startswith("http"):  # Slack links what looks like a host, such as `NEVPNManager.net`, under its own words
        return label if label and label == inside.rstrip("/") else f"{kind}{inside}"
    if kind in ("mailto:", "tel:"):
        return label or inside
    word = label or ("someone" if kind == "@" else inside)
    return word if word.startswith(("@", "#")) else ("#" if kind == "#" else "@") + word


def without_mention(text: str) -> str:
    """What was said to the bot."""
    return typed(_MENTION.sub(" ", text)).strip()


def words_of(message: Mapping[str, Any]) -> str:
    """What a message says: its text or its blocks, whichever say more, what of its files is shown, and attachments.

    Of an app's post the blocks are what is shown, and the text may be no more than a title for notifications. A long
    paste is made a snippet, a file of which Slack sends the beginning.
    """
    said = [max(str(message.get("text") or ""), _words(message.get("blocks")), key=len)]
    said += [str(file.get("preview") or "") for file in _each(message.get("files")) if isinstance(file, Mapping)]
    for attachment in _each(message.get("attachments")):
        if isinstance(attachment, Mapping):
            own = str(attachment.get("text") or "") or _words(attachment.get("blocks"))
            said.append(own or str(attachment.get("fallback") or ""))
    return typed("\n".join(part for part in dict.fromkeys(said) if part.strip()))


def _words(blocks: object) -> str:
    return "\n".join(words for block in _each(blocks) if (words := _words_in(block)))


def _words_in(block: object, depth: int = 8) -> str:
    """The words of a block, or of what stands in one: its own, or those of its parts, one below the other.

    The parts of a rich text's section make up one text: nothing stands between them.
    """
    if not isinstance(block, Mapping) or block.get("type") == "actions" or depth == 0:  # a button says nothing
        return ""
    own = block.get("text") or block.get("url")
    if isinstance(own, str):
        return own
    cells = [cell for row in _each(block.get("rows")) for cell in _each(row)]
    inside = [own, *_each(block.get("fields")), *_each(block.get("elements")), *cells]
    kind = str(block.get("type"))
    between = "" if kind.startswith("rich_text_") and kind != "rich_text_list" else "\n"
    return between.join(words for part in inside if (words := _words_in(part, depth - 1)))


def _each(held: object) -> list[Any]:
    return held if isinstance(held, list) else []
