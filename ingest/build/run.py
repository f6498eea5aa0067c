"""Building a snapshot and publishing it.

Everything is written into a hidden folder, then the folder is renamed into place, then `current` is renamed over the
old one: killed at any moment, the last snapshot answers on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ingest.build.beside import beside
from ingest.build.classifier import NUMBERS, Training
from ingest.build.embedding import embed
from ingest.build.export import write_encoder
from ingest.build.inputs import Inputs, read_inputs
from ingest.build.milvus import Publisher, collection_name
from ingest.build.model import Model, find_model
from ingest.build.snapshots import prune
from ingest.build.topics import SURE, Topics
from ingest.captures import utc_now
from ingest.chunking import card_passages, document_passages, phrasing_passages
from ingest.lock import only_writer
from ingest.phrasings import Phrasing
from ingest.progress import Progress, Silent
from ingest.room import said_when_full
from ingest.store import Store
from kb.documents import Document, Head, Passage
from kb.encoder import ASKED_TOKENS, QueryEncoder, Vector
from kb.errors import SnapshotError
from kb.home import shipped_data
from kb.lexical import write_lexical
from kb.matching.threads import day_of, lift_of
from kb.milvus import configured
from kb.signals import SignalTables, read_signals
from kb.signals.glossary import in_english
from kb.signals.log import condense
from kb.snapshot import (
    ASKED,
    HEAD_COLUMNS,
    MANIFEST,
    SCHEMA,
    Manifest,
    current_folder,
    file_hash,
    intact,
    point_current,
    read_manifest,
)
from kb.vectors import write_vectors

_BUILDING = ".building-"
_LAST_BUILT = "built"  # holds the id that a build published last; `current` may have been pointed elsewhere since


@dataclass(frozen=True)
class BuildReport:
    """What a build did: the id of the snapshot that answers, whether it had to be made, and what is in it.

    `switched` says whether another one answered before, `newest` is the id of what the store and `data/` hold: another
    one than `id` only where somebody went back to an earlier snapshot, which answers on.
    """

    id: str
    fresh: bool
    cards: int
    documents: int
    passages: int
    seconds: float
    switched: bool
    newest: str


def build(home: Path, progress: Progress | None = None, *, wait: bool = False, only_news: bool = False) -> BuildReport:
    """Build and publish the snapshot of what the store and `data/` hold now.

    With `only_news`, an earlier snapshot that was activated answers on until they hold something else than at the last
    build. Raises `NekbError` when another run holds the data directory, and `GuidanceError` for a bad card.
    """
    progress = progress or Silent()
    started = dt.datetime.now(dt.UTC)
    with only_writer(home, wait=wait), said_when_full(home), Store(home) as store, _swept(home):
        inputs = read_inputs(shipped_data(), home, store.documents())
        model = find_model()
        server = Publisher(address) if (address := configured()) else None
        content = _content(inputs, model, on_server=server is not None)
        id = content[:16]
        before = current_folder(home)
        if only_news and before is not None and _gone_back_to(before, id, server):
            return _report(before, started, newest=id)
        fresh = not _usable(home / "snapshots" / id, server)
        if fresh:
            _write(home, id, content, inputs, model, store, server, progress)
        if server is not None:
            server.point(collection_name(id))
        point_current(home, id)
        (home / _LAST_BUILT).write_text(f"{id}\n", encoding="utf-8")
        prune(home, before=before)
        folder = home / "snapshots" / id
        return _report(folder, started, newest=id, fresh=fresh, switched=before != folder)


def _report(
    folder: Path, started: dt.datetime, *, newest: str, fresh: bool = False, switched: bool = False
) -> BuildReport:
    m = read_manifest(folder)
    seconds = (dt.datetime.now(dt.UTC) - started).total_seconds()
    passages = sum(m.passages.values())
    return BuildReport(folder.name, fresh, m.cards, m.documents, passages, seconds, switched, newest)


def _gone_back_to(current: Path, id: str, server: Publisher | None) -> bool:
    """Whether a snapshot answers because it was activated: the last build published `id`, and nothing came since.

    A build that was killed before it published has not gone back to anything: the next one ends its work.
    """
    try:
        last_built = (current.parents[1] / _LAST_BUILT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return False
    return last_built == id != current.name and _usable(current, server)


def _content(inputs: Inputs, model: Model, *, on_server: bool) -> str:
    """The hash of all that a snapshot is; with its vectors on a server it is another one than with files."""
    made_of = f"{inputs.content_hash(model)} {NUMBERS} {SURE}{' milvus' if on_server else ''}"
    return hashlib.sha256(made_of.encode()).hexdigest()


def _usable(folder: Path, server: Publisher | None = None) -> bool:
    try:
        manifest = read_manifest(folder)
    except SnapshotError:
        return False
    if not intact(folder, manifest):
        return False
    if server is None or manifest.collection is None:
        return True
    return server.holds(manifest.collection, manifest.passages["documents"])


@contextmanager
def _swept(home: Path) -> Iterator[None]:
    """Leave no half a snapshot behind, which may be what fills the disk, and nothing of a build that was killed."""
    _sweep(home)
    try:
        yield
    except BaseException:
        _sweep(home)
        raise


def _sweep(home: Path) -> None:
    """Remove what a build left half done; the lock says that no other build is at work on it."""
    for folder in (home / "snapshots").glob(f"{_BUILDING}*"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in home.glob(".current.*"):
        file.unlink(missing_ok=True)


def _write(
    home: Path,
    id: str,
    content: str,
    inputs: Inputs,
    model: Model,
    store: Store,
    server: Publisher | None,
    progress: Progress,
) -> None:
    # A name of its own: work beside a build that failed may go on writing into its folder for a while.
    folder = home / "snapshots" / f"{_BUILDING}{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    spaces = spaces_of(inputs, model)
    earlier = list(earlier_snapshots(home))
    progress.stage("Exporting the encoder", 0)
    precision = write_encoder(model, folder / "encoder", earlier)
    progress.stage("Embedding passages", sum(len(p) for p in spaces.values()))
    encoder = QueryEncoder(folder / "encoder")
    training = Training([*spaces["guidance"], *_not_compared(inputs)], inputs, model.encoder_name, earlier)
    write_classifier = training.begin()  # its terms keep one core busy, as the passages do the others
    guidance = _embedded(spaces["guidance"], encoder, model, store, progress)
    trained = beside(lambda: write_classifier(guidance, folder / "classifier"))
    worded = beside(lambda: _write_words(folder, spaces, inputs))
    vectors = {"guidance": guidance, "documents": _embedded(spaces["documents"], encoder, model, store, progress)}
    trained.result()
    topics = Topics.taught(folder / "classifier", inputs)
    told = topics.of_all(inputs.documents, spaces["documents"], vectors["documents"])
    heads = {id: head._replace(topic=told[id]) for id, head in worded.result().items()}
    progress.stage("Writing the indexes", 0)
    kinds = {"guidance": _write_vectors(folder / "guidance", vectors["guidance"])}
    if server is None:
        kinds["documents"] = _write_vectors(folder / "documents", vectors["documents"])
    else:
        filters = [heads[p.owner] for p in spaces["documents"]]
        server.write(collection_name(id), vectors["documents"], filters, progress)
        kinds["documents"] = "Milvus"
    write_passages(folder, spaces, inputs.documents, heads)
    _write_json(folder, inputs)
    manifest = Manifest(
        schema=SCHEMA,
        id=id,
        built_at=utc_now(),
        nekb=_version(),
        model=model.name,
        model_sha256=model.sha256,
        dimensions=int(vectors["guidance"].shape[1]),
        encoder=precision,
        content_sha256=content,
        cards=len(inputs.cards),
        documents=len(inputs.documents),
        passages={name: len(passages) for name, passages in spaces.items()},
        vectors=kinds,
        files=_sizes(folder),
        classifier=training.hash,
        sha256=_hashes(folder),
        collection=collection_name(id) if server is not None else None,
    )
    _publish(folder, manifest, home / "snapshots" / id)


def _publish(folder: Path, manifest: Manifest, target: Path) -> None:
    (folder / MANIFEST).write_text(manifest.to_json() + "\n", encoding="utf-8")
    _sync(folder)
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)


def earlier_snapshots(home: Path) -> Iterator[tuple[Path, Manifest]]:
    """The snapshots of before, whose parts are taken over where what they were made of is the same."""
    for folder in sorted((home / "snapshots").glob("[!.]*")):  # none where nothing was ever built
        with suppress(SnapshotError):
            manifest = read_manifest(folder)
            if intact(folder, manifest, "encoder/", "classifier/"):
                yield folder, manifest


def spaces_of(inputs: Inputs, model: Model) -> dict[str, list[Passage]]:
    """The passages of both spaces, in the order of their rows."""
    documents = [p for d in inputs.documents for p in document_passages(d, model.tokens)]
    return {"guidance": _guidance_passages(inputs, model), "documents": documents}


def _guidance_passages(inputs: Inputs, model: Model) -> list[Passage]:
    """The passages of the guidance space; near-misses teach the card that they belong to."""
    near = [Phrasing(miss.card, miss.text) for card in inputs.cards for miss in card.near_misses]
    own = [p for card in inputs.cards for p in card_passages(card)]
    symptoms = {(p.owner, p.text) for p in own}
    told = phrasing_passages([*near, *(p for p in inputs.phrasings if p.told)])
    glossary = SignalTables.from_json(inputs.tables).glossary
    said = [*own, *(p for p in told if (p.owner, p.text) not in symptoms)]
    passages = [_as_asked(p, glossary) if p.kind in ASKED else p for p in said]
    return [replace(p, read=model.beginning(p.read, ASKED_TOKENS)) if p.read else p for p in passages]


def _not_compared(inputs: Inputs) -> list[Passage]:
    """The phrasings outside the guidance space, of which the classifier learns the terms."""
    glossary = SignalTables.from_json(inputs.tables).glossary
    return [_as_asked(p, glossary) for p in phrasing_passages(p for p in inputs.phrasings if not p.told)]


def _as_asked(passage: Passage, glossary: Mapping[str, str]) -> Passage:
    """A passage that is a question itself, read as a question is."""
    read = in_english(condense(passage.text), glossary)
    return replace(passage, text=read.whole, read=read.text)


def _embedded(passages: list[Passage], encoder: QueryEncoder, model: Model, store: Store, progress: Progress) -> Vector:
    return embed([p.embedded for p in passages], encoder, model.encoder_name, store, progress.advance)


def _write_words(folder: Path, spaces: dict[str, list[Passage]], inputs: Inputs) -> dict[str, Head]:
    """Write what needs no vector, the lexical indexes; return the documents' heads."""
    for name, passages in spaces.items():
        _write_lexical(folder / name, passages)
    tables = SignalTables.from_json(inputs.tables)
    return {d.id: head_of(d, tables) for d in inputs.documents}


def _write_lexical(folder: Path, passages: list[Passage]) -> None:
    folder.mkdir()
    write_lexical(folder / "lexical", [(p.context, p.text) for p in passages])


def _write_vectors(folder: Path, vectors: Vector) -> str:
    return write_vectors(folder / "vectors.faiss", np.ascontiguousarray(vectors, dtype=np.float32))


def write_passages(
    folder: Path, spaces: dict[str, list[Passage]], documents: list[Document], heads: dict[str, Head]
) -> None:
    """Write `passages.db`: passages of each space in the order of their rows, documents by number, links.

    Beside the indexes of the documents go the number of each row's document, and what its standing rests on.
    """
    numbers = {d.id: number for number, d in enumerate(documents)}
    db = sqlite3.connect(folder / "passages.db")
    with db:
        db.execute(
            "create table passages (space text, row integer, owner text, kind text, text text,"
            " primary key (space, row)) without rowid"
        )
        for name, passages in spaces.items():
            rows = ((name, at, p.owner, p.kind, p.text) for at, p in enumerate(passages))
            db.executemany("insert into passages values (?, ?, ?, ?, ?)", rows)
        db.execute(f"create table documents (number integer primary key, {', '.join(HEAD_COLUMNS)}, unique (id))")
        marks = ", ".join("?" * (len(HEAD_COLUMNS) + 1))
        db.executemany(f"insert into documents values ({marks})", ((numbers[d.id], *heads[d.id]) for d in documents))  # noqa: S608
        db.execute("create table bodies (id text primary key, body text) without rowid")
        bodies = ((d.id, json.dumps(d.to_json(), ensure_ascii=False)) for d in documents)
        db.executemany("insert into bodies values (?, ?)", bodies)
        db.execute("create table links (url text, document text, primary key (url, document)) without rowid")
        links = ((url, d.id) for d in documents for url in set(d.links))
        db.executemany("insert into links values (?, ?)", links)
    db.close()
    np.save(folder / "documents" / "numbers.npy", np.array([numbers[p.owner] for p in spaces["documents"]], np.int32))
    np.save(folder / "documents" / "lifts.npy", np.array([lift_of(heads[d.id]) for d in documents], np.float32))
    np.save(folder / "documents" / "days.npy", np.array([day_of(heads[d.id]) for d in documents], np.int32))


def head_of(d: Document, tables: SignalTables) -> Head:
    """What a list shows of a document; its platforms are those that its text names."""
    text = f"{d.title}\n" + "\n".join(p.body for p in d.posts)
    platforms = sorted({s.value for s in read_signals(text, tables) if s.kind == "platform"})
    return Head(
        d.id,
        d.title,
        d.url,
        d.kind,
        d.apple_replied,
        d.accepted,
        d.shown_activity,
        d.captured,
        d.topic,
        d.source,
        " ".join(platforms),
        d.day,
        d.weight,
    )


def _write_json(folder: Path, inputs: Inputs) -> None:
    parts = {
        "cards": [c.to_dict() for c in inputs.cards],
        "resources": {id: r.link.to_dict() for id, r in inputs.resources.items()},
        "signals": inputs.tables,
        "weights": inputs.weights,
    }
    for name, value in parts.items():
        (folder / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.endswith(".lock"):
            yield file.relative_to(folder).as_posix(), file


def _sizes(folder: Path) -> dict[str, int]:
    return {name: file.stat().st_size for name, file in _files(folder)}


def _hashes(folder: Path) -> dict[str, str]:
    return {name: file_hash(file) for name, file in _files(folder)}


def _sync(folder: Path) -> None:
    """Reach the disk before the rename does, so that a power cut cannot publish an empty file."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("nekb")
    except PackageNotFoundError:
        return "0"
