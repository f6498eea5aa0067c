"""Publishing vectors on a Milvus server: a new collection for each build, checked before anybody is sent to it.

Whatever fails on the way leaves the published collection as it was. A batch that may or may not have arrived is sent
again as an upsert, so that no row stands twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ingest.progress import Progress
from kb.documents import Head
from kb.encoder import Vector
from kb.errors import NekbError
from kb.milvus import ALIAS, EF_SEARCH, MilvusAddress, connect

PREFIX = "nekb_"
BATCH = 2_000  # rows a message: 3 MB of vectors
TRIES = 4
RECALL_FLOOR = 0.95
_SAMPLE = 50
_NEIGHBOURS = 10
_CALL = 60.0  # seconds a call of a build may take
_READY = 1_800.0  # seconds an index may take to be built and loaded
_HNSW = {"M": 16, "efConstruction": 200}

T = TypeVar("T")


def collection_name(snapshot: str) -> str:
    """The collection that belongs to a snapshot."""
    return f"{PREFIX}{snapshot}"


@dataclass(frozen=True)
class Published:
    """What was checked before publishing: rows counted on the server, recall of the sample against exact search."""

    rows: int
    recall: float


class Publisher:
    """Writes, checks, publishes and retires collections on one server."""

    def __init__(self, address: MilvusAddress) -> None:
        self._address = address
        self._held: Any = None

    def write(self, collection: str, vectors: Vector, heads: Sequence[Head], progress: Progress) -> Published:
        """Write and check a collection; `heads[i]` is the document of row `i`.

        What an earlier build left under the name is dropped first. Raises `NekbError` where the server fails for good
        or what it holds does not pass the check.
        """
        progress.stage("Writing vectors to the server", len(heads))
        self._try(lambda c: _clear(c, collection))
        self._try(lambda c: None if c.has_collection(collection) else _create(c, collection, vectors.shape[1]))
        for at in range(0, len(heads), BATCH):
            rows = [_row(i, vectors[i], heads[i]) for i in range(at, min(at + BATCH, len(heads)))]
            self._insert(collection, rows)
            progress.advance(len(rows))
        progress.stage("Indexing vectors on the server", 0)
        self._try(lambda c: c.flush(collection, timeout=_READY))
        self._try(lambda c: _index(c, collection))
        self._try(lambda c: c.load_collection(collection, timeout=_READY))
        return self._check(collection, vectors)

    def holds(self, collection: str, rows: int) -> bool:
        """Whether the server has the whole collection, and now keeps it in memory."""
        if not self._try(lambda c: c.has_collection(collection, timeout=_CALL)):
            return False
        self._try(lambda c: c.load_collection(collection, timeout=_READY))
        return self._count(collection) == rows

    def point(self, collection: str) -> None:
        """Publish: make the alias name this collection, in one step."""

        def switch(client: Any) -> None:
            # with an alias there, `alter_alias` moves it; a server that never had one is told to create it
            if _aliased(client) is None:
                client.create_alias(collection, ALIAS, timeout=_CALL)
            else:
                client.alter_alias(collection, ALIAS, timeout=_CALL)

        self._try(switch)

    def current(self) -> str | None:
        """The collection that the alias names."""
        return self._try(_aliased)

    def drop(self, collection: str) -> None:
        """Remove a collection, unless it is the published one."""
        if collection != self.current():
            self._try(lambda c: c.drop_collection(collection, timeout=_CALL))

    def release(self, collection: str) -> None:
        """Let the server forget a collection's rows until somebody loads it again; they stay on its disk."""
        if collection != self.current() and self._try(lambda c: c.has_collection(collection, timeout=_CALL)):
            self._try(lambda c: c.release_collection(collection, timeout=_CALL))

    def _insert(self, collection: str, rows: list[dict[str, Any]]) -> None:
        sent = False

        def send(client: Any) -> None:
            nonlocal sent
            again, sent = sent, True
            put = client.upsert if again else client.insert
            put(collection, rows, timeout=_CALL)

        self._try(send)

    def _check(self, collection: str, vectors: Vector) -> Published:
        count = self._count(collection)
        if count != len(vectors):
            raise NekbError(
                f"The vector server holds {count:,} of {len(vectors):,} rows.",
                "Run `nekb build` again; what was published before answers on.",
                code="vectors_count",
            )
        recall = self._recall(collection, vectors) if count else 1.0
        if recall < RECALL_FLOOR:
            raise NekbError(
                f"The vector server finds {recall:.0%} of the nearest passages of a sample.",
                "Run `nekb build` again; what was published before answers on.",
                code="vectors_recall",
            )
        return Published(count, recall)

    def _count(self, collection: str) -> int:
        found = self._try(
            lambda c: c.query(
                collection, filter="", output_fields=["count(*)"], consistency_level="Strong", timeout=_CALL
            )
        )
        return int(found[0]["count(*)"])

    def _recall(self, collection: str, vectors: Vector) -> float:
        """The share of the sample's true neighbours that are found; equal cosines are equally true."""
        draw = np.random.default_rng(len(vectors))
        sample = vectors[draw.choice(len(vectors), min(_SAMPLE, len(vectors)), replace=False)]
        sample = sample + draw.normal(0, 0.3 / np.sqrt(sample.shape[1]), sample.shape).astype(np.float32)
        wanted = min(_NEIGHBOURS, len(vectors))
        found = self._try(
            lambda c: c.search(
                collection,
                sample.tolist(),
                limit=wanted,
                anns_field="vector",
                search_params={"metric_type": "IP", "params": {"ef": EF_SEARCH}},
                consistency_level="Strong",
                timeout=_CALL,
            )
        )
        right = 0
        for query, hits in zip(sample, found, strict=True):
            exact = vectors @ query
            border = np.partition(exact, -wanted)[-wanted] - 1e-5
            right += int((exact[[int(i) for i in hits.ids]] >= border).sum())
        return right / (wanted * len(sample))

    def _try(self, what: Callable[[Any], T]) -> T:
        """Run a call, again after a pause where it fails, a bounded number of times."""
        for attempt in range(1, TRIES + 1):
            try:
                if self._held is None:
                    self._held = connect(self._address, _CALL / 6)
                return what(self._held)
            except NekbError:
                raise
            except Exception as error:
                self._held = None
                if attempt == TRIES:
                    raise _failed(error) from error
                time.sleep(2.0**attempt)
        raise AssertionError("the loop returns or raises")


def _clear(client: Any, collection: str) -> None:
    """Remove a collection of which a build found that it is not whole, published or not."""
    if client.has_collection(collection, timeout=_CALL):
        if _aliased(client) == collection:
            client.drop_alias(ALIAS, timeout=_CALL)
        client.drop_collection(collection, timeout=_CALL)


def _create(client: Any, collection: str, dimensions: int) -> None:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
    for name in ("topic", "source", "kind", "day"):
        schema.add_field(name, DataType.VARCHAR, max_length=128)
    schema.add_field("platforms", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=16, max_length=32)
    for name in ("apple_replied", "accepted"):
        schema.add_field(name, DataType.BOOL)
    client.create_collection(collection, schema=schema, timeout=_CALL)


def _row(row: int, vector: Vector, head: Head) -> dict[str, Any]:
    return {
        "row": row,
        "vector": vector,
        "topic": (head.topic or "")[:64],
        "source": head.source[:64],
        "kind": head.kind[:64],
        "day": (head.day or "")[:64],
        "platforms": [p[:32] for p in head.platforms.split()[:16]],
        "apple_replied": bool(head.apple_replied),
        "accepted": bool(head.accepted),
    }


def _index(client: Any, collection: str) -> None:
    """Build the index and wait for it. Below 1,024 rows a segment the server searches exactly and builds none."""
    params = client.prepare_index_params()
    params.add_index("vector", index_type="HNSW", metric_type="IP", params=_HNSW)
    client.create_index(collection, params, timeout=_READY)


def _aliased(client: Any) -> str | None:
    for name in client.list_collections(timeout=_CALL):
        if ALIAS in client.list_aliases(name, timeout=_CALL)["aliases"]:
            return str(name)
    return None


def _failed(error: Exception) -> NekbError:
    text = str(error).lower()
    if any(word in text for word in ("no space", "disk", "quota", "memory", "resource_exhausted")):
        return NekbError(
            "The vector server is full.",
            "Give it room or remove old snapshots with `nekb snapshots prune`; what was published before answers on.",
            code="vectors_full",
        )
    return NekbError(
        f"The vector server failed {TRIES} times in a row.",
        "Check the server that NEKB_VECTORS names, then run `nekb build` again; what was published before answers on.",
        code="vectors",
    )
