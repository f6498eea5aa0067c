"""How often somebody may ask: a rate a key and a rate a client, told in the standard headers.

A key is counted before anybody knows whether it is one, so that a refusal costs no look-up. So that inventing keys does
not get around the client's rate, a shown key that was none counts against the client: who shows too many is let in with
a key that exists alone (`failures`).

The counts lie in a small table that the workers of one server map from one file: a rate is the server's, whichever
worker a request comes to. A slot holds one caller: the requests of this window and of the one before, which fades
while this one passes (a sliding window). Where more callers come at a time than the table holds, the one who asked
least is forgotten.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import mmap
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from limits import parse

try:
    import fcntl
except ImportError:  # Windows: two workers may then lose a count to each other
    fcntl = None  # type: ignore[assignment]

Headers = list[tuple[bytes, bytes]]
_SLOT = struct.Struct("<QIII4x")  # who, number of the window, requests in it, requests in the one before
_BUCKETS = 4_096
_WAYS = 8  # slots in which a caller may stand
_TABLE = "rates"


class Rates:
    """The counts of a server; `shared` is the folder of its workers, None where there is one."""

    def __init__(self, rate: str, shared: Path | None = None) -> None:
        item = parse(rate)
        self._amount, self._window = item.amount, item.get_expiry()
        self._policy = f'"default";q={self._amount};w={self._window}'.encode()
        size = _SLOT.size * _BUCKETS * _WAYS
        self._file = None if shared is None else _opened(shared / _TABLE, size)
        self._table = mmap.mmap(-1 if self._file is None else self._file, size)

    def count(self, client: str, shown: bytes | None) -> tuple[Headers, int | None]:
        """Count a request: the headers of its answer, and the seconds to wait where it is one too many."""
        with self._alone():
            who = hashlib.sha256(shown).hexdigest() if shown else client
            return self._told(*self._count("asked", who, 1))

    def failures(self, client: str) -> tuple[Headers, int | None]:
        """Where a client stands with keys that were none: the seconds to wait where there were too many."""
        with self._alone():
            return self._told(*self._count("failed", client, 0))

    def count_failure(self, client: str) -> None:
        """Count a shown key that was none."""
        with self._alone():
            self._count("failed", client, 1)

    def _count(self, kind: str, who: str, requests: int) -> tuple[int, float | None]:
        """Add requests where one more is allowed: how many remain, and else the seconds until one is."""
        window, passed = divmod(time.time() / self._window, 1)
        at, now, before = self._found(kind, who, int(window))
        left = math.floor(self._amount - before * (1 - passed)) - now
        if left < 1:
            return 0, self._wait(passed, now, before)
        if requests:
            _SLOT.pack_into(self._table, at, _id(kind, who), int(window), now + requests, before)
        return left - requests, None

    def _wait(self, passed: float, now: int, before: int) -> float:
        """Seconds until one more is allowed: as the window before fades, or in the next one as this fades."""
        free = self._amount - 1
        if now <= free and before:
            return (1 - (free - now) / before - passed) * self._window
        return (1 - passed + max(0.0, 1 - free / max(now, 1))) * self._window

    def _found(self, kind: str, who: str, window: int) -> tuple[int, int, int]:
        """The place of a caller in the table, and the requests in this window and the one before."""
        id = _id(kind, who)
        start = id % _BUCKETS * _WAYS * _SLOT.size
        least, place = (window, math.inf), start
        for at in range(start, start + _WAYS * _SLOT.size, _SLOT.size):
            held, number, now, before = _SLOT.unpack_from(self._table, at)
            if held == id:
                return at, now if number == window else 0, _faded(number - window, now, before)
            if (number, now) < least:
                least, place = (number, now), at
        return place, 0, 0

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other worker counts meanwhile; within a worker the event loop sees to that."""
        if self._file is None or fcntl is None:
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _told(self, remaining: int, wait: float | None) -> tuple[Headers, int | None]:
        """The headers that say where a caller stands."""
        rest = self._window - time.time() % self._window
        seconds = max(math.ceil(rest if wait is None else wait), 1)
        headers: Headers = [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", f'"default";r={remaining};t={seconds}'.encode()),
            (b"ratelimit-limit", str(self._amount).encode()),
            (b"ratelimit-remaining", str(remaining).encode()),
            (b"ratelimit-reset", str(seconds).encode()),
        ]
        if wait is None:
            return headers, None
        return [*headers, (b"retry-after", str(seconds).encode())], seconds


def _faded(age: int, now: int, before: int) -> int:
    """The requests in the window before, of a slot that was written so many windows ago (0 or negative)."""
    return before if age == 0 else now if age == -1 else 0


def _id(kind: str, who: str) -> int:
    digest = hashlib.blake2b(f"{kind} {who}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def _opened(path: Path, size: int) -> int:
    """The table's file, made where it is not there; only its owner may read it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(file, size)
    return file
