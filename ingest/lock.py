"""One writer at a time: a lock on the user's data directory, given back by the system when a process dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.errors import NekbError


@contextmanager
def only_writer(home: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the directory's lock. Raises `NekbError` when another run holds it, unless told to wait."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = (home / "lock").open("a+b")
    except OSError as error:
        raise NekbError(
            f"The data directory {home} cannot be written: {error.strerror}.",
            "Set NEKB_HOME to a folder of yours.",
            code="home",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise NekbError(
                "Another nekb is ingesting or building in this data directory.",
                "Wait until it is done, or set NEKB_HOME to another folder.",
                code="busy",
            ) from error
        yield
