"""How often somebody may ask: a rate a key and a rate a client, told in the standard headers.

A key is counted before anybody knows whether it is one, so that a refusal costs no look-up; so that inventing keys does
not get around the client's rate, what was refused as no key counts against the client.
"""

from __future__ import annotations

import hashlib
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

Headers = list[tuple[bytes, bytes]]


class Rates:
    """The counts of one process; several workers count each for itself."""

    def __init__(self, rate: str) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate: RateLimitItem = parse(rate)
        self._policy = f'"default";q={self._rate.amount};w={self._rate.get_expiry()}'.encode()

    def count(self, client: str, shown: bytes | None) -> tuple[Headers, int | None]:
        """Count a request: the headers of its answer, and the seconds to wait where it is one too many."""
        if shown and not self._limiter.test(self._rate, "failed", client):
            return self._told("failed", client, allowed=False)
        who = hashlib.sha256(shown).hexdigest()[:16] if shown else client
        return self._told("asked", who, allowed=self._limiter.hit(self._rate, "asked", who))

    def count_failure(self, client: str) -> None:
        """Count a request that was refused for its key."""
        self._limiter.hit(self._rate, "failed", client)

    def _told(self, kind: str, who: str, *, allowed: bool) -> tuple[Headers, int | None]:
        reset, remaining = self._limiter.get_window_stats(self._rate, kind, who)
        wait = max(int(reset - time.time()) + 1, 1)
        headers: Headers = [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", f'"default";r={remaining};t={wait}'.encode()),
            (b"ratelimit-limit", str(self._rate.amount).encode()),
            (b"ratelimit-remaining", str(remaining).encode()),
            (b"ratelimit-reset", str(wait).encode()),
        ]
        if allowed:
            return headers, None
        return [*headers, (b"retry-after", str(wait).encode())], wait
