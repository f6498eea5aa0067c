"""Files that a person saved: single ones, folders of them, zips of them, standard input.

A file's time is when it was saved, which is when what it says was true.
"""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ingest.captures import Capture, utc_now
from kb.errors import BadInputError

MAX_BYTES = 64 << 20
MAX_ZIP_BYTES = 2 << 30  # of all its files together, unpacked
STANDARD_INPUT = Path("-")
PAGES = frozenset({
    ".html", ".htm", ".xhtml", ".mhtml", ".mht", ".webarchive", ".xml", ".rss", ".atom", ".json", ".md", ".txt",
})  # fmt: skip


@dataclass(frozen=True)
class SavedFile:
    """One file to import, not read yet. `inner` is its name in the zip `path`; `address` is what it is kept under."""

    path: Path
    address: str
    inner: str | None = None


def saved_files(paths: Sequence[Path]) -> tuple[list[SavedFile], int]:
    """Every page among the files, folders and zips, and how many other files lay beside them.

    Raises `BadInputError` for a path that does not exist or cannot be opened.
    """
    found: list[SavedFile] = []
    skipped = 0
    for path in paths:
        files, others = _under(path)
        found += files
        skipped += others
    return found, skipped


def _under(path: Path) -> tuple[list[SavedFile], int]:
    try:
        if path == STANDARD_INPUT:
            return [SavedFile(path, "file:standard-input")], 0
        if path.is_dir():
            return _folder(path)
        with path.open("rb") as file:
            zipped = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
        if path.stat().st_size > MAX_BYTES and not zipped:
            raise _too_long(str(path))
        return _zip(path) if zipped else ([SavedFile(path, f"file:{path.name}")], 0)
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be read: {error.strerror}.", "Check its name and permissions.", code="file"
        ) from error


def _folder(folder: Path) -> tuple[list[SavedFile], int]:
    files = sorted(f for f in folder.rglob("*") if f.is_file() and not f.is_symlink())
    pages = [f for f in files if _is_page(PurePosixPath(f.relative_to(folder).as_posix()))]
    return [SavedFile(f, f"file:{f.relative_to(folder).as_posix()}") for f in pages], len(files) - len(pages)


def _zip(path: Path) -> tuple[list[SavedFile], int]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadInputError(f"{path} is a damaged zip file: {error}.", "Make it again.", code="file") from error
    pages = [e for e in entries if _is_page(PurePosixPath(e.filename))]
    if sum(e.file_size for e in pages) > MAX_ZIP_BYTES or any(e.file_size > MAX_BYTES for e in pages):
        raise _too_long(str(path))
    return [SavedFile(path, f"file:{path.name}/{e.filename}", e.filename) for e in pages], len(entries) - len(pages)


def _is_page(name: PurePosixPath) -> bool:
    """Whether a file of a folder may be a page: not what a browser saved beside one, nothing hidden."""
    beside = any(p.endswith(("_files", ".fld")) or p.startswith((".", "__MACOSX")) for p in name.parts[:-1])
    return name.suffix.lower() in PAGES and not name.name.startswith(".") and not beside


def read_files(files: Sequence[SavedFile]) -> Iterator[Capture]:
    """Each file as a capture. Raises `BadInputError` for one that cannot be read."""
    archive: tuple[Path, zipfile.ZipFile] | None = None
    try:
        for file in files:
            if file.inner is None:
                yield _read_input() if file.path == STANDARD_INPUT else read_file(file.path, file.address)
                continue
            if archive is None or archive[0] != file.path:
                archive = (file.path, zipfile.ZipFile(file.path))
            yield _read_zipped(archive[1], file)
    finally:
        if archive:
            archive[1].close()


def read_file(path: Path, address: str | None = None) -> Capture:
    """A file as a capture; its time is the file's own."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _too_long(str(path))
        body = path.read_bytes()
        saved = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).replace(microsecond=0).isoformat()
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be read: {error.strerror}.", "Check its name and permissions.", code="file"
        ) from error
    return Capture(address or f"file:{path.name}", "file", saved, body)


def _read_input() -> Capture:
    body = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise _too_long("Standard input")
    return Capture("file:standard-input", "file", utc_now(), body)


def _read_zipped(archive: zipfile.ZipFile, file: SavedFile) -> Capture:
    assert file.inner is not None
    try:
        entry = archive.getinfo(file.inner)
        with archive.open(entry) as opened:
            body = opened.read(MAX_BYTES + 1)  # what the zip says of its sizes may be a lie
        saved = dt.datetime(*entry.date_time, tzinfo=dt.UTC).isoformat()
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        OSError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise BadInputError(
            f"{file.address.removeprefix('file:')} cannot be unpacked: {error}.",
            "Unpack the zip and import the folder.",
            code="file",
        ) from error
    if len(body) > MAX_BYTES:
        raise _too_long(file.address)
    return Capture(file.address, "file", saved, body)


def _too_long(name: str) -> BadInputError:
    return BadInputError(f"{name} is larger than {MAX_BYTES >> 20} MiB.", "Save single pages.", code="too_long")
