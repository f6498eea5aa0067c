"""Addresses: what is the same page, and which hosts are sources.

Host names pass through IDNA before they are compared: `developer<U+3002>apple.com` is the real host, and dozens of
look-alike mirrors are not.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

import idna

APPLE = "developer.apple.com"
SWIFT = "forums.swift.org"
HOSTS = frozenset({APPLE, SWIFT})
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # where a secret may go by http
_ALIASES = {"forums.developer.apple.com": APPLE, "www.developer.apple.com": APPLE}
_KEPT = ("page", "sortBy", "sortOrder", "answerId", "q", "post_ids[]", "language")
_OLD_THREAD = re.compile(r"^/thread/(\d{1,15})/?$")
_THREAD = re.compile(r"^/forums/thread/(\d{1,15})/?$")
_DOUBLED = re.compile(r"^(?:/forums)+(?=/forums(?:/|$))")


def host_of(address: str) -> str | None:
    """The host of an http(s) address after IDNA, in lower case; None where there is none or it is malformed."""
    try:
        address.encode()  # half a character, or a byte that is none, stands in no address
        split = urlsplit(address.strip())
        if split.scheme not in ("http", "https") or not split.hostname:
            return None
        if split.username is not None or split.port not in (None, 80, 443):
            return None
        return idna.encode(split.hostname, uts46=True).decode("ascii").lower()
    except (ValueError, UnicodeError):
        return None


def source_host(address: str) -> str | None:
    """The host that an address is fetched from, aliases resolved, or None where it is no source."""
    host = host_of(address)
    host = _ALIASES.get(host or "", host)
    return host if host in HOSTS else None


def canonical(address: str, base: str | None = None) -> str | None:
    """The one spelling of an address: host alias, doubled prefixes, noise parameters, fragment. None if it has none.

    An address of another host keeps its query and path; only its fragment goes.
    """
    try:
        joined = urljoin(base, address.strip()) if base else address.strip()
        split = urlsplit(joined)
    except ValueError:
        return None
    host = host_of(joined)
    if host is None:
        return None
    host = _ALIASES.get(host, host)
    path = quote(unquote(split.path), safe="/:@!$&'()*+,;=~-._") or "/"
    if host not in HOSTS:
        return f"https://{host}{path}" + (f"?{split.query}" if split.query else "")
    path = _path(path, host)
    first_page = ("page", "1") if host == APPLE else None  # Discourse counts the pages of its lists from 0
    query = [(k, v) for k, v in parse_qsl(split.query) if k in _KEPT and (k, v) != first_page]
    return f"https://{host}{path}" + (f"?{urlencode(sorted(query), safe='[]')}" if query else "")


def _path(path: str, host: str) -> str:
    path = re.sub(r"/{2,}", "/", path)
    if host == APPLE:
        path = _DOUBLED.sub("", path)
        path = _OLD_THREAD.sub(r"/forums/thread/\1", path)
        if path.lower().startswith(("/documentation", "/tutorials/data")):
            path = path.lower()
    return path.rstrip("/") or "/"


def page_address(address: str) -> str:
    """The address of the thing itself, without page, order and answer: what documents and links are compared by."""
    clean = canonical(address) or address
    return clean.partition("?")[0] if source_host(clean) and "/search" not in clean else clean


def thread_id(address: str) -> str | None:
    """The number of an Apple forum thread; None for any other address."""
    clean = canonical(address, f"https://{APPLE}/")
    if clean is None or source_host(clean) != APPLE:
        return None
    match = _THREAD.match(urlsplit(clean).path)
    return match[1] if match else None


def answer_id(address: str) -> str | None:
    """The post of a thread that an address leads to; None where it leads to the thread itself or is malformed."""
    clean = canonical(address, f"https://{APPLE}/")
    return dict(parse_qsl(urlsplit(clean).query)).get("answerId") if clean else None


def page_number(address: str | None) -> int:
    """The `page` of an address, 1 where it has none."""
    if not address:
        return 1
    found = dict(parse_qsl(urlsplit(address).query)).get("page", "1")
    return int(found) if found.isascii() and found.isdigit() and 0 < int(found) < 10_000 else 1
