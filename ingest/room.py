"""Room on a disk: how much a folder takes, and a full disk, in whatever words a library tells of it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kb.errors import NekbError

_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# SQLite, FAISS and tantivy raise errors of their own kinds, with the system's words in them.
_LITTLE = 256 << 10  # bytes: less than SQLite needs to work at all
_WORDS = ("disk is full", *(os.strerror(code) for code in _CODES))


@contextmanager
def said_when_full(path: Path) -> Iterator[None]:
    """Raise `NekbError` (`disk_full`) for whatever fails because there is no room left to write a path."""
    try:
        yield
    except NekbError:
        raise
    except Exception as error:
        if tells_of_no_room(error, path):
            raise no_room(path) from error
        raise


def tells_of_no_room(error: Exception, path: Path) -> bool:
    """Whether an error says that a disk is full, a quota used up, or a file as large as it may be."""
    if isinstance(error, OSError) and error.errno in _CODES:
        return True
    if "disk I/O error" in str(error):  # SQLite's word too where there is no room for the memory that it shares
        with suppress(OSError):
            return shutil.disk_usage(path.parent).free < _LITTLE
    return any(word in str(error) for word in _WORDS)


def no_room(path: Path) -> NekbError:
    """What to tell a person of it."""
    return NekbError(
        f"The disk that holds {path} is full.",
        "Make room, then run the same command again: it goes on where it stopped.",
        code="disk_full",
    )


def room_taken(folder: Path) -> int:
    """The bytes of all files under a folder, those excepted that a build removes meanwhile."""
    total = 0
    for under, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(under, name).stat().st_size
    return total
