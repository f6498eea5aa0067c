"""Opening the snapshot; the first question on a new machine builds it."""

from __future__ import annotations

from kb.home import nekb_home
from kb.snapshot import Snapshot, current_folder, open_current


def open_or_build() -> Snapshot:
    """The current snapshot; where none was ever built, build it with progress on stderr."""
    home = nekb_home()
    if current_folder(home) is None:
        from api.cli.progress import Bars
        from ingest.build import build

        with Bars("First question on this machine: building the index (about a minute, once).") as bars:
            build(home, bars, wait=True)
    return open_current(home)
