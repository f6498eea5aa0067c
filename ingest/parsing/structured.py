"""Structured data inside a page: JSON-LD, if there is any. None was seen on the forum; it costs little to look."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup

from kb.surrogates import load_json

_THREADS = ("QAPage", "DiscussionForumPosting", "Question")


def stated_title(soup: BeautifulSoup) -> str | None:
    """The title of the thread that a page's JSON-LD describes."""
    for script in soup.select("script[type='application/ld+json']")[:10]:
        try:
            loaded = load_json(script.get_text())
        except (ValueError, RecursionError):
            continue
        for thing in loaded if isinstance(loaded, list) else [loaded]:
            if title := _title(thing):
                return title
    return None


def _title(thing: Any) -> str | None:
    if not isinstance(thing, dict) or thing.get("@type") not in _THREADS:
        return None
    entity = thing.get("mainEntity")
    for holder in (entity, thing):
        if isinstance(holder, dict):
            for name in ("headline", "name"):
                if isinstance(value := holder.get(name), str) and value.strip():
                    return " ".join(value.split())
    return None
