"""A circuit breaker: after a few failures in a row nobody waits for a server that is away (Nygard, Release It!, 2007).

Closed, every call goes through. After `failures` in a row it opens and calls are refused at once; after `rest` seconds
one call is let through as a trial, and its outcome closes or opens it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Circuit:
    """The state of one server, shared between threads."""

    def __init__(self, failures: int, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = failures
        self._rest = rest
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._opened: float | None = None
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether calls are refused, but for a trial now and then."""
        return self._opened is not None

    def enter(self) -> bool:
        """Whether a call may go through now."""
        with self._lock:
            if self._opened is None:
                return True
            if self._trying or self._clock() - self._opened < self._rest:
                return False
            self._trying = True
            return True

    def succeeded(self) -> None:
        """A call came back."""
        with self._lock:
            self._failed, self._opened, self._trying = 0, None, False

    def failed(self) -> bool:
        """A call failed; whether that opened the circuit."""
        with self._lock:
            self._failed += 1
            self._trying = False
            was_open = self._opened is not None
            if was_open or self._failed >= self._allowed:
                self._opened = self._clock()
            return self._opened is not None and not was_open
