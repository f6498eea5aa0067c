"""How the server runs, in one place."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeSettings:
    """Settings of `nekb serve`. Times in seconds, sizes in bytes, rates as `limits` reads them.

    `require_keys` is decided by where the server listens: beyond loopback nothing answers without a key.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8765
    require_keys: bool = False
    rate: str = "120/minute"
    max_body: int = 2 << 20
    max_in_flight: int = 256  # requests of a process at a time
    timeout: float = 20.0
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # public names under which the server may be reached
    reload_every: float = 2.0
    shared: Path | None = None  # a folder in which the workers of one server count together


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
