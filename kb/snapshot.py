"""A snapshot: one immutable, complete, versioned build of everything a question needs.

A snapshot is a folder with a manifest. `NEKB_HOME/current` names the one that answers; publishing is one rename of
that file, so a reader sees the old build or the new one and never half of either.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from kb.answer import Link, SnapshotInfo
from kb.documents import Document, Head
from kb.errors import NekbError, SnapshotError
from kb.guidance.card import Card
from kb.lexical import LexicalIndex
from kb.matching.candidates import Layout
from kb.matching.classifier import NONE, CardClassifier
from kb.matching.pointers import Pointers
from kb.matching.weights import Weights
from kb.signals.tables import SignalTables

SCHEMA = 9
HEAD_COLUMNS = Head._fields
_HEAD = ", ".join(f"documents.{name}" for name in HEAD_COLUMNS)
ASKED = ("symptom", "phrasing")  # kinds of passages that are questions themselves
_CONNECTIONS_A_THREAD = 4
MANIFEST = "manifest.json"
BUILD_AGAIN = "Run `nekb build`."
# What a manifest names at least, whatever the snapshot was made of; what else is missing shows when it is opened.
_PARTS = frozenset(
    {
        *(f"{name}.json" for name in ("cards", "resources", "signals", "weights")),
        *(f"documents/{name}" for name in ("numbers.npy", "lifts.npy", "days.npy", "lexical/meta.json")),
        *("guidance/vectors.faiss", "guidance/lexical/meta.json", "classifier/names.json"),
        *("encoder/model.onnx", "encoder/tokenizer.json", "passages.db"),
    }
)


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself.

    `files` maps each file to its size in bytes; `id` is a hash of the content,
    `classifier` one of what the classifier was taught.
    `sha256` has the hash of each file, for a replica that fetches it. `collection` names the Milvus collection that
    holds the vectors of the documents, where they are not in a file.
    """

    schema: int
    id: str
    built_at: str
    nekb: str
    model: str
    model_sha256: str
    dimensions: int
    encoder: str
    content_sha256: str
    cards: int
    documents: int
    passages: dict[str, int]
    vectors: dict[str, str]
    files: dict[str, int]
    classifier: str = ""
    sha256: dict[str, str] = field(default_factory=dict)
    collection: str | None = None

    @property
    def complete(self) -> bool:
        """Whether it names every part that a snapshot has."""
        vectors = "documents/vectors.faiss"
        return self.files.keys() >= _PARTS and (self.collection is not None or vectors in self.files)

    def encoder_hashes(self) -> dict[str, str]:
        """The hash of each file of the encoder; empty where the manifest has none."""
        return {name: sha for name, sha in self.sha256.items() if name.startswith("encoder/")}

    def to_json(self) -> str:
        """The manifest as it is written."""
        return json.dumps(asdict(self), indent=2, sort_keys=True)


P = ParamSpec("P")
R = TypeVar("R")
Part = TypeVar("Part", "Space", "Snapshot")


def _whole(read: Callable[Concatenate[Part, P], R]) -> Callable[Concatenate[Part, P], R]:
    """What reads a part of a snapshot: each library tells in errors of its own that a file holds other bytes.

    Raises `SnapshotError` for all of them; a library that is not installed, memory that ran out, or a statement that
    SQLite does not understand, is no damage.
    """

    @wraps(read)
    def run(part: Part, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(part, *args, **kwargs)
        except (NekbError, ImportError, MemoryError):
            raise
        except OSError as error:
            raise SnapshotError(
                f"The snapshot {part.id} cannot be read: {error.strerror or error}.",
                f"Check the permissions of {part.folder}, or run `nekb build`.",
            ) from error
        except Exception as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
                raise  # a defect of ours, which no build mends; a file that is no database has other codes
            what = f"its {read.__name__!r} cannot be read"
            raise SnapshotError(f"The snapshot {part.id} is damaged: {what}.", BUILD_AGAIN) from error

    return run


class Space:
    """The passages of one space, guidance or documents: their vectors, their terms, their texts."""

    def __init__(self, folder: Path, name: str, collection: str | None = None) -> None:
        self.name = name
        self._collection = collection
        self.id = folder.name
        self.folder = folder / name
        self._database = folder / "passages.db"

    @cached_property
    @_whole
    def vectors(self) -> Any:
        """The dense leg, opened on first use: a file of this snapshot, or the collection that belongs to it."""
        if self._collection is not None:
            from kb.milvus import open_collection

            return open_collection(self._collection)
        from kb.vectors import VectorIndex

        return VectorIndex(self.folder / "vectors.faiss")

    @cached_property
    @_whole
    def lexical(self) -> LexicalIndex:
        """The lexical leg, opened on first use."""
        return LexicalIndex(self.folder / "lexical")

    @cached_property
    @_whole
    def owners(self) -> list[tuple[str, str]]:
        """Owner and kind of every row; for the guidance space, which is small."""
        sql = "select owner, kind from passages where space = ? order by row"
        return connection(self._database).execute(sql, (self.name,)).fetchall()

    @cached_property
    @_whole
    def numbers(self) -> Any:
        """The number of the document that each row is of, mapped; for the documents space."""
        return np.load(self.folder / "numbers.npy", mmap_mode="r")

    @cached_property
    @_whole
    def lifts(self) -> Any:
        """What each document's answers and the links to it add to its score, by number, mapped."""
        return np.load(self.folder / "lifts.npy", mmap_mode="r")

    @cached_property
    @_whole
    def days(self) -> Any:
        """The day of what was last said in each document, by number, mapped (`kb.matching.threads.day_of`)."""
        return np.load(self.folder / "days.npy", mmap_mode="r")

    @_whole
    def texts(self, rows: Collection[int]) -> dict[int, str]:
        """The text of each passage asked for."""
        sql = f"select row, text from passages where space = ? and row in ({_marks(rows)})"  # noqa: S608 - marks only
        return dict(connection(self._database).execute(sql, (self.name, *rows)))


class Snapshot:
    """An open snapshot. Its parts are read when first needed and then kept; it is safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self.id = folder.name
        self.folder = folder
        self._database = folder / "passages.db"
        self.manifest = read_manifest(folder)
        self.guidance = Space(folder, "guidance")
        self.documents = Space(folder, "documents", self.manifest.collection)

    def share(self, before: Snapshot) -> None:
        """Take over the encoder of a snapshot with the same one: a change of snapshots then loads no model."""
        if self.manifest.encoder_hashes() == before.manifest.encoder_hashes() != {}:
            self.encoder = before.encoder

    @cached_property
    @_whole
    def encoder(self) -> Any:
        """The query encoder."""
        from kb.encoder import QueryEncoder

        return QueryEncoder(self.folder / "encoder")

    @cached_property
    @_whole
    def cards(self) -> dict[str, Card]:
        """Every guidance card, by id."""
        raw = (self.folder / "cards.json").read_bytes()
        return {card["id"]: Card.of(card) for card in json.loads(raw)}

    @cached_property
    @_whole
    def layout(self) -> Layout:
        """The candidates of every question, and whose each guidance passage is."""
        passages = [(owner, kind in ASKED) for owner, kind in self.guidance.owners]
        return Layout.of(passages, [*self.cards, NONE], self.classifier.classes)

    @cached_property
    @_whole
    def pointers(self) -> Pointers:
        """Which cards each signal points to."""
        return Pointers.of(self.cards.values())

    @cached_property
    @_whole
    def resources(self) -> dict[str, Link]:
        """The link of every resource, by id."""
        raw = json.loads((self.folder / "resources.json").read_bytes())
        return {id: Link(**link) for id, link in raw.items()}

    @cached_property
    @_whole
    def signals(self) -> SignalTables:
        """The compiled signal tables."""
        return SignalTables.from_json(json.loads((self.folder / "signals.json").read_bytes()))

    @cached_property
    @_whole
    def classifier(self) -> CardClassifier:
        """The classifier that was trained on the cards' phrasings."""
        return CardClassifier.read(self.folder / "classifier")

    @cached_property
    @_whole
    def weights(self) -> Weights:
        """Ranking weights and calibration."""
        return Weights.from_json(json.loads((self.folder / "weights.json").read_bytes()))

    @_whole
    def document(self, id: str) -> Document | None:
        """A document by its id."""
        row = connection(self._database).execute("select body from bodies where id = ?", (id,)).fetchone()
        return Document.from_json(json.loads(row[0])) if row else None

    @_whole
    def heads(self, numbers: Collection[int]) -> dict[int, Head]:
        """What a list shows of each document, by its number."""
        sql = f"select number, {_HEAD} from documents where number in ({_marks(numbers)})"  # noqa: S608 - names of ours
        return {row[0]: Head._make(row[1:]) for row in connection(self._database).execute(sql, tuple(numbers))}

    @_whole
    def linked_from(self, url: str) -> list[Head]:
        """The documents that link to an address."""
        sql = f"select {_HEAD} from links join documents on id = document where links.url = ? limit 100"  # noqa: S608
        return [Head._make(row) for row in connection(self._database).execute(sql, (url,))]

    @property
    def info(self) -> SnapshotInfo:
        """What an answer says of the snapshot it came from."""
        m = self.manifest
        return SnapshotInfo(id=m.id, built_at=m.built_at, documents=m.documents, model=m.model)


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


_open = threading.local()


def connection(path: Path) -> sqlite3.Connection:
    """This thread's read-only connection to a snapshot's database; the last few stay open."""
    held: dict[str, sqlite3.Connection] = _open.__dict__
    key = str(path)
    if key not in held:
        while len(held) >= _CONNECTIONS_A_THREAD:
            held.pop(next(iter(held))).close()
        held[key] = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    return held[key]


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def intact(folder: Path, manifest: Manifest, *parts: str) -> bool:
    """Whether the files of a snapshot, or those whose names begin with one of the parts, are what their hashes say."""
    hashes = {name: sha for name, sha in manifest.sha256.items() if not parts or name.startswith(parts)}
    return all(is_file_of(sha, folder / name) for name, sha in hashes.items())


def is_file_of(sha256: str, path: Path) -> bool:
    """Whether a file is there and what its hash says."""
    try:
        return file_hash(path) == sha256
    except OSError:
        return False


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot folder. Raises `SnapshotError` when this version cannot use it."""
    try:
        raw = json.loads((folder / MANIFEST).read_bytes())
        schema = raw["schema"]
        manifest = Manifest(**raw) if schema == SCHEMA else None
        files = dict(manifest.files) if manifest else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"The snapshot {folder.name} has no readable manifest.", BUILD_AGAIN) from error
    if manifest is None:
        raise SnapshotError(
            f"The snapshot {folder.name} has schema {schema}, and this nekb reads schema {SCHEMA}.",
            BUILD_AGAIN,
        )
    for name, size in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise SnapshotError(f"The snapshot {manifest.id} is damaged: {name} is missing or cut.", BUILD_AGAIN)
    if not manifest.complete:
        raise SnapshotError(f"The snapshot {manifest.id} is damaged: its manifest lacks parts.", BUILD_AGAIN)
    return manifest


def current_folder(home: Path) -> Path | None:
    """The folder of the snapshot that answers, or None where nothing was built yet."""
    try:
        name = (home / "current").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    folder = home / "snapshots" / name
    return folder if name and (folder / MANIFEST).is_file() else None


def open_current(home: Path) -> Snapshot:
    """The snapshot that answers. Raises `SnapshotError` when there is none or it cannot be used."""
    folder = current_folder(home)
    if folder is None:
        raise SnapshotError("Nothing has been built yet.", BUILD_AGAIN)
    return Snapshot(folder)


def point_current(home: Path, id: str) -> None:
    """Publish: make `id` the snapshot that answers, by one atomic rename."""
    temporary = home / f".current.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(id + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(home / "current")
