"""The links of a post's Markdown."""

from __future__ import annotations

import re

from ingest.addresses import canonical
from ingest.parsing.fences import parted

_NAMED = re.compile(
    r"(?<!!)\[((?:[^\[\]\n]|\[[^\[\]\n]*\]){1,300})\]\((?:<(https?://[^<>\s]+)>|(https?://[^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)*))\)"
)
_BARE = re.compile(r"https?://[^\s<>\"'`\]]+[^\s<>\"'`\].,;:!?)*_]")


def named_links(body: str) -> list[tuple[str, str]]:
    """`(text, address)` of every link; the text of a bare address is empty. Addresses in code count as bare."""
    found = [(m[1], m[2] or m[3]) for m in _NAMED.finditer(body)]
    rest = [part for part, code in parted(_NAMED.sub(" ", body)) if not code]
    found += [("", m[0]) for m in _BARE.finditer(" ".join(rest))]
    return [(" ".join(text.split()), address) for text, raw in found if (address := canonical(raw))]


def links_of(body: str) -> list[str]:
    """Every address that a post points at, each once, in the one spelling that documents are compared by."""
    return list(dict.fromkeys(address for _, address in named_links(body)))
