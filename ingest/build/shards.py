"""Embedding on several machines: each embeds a part of the passages, one merges the parts and publishes.

Every machine has the same store and the same version of nekb. Part `i` of `n` takes the texts whose hash is `i - 1`
modulo `n`, so that all parts are about as long and nobody has to hand out work. Embedding is the only step that is
worth spreading: it takes milliseconds a passage, everything else microseconds (docs/scaling.md).
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.build.embedding import embed, text_hash
from ingest.build.export import write_encoder
from ingest.build.inputs import read_inputs
from ingest.build.model import Model, find_model
from ingest.build.run import earlier_snapshots, spaces_of
from ingest.lock import only_writer
from ingest.progress import Progress
from ingest.store import Store
from kb.encoder import QueryEncoder, Vector
from kb.errors import BadInputError
from kb.home import shipped_data

ENDING = ".shard.npz"


@dataclass(frozen=True)
class Part:
    """Part `number` of `count`, counted from 1."""

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Part:
        """A part written as `2/8`. Raises `BadInputError` for what is none."""
        number, slash, count = text.partition("/")
        if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 100_000:
            return cls(int(number), int(count))
        raise BadInputError(f"{text!r} is no part.", "Write it as 2/8: the second of eight.")

    def takes(self, hash: str) -> bool:
        """Whether a text with this hash (hex) belongs to the part."""
        return int(hash[:15], 16) % self.count == self.number - 1


@dataclass(frozen=True)
class Shard:
    """What one machine embedded: vectors by the hash of their text, for one content and one model."""

    part: Part
    content: str
    model: str
    hashes: list[str]
    vectors: Vector

    def write(self, path: Path) -> None:
        """Write the file whole, or leave the old one."""
        temporary = path.with_suffix(".part")
        with temporary.open("wb") as file:
            np.savez(
                file,
                about=np.array([str(self.part.number), str(self.part.count), self.content, self.model]),
                hashes=np.frombuffer(bytes.fromhex("".join(self.hashes)), dtype=np.uint8).reshape(-1, 32),
                vectors=self.vectors,
            )
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> Shard:
        """Read a file. Raises `BadInputError` where it is no shard."""
        try:
            with np.load(path, allow_pickle=False) as held:
                number, count, content, model = (str(x) for x in held["about"])
                hashes = [row.tobytes().hex() for row in held["hashes"]]
                vectors = held["vectors"].astype(np.float32, copy=False)
            part = Part.read(f"{number}/{count}")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BadInputError(
                f"{path.name} is not a shard.", "Name files that `nekb build --shard` wrote."
            ) from error
        if vectors.ndim != 2 or len(vectors) != len(hashes) or not _unit(vectors):
            raise BadInputError(f"{path.name} is damaged.", "Copy it again.")
        return cls(part, content, model, hashes, vectors)


def _unit(vectors: Vector) -> bool:
    """Whether these are vectors of length 1, as any encoder makes them."""
    return bool((np.abs(np.linalg.norm(vectors, axis=1) - 1) < 1e-3).all())


def embed_part(home: Path, part: Part, progress: Progress) -> tuple[Path, int]:
    """Embed a part and write it into `NEKB_HOME/shards`; the file and how many texts are in it.

    Vectors are kept in the store as well, so a run that was killed goes on where it stopped. Parts of other contents
    are removed from the folder: nothing that is in the store now could be built from them.
    """
    with only_writer(home), Store(home) as store:
        inputs = read_inputs(shipped_data(), home, store.documents())
        model = find_model()
        content = inputs.content_hash(model)
        texts = {text_hash(p.embedded): p.embedded for space in spaces_of(inputs, model).values() for p in space}
        mine = {h: t for h, t in texts.items() if part.takes(h)}
        with tempfile.TemporaryDirectory() as scratch:
            write_encoder(model, Path(scratch) / "encoder", earlier_snapshots(home))
            encoder = QueryEncoder(Path(scratch) / "encoder")
        progress.stage("Embedding passages", len(mine))
        vectors = embed(list(mine.values()), encoder, model.encoder_name, store, progress.advance)
        folder = home / "shards"
        folder.mkdir(exist_ok=True)
        for old in folder.glob(f"*-of-*{ENDING}"):
            if not old.name.startswith(content[:16]):
                old.unlink()
        path = folder / f"{content[:16]}-{part.number}-of-{part.count}{ENDING}"
        Shard(part, content, model.encoder_name, list(mine), vectors).write(path)
    return path, len(mine)


def merge_parts(home: Path, paths: Sequence[Path]) -> int:
    """Take the vectors of all parts into the store, where the next build finds them; how many there were.

    Parts of other contents, which an earlier round left, are passed over. Raises `BadInputError` where a part is
    missing or was made by another model; nothing is kept then.
    """
    shards = [(path.name, Shard.read(path)) for path in paths]
    with only_writer(home), Store(home) as store:
        inputs = read_inputs(shipped_data(), home, store.documents())
        model = find_model()
        content = inputs.content_hash(model)
        fitting = [(name, shard) for name, shard in shards if shard.content == content]
        _require_all([s.part for _, s in fitting], [name for name, s in shards if s.content != content])
        for name, shard in fitting:
            _require_model(name, shard, model)
        for _, shard in fitting:
            store.keep_vectors(dict(zip(shard.hashes, shard.vectors, strict=True)), model.encoder_name)
    return sum(len(s.hashes) for _, s in fitting)


def _require_all(parts: Sequence[Part], others: Sequence[str]) -> None:
    """Refuse what is not every part of one whole; `others` are files that were passed over, and may be why."""
    remedy = "Name the file of every part, each made with the same store and the same version of nekb."
    counts = {p.count for p in parts}
    if len(counts) > 1:
        there = ", ".join(sorted({f"{p.number}/{p.count}" for p in parts}))
        raise BadInputError(f"These are not all parts of one whole: {there}.", "Name the files of one whole.")
    why = f"{_some(others)} was made of other documents or other guidance." if others else ""
    if not counts:
        raise BadInputError(why, remedy)
    count = counts.pop()
    missing = sorted(set(range(1, count + 1)) - {p.number for p in parts})
    if missing:
        shown = _some([f"{number}/{count}" for number in missing])
        raise BadInputError(f"These are not all parts: {shown} is missing. {why}".rstrip(), remedy)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _require_model(name: str, shard: Shard, model: Model) -> None:
    if shard.model != model.encoder_name:
        raise BadInputError(
            f"{name} was embedded by another model.",
            "Set the same NEKB_MODEL and the same version of nekb on each machine, and embed again.",
        )
