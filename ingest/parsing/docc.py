"""Apple's documentation as DocC JSON: articles, technotes, symbols; tables included.

Block and inline nodes are those of the DocC render format. A node of a kind that is not known is read through to
what lies inside it, and the kind is told in the notes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from ingest.addresses import APPLE, canonical
from ingest.parsing.markdown import fenced, markdown_link
from ingest.parsing.page import Fields, Found, Page, ParsedPage, Part, Problem, Row
from ingest.parsing.post_links import links_of
from kb.documents import Document, Post

DEEPEST = 80
_HIGHEST = 1_000_000  # with which a list may begin; each of its items repeats the digits
_HOLDERS = ("inlineContent", "content", "items", "rows", "columns", "tabs", "children")
_MONTHS = {m: n for n, m in enumerate(
    ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
     "december"), 1)}  # fmt: skip
_ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_WRITTEN = re.compile(r"\b([A-Z][a-z]{2,8})\s+(\d{1,2}),\s+(20\d\d)\b|\b(\d{1,2})\s+([A-Z][a-z]{2,8})\s+(20\d\d)\b")
_TECHNOTE = re.compile(r"/technotes/tn\d+", re.IGNORECASE)


def is_docc(loaded: Any) -> bool:
    """Whether JSON is a page of documentation."""
    return (
        isinstance(loaded, dict)
        and isinstance(loaded.get("identifier"), dict)
        and isinstance(loaded.get("metadata"), dict)
    )


def parse_docc(page: Page) -> ParsedPage:
    """One page of documentation as a document, and the pages under it as rows."""
    raw, fields = page.json, Fields()
    address = _address(raw, page)
    render = DoccText(raw.get("references"))
    title = fields.add("title", Found(_string(raw["metadata"].get("title")), "structured"), expected=True)
    abstract = render.inline(raw.get("abstract")).strip()
    sections = [text for s in _list(raw.get("primaryContentSections")) if (text := render.section(s))]
    listed = [text for s in _list(raw.get("topicSections")) if (text := render.topics(s))]
    fields.add("abstract", Found(abstract or None, "structured"))
    fields.add("sections", Found(len(sections) or None, "structured"))
    body = fields.add(
        "body", Found("\n\n".join([abstract, *sections, *listed]).strip() or None, "structured"), expected=True
    )
    fields.add("address", Found(address, "structured"), expected=True)
    updated = fields.add("updated", Found(revision(sections[-1] if sections else ""), "structured"))
    fields.add("platforms", Found(platforms(raw["metadata"]), "structured"))
    notes = (*page.notes, *(f"unknown node {kind!r}" for kind in sorted(render.unknown)))
    problems = [
        Problem("broken", f"it has no {name}") for name, value in (("title", title), ("text", body)) if not value
    ]
    if address is None:
        problems.append(Problem("broken", "it does not say which page of the documentation it is"))
    parts = (Part(document(address, title, body, page, updated), "page:1"),) if title and body and address else ()
    rows = tuple(render.rows(raw))
    return ParsedPage("documentation", address, parts, fields, tuple(problems), rows=rows, notes=notes)


def document(address: str, title: str, body: str, page: Page, updated: str | None) -> Document:
    """A page of documentation as a document of one article."""
    return Document(
        id=documentation_id(address) if page.verified else "unverified-" + documentation_id(address),
        source="docs" if page.verified else "unverified host",
        kind="technote" if _TECHNOTE.search(address) else "documentation",
        title=title,
        posts=(Post("article", body, author="Apple" if page.verified else None, apple=page.verified),),
        url=address if page.verified else None,
        captured=page.day,
        updated=updated,
        links=tuple(link for link in links_of(body) if link != address),
    )


def documentation_id(address: str) -> str:
    """The id of a documentation page: its path, in characters that need no quoting.

    Where others had to be replaced a hash of the path tells the operators `==(_:_:)` and `!=(_:_:)` apart.
    """
    path = urlsplit(address).path.removeprefix("/documentation/").strip("/").lower().replace("/", ".")
    readable = re.sub(r"[^a-z0-9.-]+", "_", path)
    return f"doc-{readable}" if readable == path else f"doc-{readable}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def documentation_address(path: str) -> str | None:
    """The address for people of a documentation path, of a `doc://` identifier or of a data address."""
    try:
        split = urlsplit(path)
    except ValueError:
        return None
    if split.scheme == "doc" or split.scheme in ("http", "https") or not split.scheme:
        inner = re.sub(r"^/tutorials/data(?=/)|\.(?:json|md)$", "", split.path, flags=re.IGNORECASE)
        if inner.lower().startswith("/documentation/"):
            return canonical(f"https://{APPLE}{inner}")
    return None


def revision(section: str) -> str | None:
    """The latest date of a technote's revision history, ISO 8601."""
    began = section.lower().rfind("revision history")
    if began < 0:
        return None
    history = section[began:]
    dates = {"-".join(m) for m in _ISO.findall(history)}
    for month, day, year, day_first, month_second, year_second in _WRITTEN.findall(history):
        name = (month or month_second).lower()
        number = next((n for m, n in _MONTHS.items() if m.startswith(name[:3])), 0)
        if number:
            dates.add(f"{year or year_second}-{number:02}-{int(day or day_first):02}")
    return max(dates, default=None)


def platforms(metadata: dict[str, Any]) -> str | None:
    """`iOS 26.0, macOS 26.0`."""
    entries = [p for p in _list(metadata.get("platforms")) if isinstance(p, dict) and p.get("name")]
    return ", ".join(f"{p['name']} {p.get('introducedAt') or ''}".strip() for p in entries) or None


class DoccText:
    """Nodes as Markdown; links resolve through the page's own references."""

    def __init__(self, references: Any) -> None:
        self._references = references if isinstance(references, dict) else {}
        self.unknown: set[str] = set()

    def section(self, section: Any) -> str:
        """One primary section."""
        if not isinstance(section, dict):
            return ""
        kind = section.get("kind")
        if kind == "declarations":
            return "\n\n".join(filter(None, (_declaration(d) for d in _list(section.get("declarations")))))
        if kind == "parameters":
            parameters = [p for p in _list(section.get("parameters")) if isinstance(p, dict)]
            lines = [f"- `{p.get('name')}`: {self.blocks(p.get('content'))}" for p in parameters]
            return "\n".join(["## Parameters", "", *lines]) if lines else ""
        if kind == "mentions":
            return ""
        return self.blocks(section.get("content"))

    def topics(self, section: Any) -> str:
        """A list of pages under a heading, as links."""
        if not isinstance(section, dict):
            return ""
        lines = [f"- {self._reference({'identifier': i})}" for i in _list(section.get("identifiers"))]
        return f"## {_string(section.get('title')) or 'Topics'}\n\n" + "\n".join(lines) if lines else ""

    def rows(self, raw: dict[str, Any]) -> Iterator[Row]:
        """The documentation pages that a page lists under it or beside it, each with its title and abstract."""
        seen: set[str] = set()
        for section in (s for name in ("topicSections", "seeAlsoSections") for s in _list(raw.get(name))):
            for identifier in _list(section.get("identifiers") if isinstance(section, dict) else None):
                reference = self._referenced(identifier)
                path = reference.get("url")
                if isinstance(path, str) and (found := documentation_address(path)) and found not in seen:
                    seen.add(found)
                    yield Row(found, "", f"{reference.get('title', '')} {self.inline(reference.get('abstract'))}")

    def blocks(self, nodes: Any, depth: int = 0) -> str:
        """Block nodes, an empty line between two."""
        if depth > DEEPEST:
            return ""
        return "\n\n".join(text for n in _list(nodes) if isinstance(n, dict) and (text := self._block(n, depth + 1)))

    def _block(self, node: dict[str, Any], depth: int) -> str:
        render = _BLOCKS.get(str(node.get("type")), DoccText._through)
        return render(self, node, depth)

    def _heading(self, node: dict[str, Any], _depth: int) -> str:
        level = node.get("level")
        return f"{'#' * min(6, max(1, level if isinstance(level, int) else 2))} {_string(node.get('text')) or ''}"

    def _paragraph(self, node: dict[str, Any], depth: int) -> str:
        return self.inline(node.get("inlineContent"), depth)

    def _code(self, node: dict[str, Any], _depth: int) -> str:
        code = "\n".join(str(line) for line in _list(node.get("code")))
        return fenced(code, _string(node.get("syntax")) or "")

    def _aside(self, node: dict[str, Any], depth: int) -> str:
        label = _string(node.get("name")) or (_string(node.get("style")) or "note").capitalize()
        return _quoted(f"**{label}**: {self.blocks(node.get('content'), depth)}")

    def _terms(self, node: dict[str, Any], depth: int) -> str:
        return "\n\n".join(self._term(i, depth) for i in _list(node.get("items")) if isinstance(i, dict))

    def _items(self, node: dict[str, Any], depth: int) -> str:
        out = []
        start = node.get("start")
        first = start if isinstance(start, int) and 0 <= start < _HIGHEST else 1
        for at, item in enumerate(_list(node.get("items")), first):
            text = self.blocks(item.get("content") if isinstance(item, dict) else None, depth)
            mark = f"{at}. " if node.get("type") == "orderedList" else "- "
            out.append(mark + text.replace("\n", "\n" + " " * len(mark)).replace(" " * len(mark) + "\n", "\n"))
        return "\n".join(out)

    def _term(self, item: dict[str, Any], depth: int) -> str:
        term, meaning = item.get("term"), item.get("definition")
        name = self.inline(term.get("inlineContent"), depth) if isinstance(term, dict) else ""
        return f"**{name}**: {self.blocks(meaning.get('content') if isinstance(meaning, dict) else None, depth)}"

    def _table(self, node: dict[str, Any], depth: int) -> str:
        rows = [
            [_cell(self.blocks(cell if isinstance(cell, list) else [cell], depth)) for cell in _list(row)]
            for row in _list(node.get("rows"))
        ]
        width = max((len(r) for r in rows), default=0)
        if not width:
            return ""
        rows = [r + [""] * (width - len(r)) for r in rows]
        heading = rows.pop(0) if node.get("header") in ("row", "both") else [""] * width
        lines = [heading, ["---"] * width, *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def _through(self, node: dict[str, Any], depth: int) -> str:
        """A node of another kind: what lies inside it."""
        kind = str(node.get("type") or node.get("kind") or "")[:40]
        if kind not in ("tabNavigator", "row", "", "links"):
            self.unknown.add(kind)
        if depth > DEEPEST:
            return ""
        pieces = [f"**{title}**"] if (title := _string(node.get("title"))) else []
        for name in _HOLDERS:
            value = node.get(name)
            if name == "inlineContent" and value:
                pieces.append(self.inline(value, depth + 1))
            elif value:
                flat = [n for v in _list(value) for n in (v if isinstance(v, list) else [v])]
                pieces.append(self.blocks(flat, depth + 1))
        return "\n\n".join(p for p in pieces if p)

    def inline(self, nodes: Any, depth: int = 0) -> str:
        """Inline nodes as one run of text."""
        if depth > DEEPEST:
            return ""
        return "".join(self._inline(n, depth + 1) for n in _list(nodes) if isinstance(n, dict))

    def _inline(self, node: dict[str, Any], depth: int) -> str:
        kind = str(node.get("type"))
        if (mark := _MARKS.get(kind)) is not None:
            return f"{mark}{self.inline(node.get('inlineContent'), depth)}{mark}"
        render = _INLINE.get(kind, DoccText._through)
        return render(self, node, depth)

    def _text(self, node: dict[str, Any], _depth: int) -> str:
        return str(node.get("text") or "")

    def _code_voice(self, node: dict[str, Any], _depth: int) -> str:
        return f"`{node.get('code') or ''}`"

    def _outward(self, node: dict[str, Any], depth: int) -> str:
        label = _string(node.get("title")) or self.inline(node.get("inlineContent"), depth)
        return _link(label, canonical(str(node.get("destination") or "")))

    def _image(self, node: dict[str, Any], _depth: int) -> str:
        return f"[{_string(self._referenced(node.get('identifier')).get('alt')) or 'image'}]"

    def _referenced(self, identifier: Any) -> dict[str, Any]:
        reference = self._references.get(identifier) if isinstance(identifier, str) else None
        return reference if isinstance(reference, dict) else {}

    def _reference(self, node: dict[str, Any], _depth: int = 0) -> str:
        identifier = str(node.get("identifier") or "")
        reference = self._referenced(identifier)
        title = (
            _string(node.get("overridingTitle"))
            or "".join(_plain(n) for n in _list(reference.get("titleInlineContent")))
            or _string(reference.get("title"))
            or identifier.rpartition("/")[2]
        )
        raw = str(reference.get("url") or "")
        return _link(
            title,
            documentation_address(raw) or canonical(raw, f"https://{APPLE}/")
            if raw
            else documentation_address(identifier),
        )


_Render = Callable[[DoccText, dict[str, Any], int], str]
_BLOCKS: dict[str, _Render] = {
    "heading": DoccText._heading,
    "paragraph": DoccText._paragraph,
    "small": DoccText._paragraph,
    "codeListing": DoccText._code,
    "unorderedList": DoccText._items,
    "orderedList": DoccText._items,
    "aside": DoccText._aside,
    "termList": DoccText._terms,
    "table": DoccText._table,
    "thematicBreak": lambda *_: "---",
}
_INLINE: dict[str, _Render] = {
    "text": DoccText._text,
    "codeVoice": DoccText._code_voice,
    "reference": DoccText._reference,
    "link": DoccText._outward,
    "image": DoccText._image,
    "video": DoccText._image,
}
_MARKS = {"emphasis": "*", "newTerm": "*", "strong": "**", "inlineHead": "**", "strikethrough": "~~",
          "superscript": "", "subscript": ""}  # fmt: skip


def _address(raw: dict[str, Any], page: Page) -> str | None:
    """The page that the JSON says it is; else the one that it was fetched as."""
    stated = documentation_address(str(raw["identifier"].get("url") or ""))
    return stated or (documentation_address(page.address) if page.address else None)


def _plain(node: Any) -> str:
    if not isinstance(node, dict):
        return ""
    return f"`{node.get('code')}`" if node.get("type") == "codeVoice" else str(node.get("text") or "")


def _link(label: str, address: str | None) -> str:
    text = " ".join(label.split())
    return markdown_link(text, address) if address and text else text


def _declaration(declaration: Any) -> str:
    tokens = _list(declaration.get("tokens")) if isinstance(declaration, dict) else []
    code = "".join(str(t.get("text") or "") for t in tokens if isinstance(t, dict)).strip()
    return fenced(code, "swift") if code else ""


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: Any) -> str | None:
    return " ".join(value.split()) or None if isinstance(value, str) else None
