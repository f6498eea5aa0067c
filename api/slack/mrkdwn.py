"""Text for Slack. What came from outside can format nothing, link nowhere and ping nobody.

Every mrkdwn object is sent with `verbatim`, so that Slack turns no plain address, channel name or `@here` into more
than words.
"""

from __future__ import annotations

import re

from api.text import plain, safe_url

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"(`[^`]+`)")
_FORMATTING = re.compile(r"([*_~`])")
_PING = re.compile(r"@(?=here|channel|everyone|group)", re.IGNORECASE)
_SEAM = re.compile(r"<[^<>]*>|\s+")  # behind a link or a space a text may be cut; spaces in a link are none
_ZERO_WIDTH = "\u200b"


def escaped(text: str, *, formatting: bool = True) -> str:
    """Text from outside: Slack's three control characters as entities, so that `<!channel>` is only words.

    Formatting signs and `@here` get an invisible neighbour, because Slack has no escape for them; inside a code
    block, where signs format nothing, `formatting=False` leaves them as they are.
    """
    words = _PING.sub(f"@{_ZERO_WIDTH}", entities(text))
    return _FORMATTING.sub(rf"{_ZERO_WIDTH}\1", words) if formatting else words


def entities(text: str) -> str:
    """Our own text: `&`, `<` and `>` as entities, formatting kept."""
    return plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def from_markdown(text: str) -> str:
    """The Markdown of a card's step as mrkdwn: `**bold**` becomes `*bold*`, code stays."""
    parts = _CODE.split(entities(text))
    return "".join(part if part.startswith("`") else _BOLD.sub(r"*\1*", part) for part in parts)


def link(title: str, url: str, *, outside: bool = False) -> str:
    """A link; only its title where the address is none. `outside` says that the title is not ours."""
    address = safe_url(url)
    label = (escaped(title) if outside else entities(title)).replace("|", "¦").replace("\n", " ")
    return f"<{address.replace('|', '%7C').replace('&', '&amp;')}|{label}>" if address else label


def cut(text: str, limit: int) -> str:
    """Text of at most `limit` characters, cut behind a word or a link and never inside an entity or a link."""
    if len(text) <= limit:
        return text
    head = text[: limit - 2]
    for opening, closing in (("<", ">"), ("&", ";")):
        at = head.rfind(opening)
        if at > head.rfind(closing):
            head = head[:at]
    seams = [seam.end() for seam in _SEAM.finditer(head)]
    return head[: seams[-1] if seams else None].rstrip() + " …"
