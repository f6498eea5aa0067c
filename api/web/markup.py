"""Markdown as safe HTML: cards of ours and posts from outside go through the same gate.

No HTML of the text survives, images become words, and an address that is not http(s) is no link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from api.text import one_line, plain, safe_url
from kb.guidance.card import Card

_CODE = re.compile(r"`([^`]+)`")
_TAG_OR_SEAM = re.compile(r"<[^<>]*>|(?<=[a-z0-9])(?=[A-Z][a-z])")
_LONGEST = 200_000  # characters of one text that are rendered
_DEEPEST = 40  # brackets, quotes and lists within each other; each more costs a text of nothing else as long again


def _link_open(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    token = tokens[at]
    address = safe_url(str(token.attrGet("href") or ""))
    token.attrs = {"href": address, "rel": "noreferrer nofollow ugc"} if address else {}
    return renderer.renderToken(tokens, at, options, env)


def _code_inline(
    _renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: Any, env: MutableMapping[str, Any]
) -> str:
    """Code; where it is the id of another card, a link to it."""
    name = tokens[at].content
    if name in env.get("cards", ()):
        return str(Markup('<a href="/guidance/{}">{}</a>').format(name, env["cards"][name].title))
    return str(Markup("<code>{}</code>").format(name))


def _reader() -> MarkdownIt:
    reader = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": _DEEPEST})
    reader.disable(["image", "heading", "lheading"])  # the page has its own outline
    reader.add_render_rule("link_open", _link_open)
    reader.add_render_rule("code_inline", _code_inline)
    return reader


_READER = _reader()


def block(text: str) -> Markup:
    """Markdown with paragraphs, lists and code."""
    return Markup(_READER.render(plain(text)[:_LONGEST]))  # noqa: S704 - the reader escapes everything


def inline(text: str, cards: Mapping[str, Card] | None = None) -> Markup:
    """Markdown within a line; a card's id in backquotes becomes a link to that card of `cards`."""
    env = {"cards": cards or {}}
    return Markup(_READER.renderInline(plain(text)[:_LONGEST], env))  # noqa: S704 - the reader escapes everything


def coded(title: str) -> Markup:
    """A title of a forum's thread: what stands in backquotes is code, and nothing else is markup."""
    parts = _CODE.split(one_line(title))
    return Markup("").join(
        Markup("<code>{}</code>").format(p) if at % 2 else Markup("{}").format(p) for at, p in enumerate(parts)
    )


def breakable(shown: str | Markup) -> Markup:
    """The same with a place to break a line between the words of a long name, such as NEHotspotConfiguration."""
    return Markup(_TAG_OR_SEAM.sub(lambda m: m[0] or "<wbr>", str(escape(shown))))  # noqa: S704 - escaped just now
