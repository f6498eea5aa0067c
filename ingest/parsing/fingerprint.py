"""The shape of a page, apart from its text: which tags, classes and data attributes its content is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bs4 import Tag

from ingest.parsing.markup import attribute

_MOST = 400
_USERS_OWN = frozenset({
    "a", "p", "br", "code", "pre", "span", "ul", "ol", "li", "strong", "em", "img", "table", "tr", "td", "th", "tbody",
    "thead", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "del",
})  # fmt: skip


_BODIES = "[data-action='content-post-body-content'], .post-content"


def _outside_bodies(region: Tag) -> Iterator[Tag]:
    """The elements of a region; of a post's body only the outermost, for what lies in it is people's own."""
    bodies = {id(body) for body in region.select(_BODIES)}
    waiting = [region]
    while waiting:
        element = waiting.pop()
        yield element
        if id(element) not in bodies:
            waiting += [child for child in element.children if isinstance(child, Tag)]


def fingerprint(root: Tag, regions: Iterable[Tag] = ()) -> tuple[str, ...]:
    """The sorted set of `tag.class[data-attribute]` in the content; the parts that people write are left out."""
    seen: set[str] = set()
    for region in list(regions) or [root]:
        for element in _outside_bodies(region):
            data = sorted(name for name in element.attrs if name.startswith("data-"))
            classes = sorted((attribute(element, "class") or "").split())
            if element.name in _USERS_OWN and not data and not classes:
                continue
            action = attribute(element, "data-action")
            seen.add(
                element.name
                + "".join(f".{c}" for c in classes)
                + "".join(f"[{d}]" for d in data)
                + (f"={action}" if action else "")
            )
            if len(seen) >= _MOST:
                return tuple(sorted(seen))
    return tuple(sorted(seen))
