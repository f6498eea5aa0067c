"""A build takes over nothing of a snapshot whose files hold other bytes than it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.build import build
from ingest.build.run import _usable, earlier_snapshots
from ingest.build.snapshots import activate
from kb.errors import SnapshotError
from kb.snapshot import current_folder, file_hash, read_manifest


def zeroed(home: Path, name: str) -> Path:
    """The folder of the current snapshot, one of its files filled with zeros: as large as before."""
    folder = current_folder(home)
    assert folder is not None
    (folder / name).write_bytes(bytes((folder / name).stat().st_size))
    return folder


def test_what_holds_other_bytes_is_not_activated(own_home: Path) -> None:
    folder = zeroed(own_home, "cards.json")
    with pytest.raises(SnapshotError, match="not what was built"):
        activate(own_home, folder.name)


def test_what_holds_other_bytes_is_not_taken_for_built(own_home: Path) -> None:
    folder = current_folder(own_home)
    assert folder is not None
    assert _usable(folder)
    assert not _usable(zeroed(own_home, "weights.json"))


@pytest.mark.parametrize("name", ["encoder/weights.bin", "classifier/bias.npy"])
def test_no_later_build_takes_over_what_is_damaged(own_home: Path, name: str) -> None:
    assert list(earlier_snapshots(own_home))
    zeroed(own_home, name)
    assert not list(earlier_snapshots(own_home))


@pytest.mark.slow
def test_a_build_makes_a_damaged_snapshot_whole(own_home: Path) -> None:
    folder = zeroed(own_home, "encoder/weights.bin")
    assert build(own_home).fresh
    manifest = read_manifest(folder)
    assert all(file_hash(folder / name) == sha256 for name, sha256 in manifest.sha256.items())
