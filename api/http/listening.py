"""Where a server listens: the sockets, and the forms in which its names and origins have to be written."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
from urllib.parse import urlsplit

from kb.errors import BadInputError

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def listening(host: str, port: int) -> list[socket.socket]:
    """Bound sockets for each address of a host. Raises `BadInputError` where this machine cannot listen there."""
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in sorted({(f, a) for f, _, _, _, a in found}):
            _bind(sockets, family, address)
    except (OSError, UnicodeError) as error:
        for each in sockets:
            each.close()
        raise _refused(host, port, error) from error
    if not sockets:
        raise _refused(host, port, None)
    return sockets


def _bind(sockets: list[socket.socket], family: int, address: tuple[object, ...]) -> None:
    """Add a socket for an address; an address of a family that this machine has not is left out."""
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return
    sockets.append(made)
    if os.name == "posix":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        made.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        sockets.remove(made)
        made.close()


def _refused(host: str, port: int, error: Exception | None) -> BadInputError:
    """Why this machine cannot listen there, for people."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return BadInputError(
            f"Something listens on {shown(host, port)} already.", "End it, or choose another --port.", code="listen"
        )
    if number in (errno.EACCES, errno.EPERM):
        return BadInputError(f"You may not listen on port {port}.", "Choose a --port from 1024 on.", code="listen")
    return BadInputError(
        f"{host!r} is no address of this machine.",
        "Listen on 127.0.0.1, on 0.0.0.0 for all of its addresses, or on one of them.",
        code="listen",
    )


def shown(host: str, port: int) -> str:
    """Host and port as they stand in an address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_origin(origin: str) -> str:
    """An origin as browsers send it. Raises `BadInputError` for what no browser ever sends."""
    try:
        parts = urlsplit(origin.lower())
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host, port = "", "", None
    if not scheme or not re.fullmatch(r"[!-)+-~]+", host):
        raise BadInputError(f"{origin!r} is no web origin.", "Write it like https://app.example.", code="origin")
    plain = f"[{host}]" if ":" in host else host
    written = f"{scheme}://{plain}" + (f":{port}" if port not in (None, _PORTS.get(scheme)) else "")
    if written != origin.lower():
        raise BadInputError(f"No browser sends the origin {origin!r}.", f"Write {written}.", code="origin")
    return written


def check_name(name: str) -> str:
    """A public name as a Host header has it. Raises `BadInputError` for an address with a scheme, a port or a path."""
    plain = name.lower().strip("[]").removesuffix(".")
    if _NAME.fullmatch(plain):
        return plain
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        raise BadInputError(
            f"{name!r} is no name of a host.", "Write the name alone, such as nekb.example.com.", code="public_name"
        ) from None
