"""The snapshot that answers now, changed under the server's feet without a dropped request.

A request takes the snapshot once and keeps it until it is done. A new one is opened and asked a question before it
takes over; one that cannot be opened is refused, until its files change, and the old one serves on.
"""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import structlog

from kb.asking import ask
from kb.errors import NekbError, SnapshotError
from kb.snapshot import BUILD_AGAIN, Snapshot, current_folder

log = structlog.get_logger("nekb.snapshot")

Folder = tuple[str, frozenset[tuple[Path, int, int]]]  # a snapshot's id, and time and size of each of its files


class CurrentSnapshot:
    """Holds the open snapshot of a data directory and replaces it when another is published."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._refused: Folder | None = None

    def get(self) -> Snapshot:
        """The snapshot to answer from. Raises `SnapshotError` where there is none yet."""
        snapshot = self._snapshot
        if snapshot is None:
            self.refresh()
            snapshot = self._snapshot
        if snapshot is None:
            raise self._missing()
        return snapshot

    def _missing(self) -> SnapshotError:
        """Why there is nothing to answer from."""
        if self._refused is None:
            return SnapshotError("Nothing has been built yet.", BUILD_AGAIN)
        return SnapshotError(f"The snapshot {self.refused} cannot be used by this version.", BUILD_AGAIN)

    def fresh(self) -> Snapshot:
        """The same, after a look for a new one: for a process that nothing else tells of it."""
        self.refresh()
        return self.get()

    @property
    def refused(self) -> str | None:
        """The id of a published snapshot that could not be used, where the last one could not."""
        return self._refused[0] if self._refused else None

    def refresh(self) -> bool:
        """Take over the published snapshot when it is another one; whether that happened."""
        held, folder = self._snapshot, current_folder(self._home)
        if folder is None or (held is not None and held.folder == folder and self._refused is None):
            return False
        with self._lock:  # whoever waited for it looks again: another may have taken the same one over
            held, folder = self._snapshot, current_folder(self._home)
            if folder is None:
                return False
            if held is not None and held.folder == folder:
                self._refused = None
                return False
            return self._take_over(folder, held)

    def _take_over(self, folder: Path, held: Snapshot | None) -> bool:
        seen = _seen(folder)
        if seen == self._refused:
            return False
        try:
            fresh = Snapshot(folder)
            if held is not None:
                fresh.share(held)
            ask("code 8 hotspot", fresh)  # opens every part before anybody waits for it
        except Exception as error:  # a damaged part raises whatever the library that reads it likes to
            self._refused = seen
            why = {"problem": error.sentence} if isinstance(error, NekbError) else {}  # other words may be anybody's
            log.warning("snapshot_refused", id=folder.name, error=type(error).__name__, **why)
            return False
        self._snapshot, self._refused = fresh, None
        log.info("snapshot_opened", id=fresh.manifest.id)
        gc.collect()
        gc.freeze()  # it stays for long: no request waits for a collection that looks through all of it
        return True


def _seen(folder: Path) -> Folder:
    """A snapshot as it lies there; what is opened in it takes locks, whose names begin with a point."""
    try:
        files = [(path, path.stat()) for path in folder.rglob("[!.]*") if path.is_file()]
    except OSError:  # it is being removed
        files = []
    return folder.name, frozenset((path, found.st_mtime_ns, found.st_size) for path, found in files)
