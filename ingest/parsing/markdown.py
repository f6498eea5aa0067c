"""HTML of a post as Markdown: code, lists, tables, quotes and links survive."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from bs4.element import CData, NavigableString, Tag
from markdownify import MarkdownConverter

from ingest.addresses import APPLE
from ingest.parsing.fences import parted
from ingest.parsing.markup import attribute, visible_copy

DEEPEST = 60  # elements inside each other; the converter recurses, and a page can nest thousands
MOST = 20_000  # elements of one post; the converter looks back at all that stand before some of them
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|brush)[-:]\s*([\w+#-]{1,20})", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n{3,}")


class _Converter(MarkdownConverter):
    """Markdown of the kind that the forum's own editor takes."""

    def __init__(self, base: str) -> None:
        super().__init__(heading_style="ATX", bullets="-", escape_asterisks=False, escape_underscores=False,
                         table_infer_header=True)  # fmt: skip
        self._base = base
        self._numbers: dict[int, int] = {}  # by the identity of a numbered list, the number of its last item

    def should_convert_tag(self, tag_name: str) -> bool:
        """Whether a tag has a rule. The converter looks a method up by the tag's name; these two are not for tags."""
        return tag_name not in ("soup", "_document_") and bool(super().should_convert_tag(tag_name))  # type: ignore[misc]

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A link with its whole address; anything but http(s) is only text."""
        address = absolute(attribute(el, "href"), self._base)
        label = text.strip()
        if not label or "_noformat" in parent_tags or address is None:
            return text
        if label == address:
            return f"<{address}>"
        before, after = " " * text[:1].isspace(), " " * text[-1:].isspace()
        return f"{before}{markdown_link(label, address)}{after}"

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:  # noqa: ARG002 - markdownify's
        """An image as a link to where it is; one that is carried inside the page keeps only its description."""
        alt = (attribute(el, "alt") or "image").replace("\n", " ").strip("[]")
        address = absolute(attribute(el, "src"), self._base)
        return f"![{alt}]({address})" if address else f"[{alt}]"

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A cell; a bar inside it must not end it."""
        _mend_span(el)
        return str(super().convert_td(el, text.replace("|", "\\|"), parent_tags))  # type: ignore[misc]

    def convert_th(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A cell of the heading."""
        _mend_span(el)
        return str(super().convert_th(el, text.replace("|", "\\|"), parent_tags))  # type: ignore[misc]

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """An item of a list. The converter would count all that stand before it for each, and trips over odd starts."""
        items = el.parent
        if items is None or items.name != "ol":
            return str(super().convert_li(el, text, parent_tags))  # type: ignore[misc]
        number = self._numbers[id(items)] = self._numbers.get(id(items), _start(items) - 1) + 1
        mark, item = f"{number}. ", text.strip()
        indented = "\n".join(" " * len(mark) * bool(line) + line for line in item.split("\n"))
        return f"{mark}{indented[len(mark) :]}\n" if item else "\n"

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:  # noqa: ARG002 - markdownify's
        """A code block, fenced by more backticks than it holds."""
        code = _text_of_code(el).replace("\r\n", "\n").strip("\n").rstrip()
        if not code.strip():
            return ""
        return f"\n\n{fenced(code, _language(el))}\n\n"


def to_markdown(element: Tag, base: str | None = None) -> str:
    """The Markdown of an element's content.

    Markup nested absurdly deep, or in absurdly many pieces, becomes plain text: nothing of it is lost.
    """
    copy = visible_copy(element)
    body = copy.body or copy
    if _is_absurd(body):
        return "\n".join(line for raw in body.get_text("\n").splitlines() if (line := raw.strip()))
    converter: Any = _Converter(base or f"https://{APPLE}/")
    return tidy(str(converter.process_tag(body, parent_tags=set())))


def fenced(code: str, language: str = "") -> str:
    """A code block between more backticks than it holds."""
    fence = "`" * (max((len(run) for run in re.findall(r"`{3,}", code)), default=2) + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def tidy(text: str) -> str:
    """Markdown without spaces at line ends and runs of blank lines, except inside code."""
    return "".join(part if code else _tidied(part) for part, code in parted(text)).strip()


def absolute(address: str | None, base: str) -> str | None:
    """A whole http(s) address, or None."""
    if not address:
        return None
    try:
        joined = urljoin(base, address.strip())
    except ValueError:
        return None
    return joined if re.match(r"https?://[^\s<>\"]+$", joined) else None


def markdown_link(label: str, address: str) -> str:
    """A link; an address with brackets stands in angle brackets."""
    return f"[{label}](<{address}>)" if re.search(r"[()]", address) else f"[{label}]({address})"


def _tidied(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n")))


def _start(items: Tag) -> int:
    """The number of the first item of a numbered list."""
    stated = attribute(items, "start") or ""
    return int(stated) if re.fullmatch(r"\d{1,9}", stated, re.ASCII) else 1


def _mend_span(cell: Tag) -> None:
    """Let a cell span as many columns as tables have: the converter trips over odd numbers and fills large ones."""
    if not re.fullmatch(r"\d{1,2}", attribute(cell, "colspan") or "", re.ASCII):
        del cell["colspan"]


def _text_of_code(pre: Tag) -> str:
    """The text of a code block, line breaks too."""
    return "".join(
        "\n" if isinstance(node, Tag) else str(node)
        for node in pre.descendants
        if (node.name == "br" if isinstance(node, Tag) else type(node) in (NavigableString, CData))
    )


def _language(pre: Tag) -> str:
    inner = pre.find(["code"])
    names = " ".join(
        filter(None, (attribute(pre, "class"), attribute(inner if isinstance(inner, Tag) else None, "class")))
    )
    found = _LANGUAGE.search(names)
    return found[1].lower() if found else ""


def _is_absurd(root: Tag) -> bool:
    """Whether elements lie too deep inside each other, or are too many; found without recursion."""
    waiting, elements = [(root, 1)], 0
    while waiting:
        element, level = waiting.pop()
        elements += 1
        if level > DEEPEST or elements > MOST:
            return True
        waiting += [(child, level + 1) for child in element.children if isinstance(child, Tag)]
    return False
