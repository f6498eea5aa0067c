"""A connection to PostgreSQL that gives up on a server that no longer says anything.

A frozen server keeps its sockets open, and neither its own time-out for statements nor the network's notices that
nobody is at work behind them. Whoever waits would hold a thread for as long as that lasts.
"""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")


class PatientConnection(psycopg.Connection[Any]):
    """A connection of which each wait ends: after `patience` seconds it is closed and counts as lost."""

    patience = 11.0  # a second more than the server gives itself for a statement

    def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        """Wait for the server, at most `patience` seconds. Raises `psycopg.OperationalError` after that."""
        try:
            return super().wait(_bounded(gen, time.monotonic() + self.patience), *arguments, **options)
        except TimeoutError:
            self.close()  # what it was asked may still be answered one day, and must not answer the next question
            raise psycopg.OperationalError("the server says nothing") from None


def _bounded(gen: PQGen[T], deadline: float) -> PQGen[T]:
    """The same steps; where psycopg looks up from waiting, ten times a second, so does the clock."""
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and time.monotonic() > deadline:
                raise TimeoutError
            state = gen.send(ready)
    except StopIteration as done:
        result: T = done.value
        return result
