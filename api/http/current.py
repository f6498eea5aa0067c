"""The snapshot that answers now, changed under the server's feet without a dropped request.

A request takes the snapshot once and keeps it until it is done. A new one is opened and asked a question before it
takes over; one that cannot be opened is refused and the old one serves on.
"""

from __future__ import annotations

import gc
import sqlite3
import threading
from pathlib import Path

import structlog

from kb.asking import ask
from kb.errors import NekbError, SnapshotError
from kb.snapshot import BUILD_AGAIN, Snapshot, current_folder

log = structlog.get_logger("nekb.snapshot")


class CurrentSnapshot:
    """Holds the open snapshot of a data directory and replaces it when another is published."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._refused: str | None = None

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
        return SnapshotError(f"The snapshot {self._refused} cannot be used by this version.", BUILD_AGAIN)

    def fresh(self) -> Snapshot:
        """The same, after a look for a new one: for a process that nothing else tells of it."""
        self.refresh()
        return self.get()

    @property
    def refused(self) -> str | None:
        """The id of a published snapshot that could not be used, where the last one could not."""
        return self._refused

    def refresh(self) -> bool:
        """Take over the published snapshot when it is another one; whether that happened."""
        folder = current_folder(self._home)
        held = self._snapshot
        if folder is None or (held is not None and held.folder == folder) or folder.name == self._refused:
            return False
        with self._lock:
            try:
                fresh = Snapshot(folder)
                if held is not None:
                    fresh.share(held)
                ask("code 8 hotspot", fresh)  # opens every part before anybody waits for it
            except (NekbError, OSError, ValueError, RuntimeError, KeyError, sqlite3.Error) as error:
                self._refused = folder.name
                log.warning("snapshot_refused", id=folder.name, error=type(error).__name__)
                return False
            self._snapshot, self._refused = fresh, None
            log.info("snapshot_opened", id=fresh.manifest.id)
            gc.collect()
            gc.freeze()  # it stays for long: no request waits for a collection that looks through all of it
            return True
