"""Building a snapshot and publishing it.

Everything is written into a hidden folder, then the folder is renamed into place, then `current` is renamed over the
old one: killed at any moment, the last snapshot answers on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
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
from ingest.build.files import hashes, head_of, sizes, sync, write_json, write_passages
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
from kb.documents import Head, Passage
from kb.encoder import ASKED_TOKENS, QueryEncoder, Vector
from kb.errors import SnapshotError
from kb.home import shipped_data
from kb.lexical import write_lexical
from kb.milvus import configured
from kb.signals import SignalTables
from kb.signals.glossary import in_english
from kb.signals.log import condense
from kb.snapshot import (
    ASKED,
    MANIFEST,
    SCHEMA,
    Manifest,
    current_folder,
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


@dataclass(frozen=True)
class _Draft:
    """A snapshot that is being made, in a folder where nobody looks for one."""

    id: str
    content: str
    folder: Path
    inputs: Inputs
    model: Model
    spaces: dict[str, list[Passage]]


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
    draft = _Draft(id, content, folder, inputs, model, spaces_of(inputs, model))
    earlier = list(earlier_snapshots(home))
    progress.stage("Exporting the encoder", 0)
    precision = write_encoder(model, folder / "encoder", earlier)
    progress.stage("Embedding passages", sum(len(p) for p in draft.spaces.values()))
    training = Training([*draft.spaces["guidance"], *_not_compared(inputs)], inputs, model.encoder_name, earlier)
    vectors, heads = _embedded(draft, training, store, progress)
    progress.stage("Writing the indexes", 0)
    kinds = _write_vectors(draft, vectors, heads, server, progress)
    write_passages(folder, draft.spaces, inputs.documents, heads)
    write_json(folder, inputs)
    manifest = _manifest(draft, precision, int(vectors["guidance"].shape[1]), kinds, training.hash)
    _publish(folder, manifest, home / "snapshots" / id)


def _embedded(
    draft: _Draft, training: Training, store: Store, progress: Progress
) -> tuple[dict[str, Vector], dict[str, Head]]:
    """The vectors of both spaces and the documents' heads; the classifier and the words are written meanwhile."""
    encoder = QueryEncoder(draft.folder / "encoder")

    def embedded(space: str) -> Vector:
        texts = [p.embedded for p in draft.spaces[space]]
        return embed(texts, encoder, draft.model.encoder_name, store, progress.advance)

    write_classifier = training.begin()  # its terms keep one core busy, as the passages do the others
    guidance = embedded("guidance")
    trained = beside(lambda: write_classifier(guidance, draft.folder / "classifier"))
    worded = beside(lambda: _write_words(draft))
    vectors = {"guidance": guidance, "documents": embedded("documents")}
    trained.result()
    topics = Topics.taught(draft.folder / "classifier", draft.inputs)
    told = topics.of_all(draft.inputs.documents, draft.spaces["documents"], vectors["documents"])
    return vectors, {id: head._replace(topic=told[id]) for id, head in worded.result().items()}


def _write_words(draft: _Draft) -> dict[str, Head]:
    """Write what needs no vector, the lexical indexes; return the documents' heads."""
    for name, passages in draft.spaces.items():
        (draft.folder / name).mkdir()
        write_lexical(draft.folder / name / "lexical", [(p.context, p.text) for p in passages])
    tables = SignalTables.from_json(draft.inputs.tables)
    return {d.id: head_of(d, tables) for d in draft.inputs.documents}


def _write_vectors(
    draft: _Draft, vectors: dict[str, Vector], heads: dict[str, Head], server: Publisher | None, progress: Progress
) -> dict[str, str]:
    """Write the vectors of both spaces, those of documents to a server where there is one; how each is searched."""
    kinds = {}
    for space, found in vectors.items():
        if space == "documents" and server is not None:
            filters = [heads[p.owner] for p in draft.spaces[space]]
            server.write(collection_name(draft.id), found, filters, progress)
            kinds[space] = "Milvus"
        else:
            path = draft.folder / space / "vectors.faiss"
            whole = space == "guidance"  # a question is compared with all of it
            kinds[space] = write_vectors(path, np.ascontiguousarray(found, dtype=np.float32), flat=whole)
    return kinds


def _manifest(draft: _Draft, precision: str, dimensions: int, kinds: dict[str, str], classifier: str) -> Manifest:
    return Manifest(
        schema=SCHEMA,
        id=draft.id,
        built_at=utc_now(),
        nekb=_version(),
        model=draft.model.name,
        model_sha256=draft.model.sha256,
        dimensions=dimensions,
        encoder=precision,
        content_sha256=draft.content,
        cards=len(draft.inputs.cards),
        documents=len(draft.inputs.documents),
        passages={name: len(passages) for name, passages in draft.spaces.items()},
        vectors=kinds,
        files=sizes(draft.folder),
        classifier=classifier,
        sha256=hashes(draft.folder),
        collection=collection_name(draft.id) if kinds["documents"] == "Milvus" else None,
    )


def _publish(folder: Path, manifest: Manifest, target: Path) -> None:
    (folder / MANIFEST).write_text(manifest.to_json() + "\n", encoding="utf-8")
    sync(folder)
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


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("nekb")
    except PackageNotFoundError:
        return "0"
