"""robots.txt, wildcards included: the standard library's parser ignores them."""

from __future__ import annotations

from urllib.parse import urlsplit

from protego import Protego

from ingest.addresses import APPLE

# What developer.apple.com disallowed on 2026-09-26; used when its robots.txt cannot be had.
_APPLE_RULES = """User-agent: *
Disallow: /click/
Disallow: /cgi-bin/
Disallow: /survey/
Disallow: /temp/
Disallow: /search/
Disallow: /unsubscribe/
Disallow: /reference/
Disallow: /documentation/dataformats/
Disallow: /forums/create/question
Disallow: /forums/login
Disallow: /forums/preferences
Disallow: /forums/profile
Disallow: /forums/*?view
"""
NOTHING_ALLOWED = "User-agent: *\nDisallow: /\n"
AGENT = "nekb"


def fallback_rules(host: str) -> str:
    """The rules to keep to when a host's robots.txt cannot be had: those last known, else none of it."""
    return _APPLE_RULES if host == APPLE else NOTHING_ALLOWED


def allowed(rules: str, address: str) -> bool:
    """Whether a robots.txt lets nekb fetch an address."""
    split = urlsplit(address)
    path = split.path + (f"?{split.query}" if split.query else "")
    return bool(Protego.parse(rules).can_fetch(path, AGENT))


def crawl_delay(rules: str) -> float | None:
    """The seconds between two requests that a robots.txt asks for."""
    delay = Protego.parse(rules).crawl_delay(AGENT)
    return float(delay) if delay is not None else None
