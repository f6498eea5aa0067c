"""The data directory of a test run, built once by a process of its own beside the tests that need none.

python -m tests.first_build FOLDER KEPT

Each worker of a run starts it with the same folder: the first builds `home` there, the others wait for that.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from ingest.build import build
from ingest.importing import import_files
from tests.conftest import PAGES, ROOT


def make_once(folder: Path, kept: Path) -> None:
    """Build `home` in the folder of a run, unless another worker has, or begun and died."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = folder / "built"
        if not built.exists():
            shutil.rmtree(folder / "home", ignore_errors=True)
            make(folder / "home", kept)
            built.touch()


def make(folder: Path, kept: Path) -> None:
    """Build anew into a folder.

    What the run before embedded, taught and exported is taken over where it was made of the same, as in any build;
    it is kept in the second folder.
    """
    folder.mkdir()
    earlier = folder / "snapshots" / "earlier"
    for file in kept.glob("store.db*"):
        shutil.copy(file, folder / file.name)
    if (kept / f"snapshot-{_makers()}").exists():
        shutil.copytree(kept / f"snapshot-{_makers()}", earlier)
    import_files(folder, [PAGES / "tag-page.txt"])
    build(folder)
    shutil.rmtree(earlier, ignore_errors=True)
    _keep(folder, kept)


def _makers() -> str:
    """The code that makes what an earlier snapshot can give: changed code takes nothing over."""
    code = hashlib.sha256()
    for file in sorted((ROOT / "ingest" / "build").glob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()[:16]


def _keep(folder: Path, kept: Path) -> None:
    """Keep the store and the snapshot for the next run, whole or not at all."""
    kept.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("store.db*"):
        shutil.copy(file, kept / f"next.{file.name}")
        (kept / f"next.{file.name}").replace(kept / file.name)
    fresh = Path(tempfile.mkdtemp(dir=kept)) / "snapshot"
    shutil.copytree(folder / "snapshots" / (folder / "current").read_text().strip(), fresh)
    for old in kept.glob("snapshot-*"):
        shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(OSError):  # another run was faster
        fresh.rename(kept / f"snapshot-{_makers()}")
    shutil.rmtree(fresh.parent, ignore_errors=True)


if __name__ == "__main__":
    make_once(Path(sys.argv[1]), Path(sys.argv[2]))
