"""The snapshots of a data directory: which there are, going back to one, removing old ones with their collections."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.build.milvus import Publisher
from ingest.room import room_taken
from kb.errors import NekbError, NotFoundError, SnapshotError
from kb.milvus import MilvusAddress, configured
from kb.snapshot import (
    BUILD_AGAIN,
    MANIFEST,
    SCHEMA,
    Manifest,
    current_folder,
    intact,
    point_current,
    read_manifest,
)

KEPT_SNAPSHOTS = 3
_LOADED = 2  # collections the server keeps in memory: the current one, and the one that replicas may still answer from


@dataclass(frozen=True)
class Standing:
    """A snapshot of the data directory; `manifest` is None where it cannot be used, and `problem` then says why."""

    id: str
    current: bool
    bytes: int
    manifest: Manifest | None
    problem: str | None = None


def snapshots(home: Path) -> list[Standing]:
    """Every snapshot, newest first."""
    current = current_folder(home)
    return [Standing(f.name, f == current, room_taken(f), *_usable(f)) for f in _folders(home)]


def activate(home: Path, id: str) -> Manifest:
    """Let a snapshot answer, an earlier one too. Its collection is loaded and checked before anything is switched.

    Raises `NotFoundError` for an id that is not here and `SnapshotError` for a snapshot that cannot answer.
    """
    folder = next((f for f in _folders(home) if f.name == id), None)
    if folder is None:
        raise NotFoundError(f"There is no snapshot {id!r} here.", "`nekb snapshots list` names them.")
    manifest = read_manifest(folder)
    if not intact(folder, manifest):
        raise SnapshotError(f"Files of the snapshot {id} are not what was built.", BUILD_AGAIN)
    if manifest.collection is not None:
        publisher = Publisher(_server())
        if not publisher.holds(manifest.collection, manifest.passages["documents"]):
            raise SnapshotError(
                f"The vector server does not hold the whole collection of {id}.",
                "Run `nekb build`, or activate another snapshot.",
            )
        publisher.point(manifest.collection)
    point_current(home, id)
    return manifest


def prune(home: Path, keep: int = KEPT_SNAPSHOTS, *, before: Path | None = None, collections: bool = True) -> list[str]:
    """Remove the oldest snapshots beyond `keep`, never the current one; return the ids removed.

    The one that answered `before` goes last, however old: one goes back to it, and a replica may still answer from it.
    Their `collections` go with them, unless this is a replica, which does not decide that for the others. A snapshot
    whose collection cannot be dropped now stays for the next time.
    """
    current = current_folder(home)
    others = sorted((f for f in _folders(home) if f != current), key=lambda f: f != before)
    kept, gone = others[: max(keep - 1, 0)], others[max(keep - 1, 0) :]
    removed = [folder.name for folder in gone if _removed(folder, collections)]
    for folder in kept[_LOADED - 1 :] if collections else ():
        _release(folder)
    return removed


def _removed(folder: Path, collections: bool) -> bool:
    collection = _collection(folder)
    if collections and collection is not None:
        try:
            Publisher(_server()).drop(collection)
        except NekbError:
            return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _release(folder: Path) -> None:
    collection, address = _collection(folder), configured()
    if collection is None or address is None:
        return
    try:
        Publisher(address).release(collection)
    except NekbError:
        return  # it only costs the server memory until the next build


def _server() -> MilvusAddress:
    address = configured()
    if address is None:
        raise SnapshotError(
            "The vectors of this snapshot are on a Milvus server, and none is named.",
            "Set NEKB_VECTORS=milvus://host:19530.",
        )
    return address


def _folders(home: Path) -> list[Path]:
    """The folders of all snapshots, newest first; a build may remove one meanwhile."""
    found: list[tuple[float, Path]] = []
    with suppress(OSError):
        for folder in (home / "snapshots").iterdir():
            if folder.is_dir() and not folder.name.startswith("."):
                with suppress(OSError):
                    found.append((folder.stat().st_mtime, folder))
    return [folder for _, folder in sorted(found, reverse=True)]


def _usable(folder: Path) -> tuple[Manifest | None, str | None]:
    """The manifest, or why this nekb cannot use it."""
    try:
        return read_manifest(folder), None
    except SnapshotError:
        schema = _said(folder).get("schema")
        another = isinstance(schema, int) and schema != SCHEMA
        return None, f"schema {schema}, of another version of nekb" if another else "damaged"


def _collection(folder: Path) -> str | None:
    """The collection that goes with a snapshot, one too that is damaged or of another version of nekb."""
    collection = _said(folder).get("collection")
    return collection if isinstance(collection, str) else None


def _said(folder: Path) -> dict[str, Any]:
    """What a manifest says, whoever wrote it; empty where it is none."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
