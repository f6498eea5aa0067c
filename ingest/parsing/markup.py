"""HTML as a tree, and small questions to it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bs4 import BeautifulSoup, Tag

# Characters that are not allowed in XML, and lone surrogates: libxml2 stops reading at some of them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HIDDEN = ("script", "style", "noscript", "template", "iframe", "svg", "object", "embed")


def parse_markup(text: str) -> BeautifulSoup:
    """A tree of whatever HTML this is; never raises for bad HTML."""
    return BeautifulSoup(_FORBIDDEN.sub(" ", text), "lxml")


def attribute(element: Tag | None, name: str) -> str | None:
    """An attribute as one string; None where it is missing or empty."""
    if element is None:
        return None
    value = element.get(name)
    joined = " ".join(value) if isinstance(value, list) else value
    return joined.strip() or None if joined else None


def text_of(element: Tag | None) -> str | None:
    """The text of an element on one line; None where there is none."""
    if element is None:
        return None
    return " ".join(element.get_text(" ").split()) or None


def visible_copy(element: Tag) -> Tag:
    """A copy without scripts, styles and frames."""
    copy = parse_markup(str(element))
    for hidden in copy.find_all(_HIDDEN):
        hidden.decompose()
    return copy


def outermost(elements: Iterable[Tag]) -> list[Tag]:
    """Elements, in the order of the page, without those that lie inside another of them."""
    found: list[Tag] = []
    inside: set[int] = set()
    for element in elements:
        if id(element) not in inside:  # to look at its parents would take a time with the square of their depth
            found.append(element)
            inside.add(id(element))
            inside.update(id(held) for held in element.find_all(recursive=True))
    return found


def within(element: Tag, ancestors: list[Tag]) -> bool:
    """Whether an element is one of the ancestors or lies inside one."""
    held = {id(a) for a in ancestors}
    return id(element) in held or any(id(p) in held for p in element.parents)
