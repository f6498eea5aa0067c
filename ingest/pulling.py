"""Pulling a snapshot from an address: every file checked against its hash before any of it can answer.

The address is that of `nekb serve` with `/v1/snapshots`, or of any server of files with the same layout: `current`
holds an id, `ID/manifest.json` names the files with their sizes and SHA-256, and they lie under `ID/`. Whoever
controls the address controls the answers, so it is to be reached over TLS; the hashes hold against damage on the way.

Everything is fetched into a hidden folder of the snapshot's name, which stays there when a pull fails or is killed:
the next one goes on where it stopped. What is whole is asked a question, and only then it may answer.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NoReturn
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from ingest.addresses import LOOPBACK
from ingest.build.beside import beside
from ingest.build.snapshots import prune
from ingest.lock import only_writer
from ingest.room import no_room, room_taken, said_when_full, tells_of_no_room
from kb.asking import ask
from kb.errors import BadInputError, NekbError, SnapshotError, VectorsUnavailableError
from kb.snapshot import (
    MANIFEST,
    SCHEMA,
    Manifest,
    Snapshot,
    current_folder,
    intact,
    is_file_of,
    point_current,
    read_manifest,
)

_ID = re.compile(r"[0-9a-f]{16}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,120}(/[A-Za-z0-9._-]{1,120}){0,4}")
_TYPES = TypeAdapter(Manifest)
_PULLING = ".pulling-"
_MANIFEST_BYTES = 4 << 20
_TRIES = 4  # in a row without a byte more
_PAUSE = 0.5
_SMALL_SECONDS = 60.0  # for a whole small file; the data directory is held meanwhile
_LEAST = 4096  # bytes of a large file that come in `_LEAST_SECONDS`; a server of less is as good as none
_LEAST_SECONDS = 60.0
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
    then answers on. What was fetched stays for the next pull, but on a disk that it has filled.
    """
    _require_address(address, key)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with (
        only_writer(home, wait=True),
        said_when_full(home / "snapshots"),
        httpx.Client(headers=headers, timeout=timeout) as client,
    ):
        try:
            return _pulled(client, address.rstrip("/"), home)
        except httpx.DecodingError as error:
            raise SnapshotError(
                "The address answers in another encoding than it says.", "Check the server, and what stands before it."
            ) from error
        except OSError as error:
            if tells_of_no_room(error, home):
                _sweep(home)  # others write on this disk too
            raise


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
    if not _ID.fullmatch(id):
        raise SnapshotError("The address does not name a snapshot.", "It must serve `current` with an id.")
    _sweep(home, but=id)
    if _answers(home, id):
        return Pulled(id, False, 0, 0)
    fetched = reused = 0
    folder = home / "snapshots" / id
    if not (_whole(folder) and _can_answer(folder)):
        fetched, reused = _fetch(client, f"{base}/{id}", id, home)
    before = current_folder(home)
    point_current(home, id)
    prune(home, before=before, collections=False)
    return Pulled(id, True, fetched, reused)


def _fetch(client: httpx.Client, base: str, id: str, home: Path) -> tuple[int, int]:
    manifest = _manifest(_small(client, f"{base}/{MANIFEST}", _MANIFEST_BYTES), id)
    here = dict(_hashes_here(home))
    folder = _begun(home, manifest)
    fetched = sum(_filled(client, base, folder, name, manifest, here) for name in manifest.files)
    if not _can_answer(folder):
        raise SnapshotError(
            f"The snapshot {id} at the address cannot answer here.",
            "Both sides must run the same version of nekb; what answered before answers on.",
        )
    target = home / "snapshots" / id
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
    return fetched, max(sum(manifest.files.values()) - fetched, 0)


def _filled(
    client: httpx.Client, base: str, folder: Path, name: str, manifest: Manifest, here: Mapping[str, Path]
) -> int:
    """See to it that a file is in the folder and what its hash says; how many bytes of it were fetched."""
    path, sha256, fetched = folder / name, manifest.sha256[name], 0
    if is_file_of(sha256, path):
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    if sha256 in here and is_file_of(sha256, here[sha256]):
        shutil.copyfile(here[sha256], path)
    else:
        fetched = _download(client, f"{base}/{name}", path, manifest.files[name])
    if not is_file_of(sha256, path):
        path.unlink()  # to go on with it would lead nowhere
        raise SnapshotError(
            f"{name} is not what the snapshot's manifest says.",
            "It was damaged or changed on the way; what answered before answers on. Pull again.",
            code="snapshot_damaged",
        )
    _sync(path)
    return fetched


def _begun(home: Path, manifest: Manifest) -> Path:
    """The folder to fetch into, with what an earlier pull by the same manifest left there. Raises where no room is."""
    folder = home / "snapshots" / f"{_PULLING}{manifest.id}"
    said = manifest.to_json() + "\n"
    try:
        goes_on = (folder / MANIFEST).read_text(encoding="utf-8") == said
    except (OSError, UnicodeDecodeError):
        goes_on = False
    if not goes_on:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / MANIFEST).write_text(said, encoding="utf-8")
        _sync(folder / MANIFEST)
    if sum(manifest.files.values()) - room_taken(folder) > shutil.disk_usage(folder).free:
        raise no_room(folder.parent)
    return folder


def _manifest(raw: bytes, id: str) -> Manifest:
    """A manifest that may come from anybody."""
    try:
        manifest = _TYPES.validate_json(raw, strict=True)
        files = manifest.files
        sound = manifest.schema == SCHEMA and manifest.id == id and manifest.complete
        sound = sound and files.keys() == manifest.sha256.keys() and all(size >= 0 for size in files.values())
    except ValidationError:
        sound = False
    if not sound or not all(_safe(name, files) for name in files):
        raise SnapshotError(
            "The manifest at the address is not one that this nekb can use.",
            "Check the address; both sides must run the same version of nekb.",
        )
    return manifest


def _safe(name: str, names: Container[str]) -> bool:
    """Whether a file of this name stays in its folder and out of the way of the others."""
    path = PurePosixPath(name)
    inside = _NAME.fullmatch(name) is not None and not {".", ".."} & {*name.split("/")} and name != MANIFEST
    return inside and not any(str(folder) in names for folder in path.parents)


def _download(client: httpx.Client, url: str, path: Path, size: int) -> int:
    """A file of a known size, in as many pieces as it takes, after what is held of it; how many bytes were fetched.

    Never a byte more than announced is written.
    """
    tries = fetched = 0
    with path.open("ab") as file:
        if file.tell() >= size:
            _empty(file)
        most = file.tell()
        while file.tell() < size:
            with suppress(httpx.TransportError, Broken):
                for chunk in _pieces(client, url, file, size):
                    fetched += file.write(chunk)
            tries = 0 if file.tell() > most else tries + 1  # an answer that ends early is no error of the transport
            most = max(most, file.tell())
            if tries == _TRIES:
                raise _unreachable()
            if file.tell() < size:
                time.sleep(_PAUSE * 2**tries)
    return fetched


def _pieces(client: httpx.Client, url: str, file: BinaryIO, size: int) -> Iterator[bytes]:
    """What follows on what is held of a file; where the server knows no ranges, all of it, and the file is emptied."""
    start = file.tell()
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with client.stream("GET", url, headers=headers) as response:
        if start and response.status_code in (200, 416):
            _empty(file)
            start = 0
        if response.status_code == 416:
            raise Broken
        _require(response)
        left = counted = size - start
        until = time.monotonic() + _LEAST_SECONDS
        for chunk in response.iter_bytes():  # as they come: a chunk that is not full would be lost
            if len(chunk) > left:
                raise SnapshotError("A file at the address is longer than its manifest says.", "Check the address.")
            left -= len(chunk)
            yield chunk
            if time.monotonic() > until:
                if left and counted - left < _LEAST:
                    raise _unreachable()
                counted, until = left, time.monotonic() + _LEAST_SECONDS


def _empty(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()


def _small(client: httpx.Client, url: str, limit: int) -> bytes:
    """A small file, whole."""
    for attempt in range(_TRIES):
        try:
            with client.stream("GET", url) as response:
                _require(response)
                return _body(response, limit)
        except (httpx.TransportError, httpx.InvalidURL, Broken):
            time.sleep(_PAUSE * 2**attempt)
    raise _unreachable()


def _body(response: httpx.Response, limit: int) -> bytes:
    until = time.monotonic() + _SMALL_SECONDS
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > limit:
            raise SnapshotError("The answer of the address is too long.", "Check the address.")
        if time.monotonic() > until:
            raise Broken
    return body


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


class _Elsewhere:
    """Vectors on a server that is asked by whoever answers, not by whoever pulls."""

    def search(self, *_: object) -> NoReturn:
        """Raises `VectorsUnavailableError`: the words are asked alone."""
        raise VectorsUnavailableError("elsewhere", "The vectors are not asked while a snapshot is pulled.")


def _can_answer(folder: Path) -> bool:
    """Whether a snapshot answers a question, for which each of its parts is opened."""

    def answer() -> None:
        snapshot = Snapshot(folder)
        if snapshot.manifest.collection is not None:
            snapshot.documents.vectors = _Elsewhere()
        ask("code 8 hotspot", snapshot)

    try:
        beside(answer).result()  # a thread of its own: connections to a database are kept for as long as theirs lives
    except Exception:  # a part that is none raises whatever the library that reads it likes to
        return False
    return True


def _sweep(home: Path, but: str = "") -> None:
    """Remove what pulls left half done, of other snapshots than one."""
    for folder in (home / "snapshots").glob(f"{_PULLING}*"):
        if folder.name != f"{_PULLING}{but}":
            shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
