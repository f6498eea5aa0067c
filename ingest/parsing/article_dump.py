"""The other text dump of a listing (variant B): bodies in paragraphs, each followed by its topic and tags.

There are no titles and no counters. An extractor made it, keeping the paragraphs of each post; the labels
`Topic:`, `SubTopic:` and `Tags:` end an entry.
"""

from __future__ import annotations

import hashlib
import re

from ingest.parsing.page import Fields, Found, Page, ParsedPage, Part, Problem, unique
from ingest.parsing.post_links import links_of
from kb.documents import Document, Post, fold

_LABEL = re.compile(r"^(?P<name>Topic|Sub-?Topic|Tags?)\s*:\s*(?P<value>.*)$", re.IGNORECASE)
_HEADER = re.compile(
    r"RSS for tag|Posts under .{1,80} (?:tag|topic|subtopic)|^\d[\d,]* Posts?$|"
    r"^(?:Post|Replies|Boosts|Views|Activity|Created)$|^Sort by:|reload the page|page to reload",
    re.IGNORECASE,
)
_TAG = re.compile(r"Posts under (.{1,80}?) (?:tag|topic|subtopic)\b")
_TITLE_WORDS = 12
_PINNED = 80  # characters; less than that before the header is only the tag's name


def is_article_dump(text: str) -> bool:
    """Whether a text has entries that end in topic and tag labels."""
    names = [m["name"].lower().replace("-", "") for line in text.splitlines() if (m := _LABEL.match(line.strip()))]
    return names.count("topic") >= 1 and ("subtopic" in names or any(n.startswith("tag") for n in names))


def parse_article_dump(page: Page) -> ParsedPage:
    """Every entry with a body as a document; the first words of its body stand for the missing title."""
    fields = Fields()
    parts: dict[str, Part] = {}
    orphans = 0
    for body, labels in _entries(page.text):
        text = fields.add("body", Found("\n\n".join(body) or None, "text-dump"), expected=True)
        fields.add("topic", Found(labels.get("subtopic") or labels.get("topic"), "text-dump"))
        tags = unique(t.strip() for t in re.split(r"[,\n]", labels.get("tags", "")) if t.strip())
        fields.add("tags", Found(tags, "text-dump"))
        if not text:
            orphans += 1
            continue
        document = Document(
            id="entry-" + hashlib.sha256(fold(text)[:200].encode()).hexdigest()[:16],
            source="dump", kind="thread", title=_title(text), posts=(Post("question", text),),
            topic=labels.get("subtopic") or labels.get("topic"), tags=tags, captured=page.day,
            links=tuple(links_of(text)),
        )  # fmt: skip
        parts.setdefault(document.id, Part(document, "dump"))
    problems = [] if parts else [Problem("broken", "it has labels and no text")]
    notes = (*page.notes, *([f"{orphans} entries have labels and no text"] if orphans else []))
    return ParsedPage("text_dump_B", page.address, tuple(parts.values()), fields, tuple(problems), notes=notes)


def _entries(text: str) -> list[tuple[list[str], dict[str, str]]]:
    """Paragraphs up to a run of labels, with the labels; a value may stand on the line after its label.

    What stands before the tag's header is the pinned post, an entry of its own without labels.
    """
    entries: list[tuple[list[str], dict[str, str]]] = []
    body: list[str] = []
    labels: dict[str, str] = {}
    waiting: str | None = None
    begun = False  # the list proper; a header line after that is somebody's sentence
    tags = set(_TAG.findall(text))  # a tag's name stands alone above its header
    for raw in text.lstrip("\ufeff").splitlines():
        line = " ".join(raw.split())
        if not line:
            continue
        if match := _LABEL.match(line):
            waiting = match["name"].lower().replace("-", "").replace("tag", "tags").replace("tagss", "tags")
            labels[waiting] = match["value"].strip()
            waiting = None if labels[waiting] else waiting
        elif waiting:
            labels[waiting] = line
            waiting = None
        elif not labels and not begun and _HEADER.search(line):
            pinned = body[:-1] if body and body[-1] in tags else body
            if len(" ".join(pinned)) >= _PINNED:
                entries.append((pinned, {}))
            body = []
        else:
            if labels:
                entries.append((body, labels))
                body, labels, begun = [], {}, True
            body.append(line)
    return entries + ([(body, labels)] if labels else [])


def _title(body: str) -> str:
    words = body.split()
    first = re.split(r"(?<=[.!?])\s", " ".join(words[:40]))[0]
    short = first.split()[:_TITLE_WORDS]
    return " ".join(short) + ("…" if len(short) < len(words) else "")
