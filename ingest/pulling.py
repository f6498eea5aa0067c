"""Pulling a snapshot from an address: every file checked against its hash before any of it can answer.

The address is that of `nekb serve` with `/v1/snapshots`, or of any server of files with the same layout: `current`
holds an id, `ID/manifest.json` names the files with their sizes and SHA-256, and they lie under `ID/`. Whoever
controls the address controls the answers, so it is to be reached over TLS; the hashes hold against damage on the way.
A download that breaks off goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ingest.addresses import LOOPBACK
from ingest.build.snapshots import prune
from ingest.lock import only_writer
from ingest.room import said_when_full
from kb.errors import BadInputError, NekbError, SnapshotError
from kb.snapshot import SCHEMA, current_folder, file_hash, intact, point_current, read_manifest

_ID = re.compile(r"^[0-9a-f]{16}$")
_NAME = re.compile(r"^[A-Za-z0-9._-]{1,120}(/[A-Za-z0-9._-]{1,120}){0,4}$")
_PULLING = ".pulling-"
_MANIFEST_BYTES = 4 << 20
_CHUNK = 1 << 20
_TRIES = 4  # in a row without a byte more
_PAUSE = 0.5
_BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Pulled:
    """What a pull did: the id, whether it was new here, bytes fetched and bytes found here already."""

    id: str
    fresh: bool
    fetched: int
    reused: int


class Broken(Exception):  # noqa: N818 - it is handled here
    """A download ended early; what came is kept."""


def pull(home: Path, address: str, key: str = "", *, timeout: float = 30.0) -> Pulled:
    """Fetch, verify and publish the snapshot that is current at an address.

    Raises `SnapshotError` where the address gives no snapshot or a file is not what its hash says, `BadInputError`
    where it is no address or would have the key sent in the open, and `NekbError` (`disk_full`); what answered before
    then answers on.
    """
    _require_address(address, key)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with (
        only_writer(home, wait=True),
        said_when_full(home / "snapshots"),
        httpx.Client(headers=headers, timeout=timeout) as client,
    ):
        _sweep(home)
        try:
            return _pulled(client, address.rstrip("/"), home)
        except httpx.DecodingError as error:
            raise SnapshotError(
                "The address answers in another encoding than it says.", "Check the server, and what stands before it."
            ) from error
        finally:
            _sweep(home)


def _require_address(address: str, key: str) -> None:
    """Refuse what is no address, and a key that would be read on the way."""
    try:
        split = urlsplit(address)
        sound = split.scheme in ("https", "http") and bool(split.hostname)
    except ValueError:
        sound = False
    if not sound:
        raise BadInputError(f"{address!r} is no address to pull from.", "Write https://HOST/v1/snapshots.")
    if key and split.scheme == "http" and split.hostname not in LOOPBACK:
        raise BadInputError(
            "The key would be sent over http, where anybody on the way can read it.",
            "Write https://; by http a key goes to this machine only.",
            code="address",
        )


def _pulled(client: httpx.Client, base: str, home: Path) -> Pulled:
    id = _small(client, f"{base}/current", 64).decode("ascii", "replace").strip()
    if not _ID.match(id):
        raise SnapshotError("The address does not name a snapshot.", "It must serve `current` with an id.")
    if _answers(home, id):
        return Pulled(id, False, 0, 0)
    fetched = reused = 0
    if not _whole(home / "snapshots" / id):
        fetched, reused = _fetch(client, f"{base}/{id}", id, home)
    point_current(home, id)
    prune(home, collections=False)
    return Pulled(id, True, fetched, reused)


def _fetch(client: httpx.Client, base: str, id: str, home: Path) -> tuple[int, int]:
    raw = _small(client, f"{base}/manifest.json", _MANIFEST_BYTES)
    files = _listed(raw, id)
    folder = home / "snapshots" / f"{_PULLING}{os.getpid()}"
    folder.mkdir(parents=True)
    here = dict(_hashes_here(home))
    fetched = reused = 0
    for name, (size, sha256) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if sha256 in here and file_hash(here[sha256]) == sha256:
            shutil.copyfile(here[sha256], path)
            reused += size
        else:
            _download(client, f"{base}/{name}", path, size)
            fetched += size
        if path.stat().st_size != size or file_hash(path) != sha256:
            raise SnapshotError(
                f"{name} is not what the snapshot's manifest says.",
                "It was damaged or changed on the way; what answered before answers on. Pull again.",
                code="snapshot_damaged",
            )
        _sync(path)
    (folder / "manifest.json").write_bytes(raw)
    _sync(folder / "manifest.json")
    read_manifest(folder)
    target = home / "snapshots" / id
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
    return fetched, reused


def _listed(raw: bytes, id: str) -> dict[str, tuple[int, str]]:
    """Name, size and hash of every file, from a manifest that may come from anybody."""
    try:
        manifest = json.loads(raw)
        sizes, hashes = manifest["files"], manifest["sha256"]
        sound = manifest["schema"] == SCHEMA and manifest["id"] == id and sizes.keys() == hashes.keys()
        files = {str(name): (int(size), str(hashes[name])) for name, size in sizes.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError("The manifest at the address cannot be read.", "Check the address.") from error
    safe = all(_NAME.match(n) and not {".", ".."} & set(n.split("/")) and s >= 0 for n, (s, _) in files.items())
    if not sound or not safe or not files:
        raise SnapshotError(
            "The manifest at the address is not one that this nekb can use.",
            "Both sides must run the same version of nekb.",
        )
    return files


def _download(client: httpx.Client, url: str, path: Path, size: int) -> None:
    """A file of a known size, in as many pieces as it takes; never a byte more than announced."""
    tries = 0
    with path.open("wb") as file:
        while file.tell() < size:
            before = file.tell()
            with suppress(httpx.TransportError, Broken):
                for chunk in _pieces(client, url, before, size):
                    file.write(chunk)
            tries = tries + 1 if file.tell() == before else 0  # an answer that ends early is no error of the transport
            if tries == _TRIES:
                raise _unreachable()
            if file.tell() < size:
                time.sleep(_PAUSE * 2**tries)


def _pieces(client: httpx.Client, url: str, start: int, size: int) -> Iterator[bytes]:
    headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"} if start else {"Accept-Encoding": "identity"}
    with client.stream("GET", url, headers=headers) as response:
        _require(response)
        if start and response.status_code != 206:
            raise SnapshotError("The server of the snapshot cannot continue a download.", "Pull again.")
        left = size - start
        for chunk in response.iter_bytes(_CHUNK):
            if len(chunk) > left:
                raise SnapshotError("A file at the address is longer than its manifest says.", "Check the address.")
            left -= len(chunk)
            yield chunk


def _small(client: httpx.Client, url: str, limit: int) -> bytes:
    """A small file, whole."""
    for attempt in range(_TRIES):
        try:
            with client.stream("GET", url) as response:
                _require(response)
                body = b""
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        raise SnapshotError("The answer of the address is too long.", "Check the address.")
                return body
        except (httpx.TransportError, httpx.InvalidURL, Broken):
            time.sleep(_PAUSE * 2**attempt)
    raise _unreachable()


def _require(response: httpx.Response) -> None:
    if response.status_code in _BUSY:
        raise Broken
    if response.status_code in (401, 403):
        raise SnapshotError(
            "The server of the snapshot does not let this replica in.",
            "Set NEKB_SNAPSHOTS_KEY to a key made with `nekb keys create NAME --scope snapshots`.",
            code="snapshot_key",
        )
    if response.status_code not in (200, 206):
        raise SnapshotError(f"The address answered with status {response.status_code}.", "Check the address.")


def _unreachable() -> NekbError:
    return SnapshotError(
        "The server of the snapshot cannot be reached.", "Check the address; what answered before answers on."
    )


def _hashes_here(home: Path) -> Iterator[tuple[str, Path]]:
    for folder in (home / "snapshots").glob("[0-9a-f]*"):
        try:
            manifest = read_manifest(folder)
        except SnapshotError:
            continue
        for name, sha256 in manifest.sha256.items():
            yield sha256, folder / name


def _answers(home: Path, id: str) -> bool:
    """Whether a snapshot is the current one here and its files have their sizes; this is asked every minute."""
    folder = current_folder(home)
    try:
        return folder is not None and folder.name == read_manifest(folder).id == id
    except SnapshotError:
        return False


def _whole(folder: Path) -> bool:
    """Whether a snapshot is here and each of its files is what its hash says."""
    try:
        manifest = read_manifest(folder)
    except SnapshotError:
        return False
    return bool(manifest.sha256) and intact(folder, manifest)


def _sweep(home: Path) -> None:
    for folder in (home / "snapshots").glob(f"{_PULLING}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
