"""Web addresses that a person gave: where a watch sends, where Slack finds the server."""

from __future__ import annotations

import re

import httpx

from ingest.addresses import LOOPBACK
from kb.errors import BadInputError

_HOST = re.compile(rb"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+")  # a name, or an address of IPv6


def web_url(address: str) -> httpx.URL | None:
    """The address as it would be asked for, without space around it; None where it is no http(s) address of a host.

    What would fail only when something is sent, such as a port beyond 65535, is none either.
    """
    try:
        url = httpx.URL(address.strip())
        url.raw_host.decode().encode("idna")  # as the resolver does, which raises over a label that is too long
    except (httpx.InvalidURL, UnicodeError):
        return None
    known = url.scheme in ("http", "https") and _HOST.fullmatch(url.raw_host) and url.port != 0
    return url if known and (url.port or 0) < 1 << 16 else None


def web_address(address: str) -> str:
    """An address to send to, without space around it.

    Raises `BadInputError` for what is none, and for one that is not https, unless it is of this machine.
    """
    url = web_url(address)
    if url and (url.scheme == "https" or url.host in LOOPBACK):
        return address.strip()
    raise BadInputError("The address to send to is no https address.", "Only this machine may be sent to by http.",
                        code="address")  # fmt: skip
