"""Files that a person saved: single ones, folders of them, zips of them, standard input.

A file's time is when it was saved, which is when what it says was true; where the page itself names an earlier one,
that.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ingest.captures import Capture, past, utc_now
from ingest.parsing.opening import date_within
from kb.errors import BadInputError

MAX_BYTES = 64 << 20
MAX_ZIP_BYTES = 2 << 30  # of all its files together, unpacked
STANDARD_INPUT = Path("-")
_TOO_LONG = f"is larger than {MAX_BYTES >> 20} MiB"
_DAMAGE = (OSError, EOFError, KeyError, RuntimeError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error)
PAGES = frozenset({
    ".html", ".htm", ".xhtml", ".mhtml", ".mht", ".webarchive", ".xml", ".rss", ".atom", ".json", ".md", ".txt",
})  # fmt: skip


@dataclass(frozen=True)
class SavedFile:
    """One file to import, not read yet. `inner` is its entry in the zip `path`; `address` is what it is kept under.

    `why` says why one that was found is not to be opened; reading it tells that.
    """

    path: Path
    address: str
    inner: zipfile.ZipInfo | None = None
    why: str | None = None


class UnreadableError(Exception):
    """A file that cannot be read; the argument says why, in words for people."""


def require_named(what: str, remedy: str = "Name a saved page, or a folder or zip of them.") -> None:
    """Refuse an empty name, as an unset variable gives: as a path it is the folder that one is in."""
    if not what:
        raise BadInputError("No file is named.", remedy, code="file")


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
        mode, size = path.stat().st_mode, path.stat().st_size
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise BadInputError(f"{shown(path)} is neither a file nor a folder.", "Name a saved page.", code="file")
        zipped = stat.S_ISREG(mode) and _begins(path) in (b"PK\x03\x04", b"PK\x05\x06")
        if size > MAX_BYTES and not zipped:
            raise BadInputError(f"{shown(path)} {_TOO_LONG}.", "Save single pages.", code="too_long")
        return _zip(path) if zipped else ([SavedFile(path, f"file:{shown(path.name)}")], 0)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadInputError(
            f"{shown(path)} cannot be read: {why}.", "Check its name and permissions.", code="file"
        ) from error


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def shown(name: object) -> str:
    """A name that is not valid UTF-8 can be neither shown nor kept as it is."""
    return os.fsencode(str(name)).decode("utf-8", "replace")


def _folder(folder: Path) -> tuple[list[SavedFile], int]:
    """Its pages, and how many other files; a folder in it that cannot be opened is told when it is read."""
    os.scandir(folder).close()  # it can be opened itself, or the caller is told
    closed: list[str] = []
    walk = os.walk(folder, onerror=lambda error: closed.append(error.filename))
    files = [Path(under, name) for under, folders, names in walk for name in (*names, *_links(under, folders))]
    pages = [f for f in files if _is_page(PurePosixPath(f.relative_to(folder).as_posix()))]
    found = sorted([*pages, *(Path(name) for name in closed)])
    return [_found(folder, path) for path in found], len(files) - len(pages)


def _links(under: str, names: list[str]) -> list[str]:
    return [name for name in names if stat.S_ISLNK(_mode(Path(under, name)))]


def _found(folder: Path, path: Path) -> SavedFile:
    mode, why = _mode(path), None
    if stat.S_ISLNK(mode):
        why = "is a link, and a folder's links are not followed"
    elif mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        why = "is no file"
    return SavedFile(path, f"file:{shown(path.relative_to(folder).as_posix())}", why=why)


def _mode(path: Path) -> int:
    """What a path is, links not followed; 0 where that cannot be seen, which reading it tells."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _zip(path: Path) -> tuple[list[SavedFile], int]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadInputError(f"{shown(path)} is a damaged zip file: {error}.", "Make it again.", code="file") from error
    pages = [e for e in entries if _is_page(PurePosixPath(e.filename))]
    if sum(e.file_size for e in pages) > MAX_ZIP_BYTES:
        raise BadInputError(
            f"{shown(path)} unpacks to more than {MAX_ZIP_BYTES >> 30} GiB.", "Import it in parts.", code="too_long"
        )
    name = shown(path.name)
    return [SavedFile(path, f"file:{name}/{shown(e.filename)}", e) for e in pages], len(entries) - len(pages)


def _is_page(name: PurePosixPath) -> bool:
    """Whether a file of a folder may be a page: not what a browser saved beside one, nothing hidden."""
    beside = any(p.endswith(("_files", ".fld")) or p.startswith((".", "__MACOSX")) for p in name.parts[:-1])
    return name.suffix.lower() in PAGES and not name.name.startswith(".") and not beside


def refuse(line: str) -> None:
    """Raise `BadInputError` for a file that cannot be read."""
    raise BadInputError(f"{line.removeprefix('file:')}.", "Check the file.", code="file")


def read_files(files: Sequence[SavedFile], unreadable: Callable[[str], None] = refuse) -> Iterator[Capture]:
    """Each file as a capture; one that cannot be read is told to `unreadable`, and the others come all the same."""
    archive: tuple[Path, zipfile.ZipFile] | None = None
    try:
        for file in files:
            if file.why:
                unreadable(f"{file.address}: it {file.why}")
                continue
            try:
                if file.inner is not None and (archive is None or archive[0] != file.path):
                    archive = (file.path, zipfile.ZipFile(file.path))
                yield _read_zipped(archive[1], file, file.inner) if archive and file.inner else _read_plain(file)
            except UnreadableError as error:
                unreadable(f"{file.address}: it {error}")
            except _DAMAGE as error:
                unreadable(f"{file.address}: it cannot be read: {error}")
    finally:
        if archive:
            archive[1].close()


def _read_plain(file: SavedFile) -> Capture:
    if file.path == STANDARD_INPUT:
        return _capture(file, utc_now(), _bounded(_standard_input()))
    with file.path.open("rb") as opened:
        body = _bounded(opened)
        saved = dt.datetime.fromtimestamp(os.fstat(opened.fileno()).st_mtime, dt.UTC)
    return _capture(file, past(saved), body)


def _read_zipped(archive: zipfile.ZipFile, file: SavedFile, entry: zipfile.ZipInfo) -> Capture:
    with archive.open(entry) as opened:
        body = _bounded(opened)
    saved = _entry_date(entry) or dt.datetime.fromtimestamp(file.path.stat().st_mtime)
    return _capture(file, past(saved.astimezone(dt.UTC)), body)


def _entry_date(entry: zipfile.ZipInfo) -> dt.datetime | None:
    """When an entry was saved; the first day of 1980, and what is no date, stand for none."""
    with suppress(ValueError):
        return dt.datetime(*entry.date_time) if entry.date_time[0] > 1980 else None
    return None


def _capture(file: SavedFile, saved_at: str, body: bytes) -> Capture:
    """A page that says itself when it was taken is no younger than that: a copy of it has the copy's time."""
    return Capture(file.address, "file", min(saved_at, date_within(body) or saved_at), body)


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise UnreadableError("is closed")
    return sys.stdin.buffer


def _bounded(opened: IO[bytes]) -> bytes:
    """What a file holds, read to the limit and no further: what a zip or a folder says of sizes may be a lie."""
    body = opened.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise UnreadableError(_TOO_LONG)
    return body
