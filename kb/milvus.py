"""The dense leg of the documents on a Milvus server, where the vectors have outgrown one machine.

`NEKB_VECTORS=milvus://host:19530` (or `milvus+tls://`) names the server, `NEKB_VECTORS_TOKEN` holds `user:password` or
an API key, `NEKB_VECTORS_CA` a certificate authority of one's own. A snapshot names the collection that was written for
it and asks that one alone, so that rows of one build never meet texts of another. Guidance stays in FAISS beside the
cards: a few thousand vectors that every question needs, and that must answer when this server does not.

Nothing waits longer than `TIMEOUT` for an answer, and after `FAILURES` in a row nobody waits at all (`kb.circuit`).
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge, Histogram

from kb.circuit import Circuit
from kb.encoder import Vector
from kb.errors import BadInputError, NekbError, SnapshotError, VectorsUnavailableError, install
from kb.filters import EVERYTHING, Filters

ALIAS = "nekb"  # what was published last; a question asks the collection of its snapshot, whatever this says
TIMEOUT = 1.0  # seconds a search may take; the slowest of 100 here took 0.02 s (docs/scaling.md)
FAILURES = 3
REST = 5.0
EF_SEARCH = 128
_PORT = 19530
_SAFE = re.compile(r"[A-Za-z0-9 ._:-]{1,64}")  # what may stand inside an expression's quotes

SEARCHES = Histogram(
    "nekb_vectors_seconds",
    "Time of a search on the vector server.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2),
)
UNAVAILABLE = Counter("nekb_vectors_unavailable_total", "Searches that had to do without vectors.", ("reason",))
OPEN = Gauge(
    "nekb_vectors_circuit_open",
    "1 while the vector server is taken to be away, by any worker.",
    multiprocess_mode="livemax",
)

T = TypeVar("T")


@dataclass(frozen=True)
class MilvusAddress:
    """Where the server is and how to be let in. The token is kept out of every representation."""

    host: str
    port: int
    tls: bool
    token: str = field(default="", repr=False)
    authority: str = ""

    @property
    def uri(self) -> str:
        """The address as pymilvus wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def configured() -> MilvusAddress | None:
    """The server of `NEKB_VECTORS`; None where vectors are files. Raises `BadInputError` for what is no address."""
    raw = os.environ.get("NEKB_VECTORS", "")
    if raw in ("", "faiss"):
        return None
    try:
        parts = urlsplit(raw)
        port = parts.port or _PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("milvus", "milvus+tls") or not parts.hostname or parts.path.strip("/"):
        raise BadInputError(
            "NEKB_VECTORS is not an address of a vector server.",
            "Write milvus://host:19530 or milvus+tls://host:19530, or unset it for FAISS.",
            code="vectors_address",
        )
    if parts.username or parts.password:
        raise BadInputError(
            "NEKB_VECTORS holds a password, where logs could show it.",
            "Put `user:password` into NEKB_VECTORS_TOKEN.",
            code="vectors_address",
        )
    tls = parts.scheme == "milvus+tls"
    return MilvusAddress(parts.hostname, port, tls, os.environ.get("NEKB_VECTORS_TOKEN", ""), _authority(tls))


def _authority(tls: bool) -> str:
    """The file of the authority that is to vouch for the server, if one is named."""
    file = os.environ.get("NEKB_VECTORS_CA", "")
    if file and not tls:
        raise BadInputError(
            "NEKB_VECTORS_CA names an authority, and NEKB_VECTORS asks for no TLS.",
            "Write milvus+tls://host:19530, or unset NEKB_VECTORS_CA.",
            code="vectors_address",
        )
    if file and not os.access(file, os.R_OK):
        raise BadInputError(
            f"The authority's file {file} of NEKB_VECTORS_CA cannot be read.",
            "Name a file with its certificate in PEM format.",
            code="vectors_address",
        )
    return file


def connect(address: MilvusAddress, timeout: float) -> Any:
    """A `MilvusClient` with a channel of its own. Raises what pymilvus raises."""
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise NekbError(
            "Vectors on Milvus need pymilvus.", f"Install it with {install('milvus')}.", code="extra"
        ) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs each error that it raises, with its arguments
    secure: dict[str, Any] = {"secure": True, "server_pem_path": address.authority} if address.tls else {}
    return MilvusClient(address.uri, token=address.token, timeout=timeout, dedicated=True, **secure)


class Connection:
    """One server as questions see it: a client made when first needed, behind a circuit."""

    def __init__(self, address: MilvusAddress) -> None:
        self._address = address
        self._circuit = Circuit(FAILURES, REST)
        self._lock = threading.Lock()
        self._client: Any = None

    def call(self, what: Callable[[Any], T]) -> T:
        """Run `what` with the client. Raises `VectorsUnavailableError` where it fails or is not worth trying."""
        if not self._circuit.enter():
            raise _away("circuit_open", "The vector server has not answered for a while.")
        started = time.perf_counter()
        try:
            found = what(self._opened())
        except Exception as error:
            if isinstance(error, NekbError):
                self._failed()
                raise
            unavailable = _classified(error)
            if unavailable.reason == "missing":
                self._circuit.succeeded()  # it answered, of a collection that it does not have
                OPEN.set(0)
            else:
                self._failed()
            raise unavailable from error
        except BaseException:
            self._failed()  # a trial that is broken off must not be the last one
            raise
        self._circuit.succeeded()
        OPEN.set(0)
        SEARCHES.observe(time.perf_counter() - started)
        return found

    def _opened(self) -> Any:
        if self._client is None:
            if not self._lock.acquire(timeout=TIMEOUT):
                raise TimeoutError
            try:
                if self._client is None:
                    self._client = connect(self._address, TIMEOUT)
            finally:
                self._lock.release()
        return self._client

    def _failed(self) -> None:
        """Count the failure; a channel that led nowhere is not used again."""
        if self._circuit.failed():
            OPEN.set(1)
        if self._circuit.open:
            client, self._client = self._client, None
            if client is not None:
                threading.Thread(target=_close, args=(client,), daemon=True).start()


def _close(client: Any) -> None:
    time.sleep(2 * TIMEOUT)  # others may still wait on it
    try:
        client.close()
    except Exception:
        logging.getLogger(__name__).debug("a broken channel did not close")


def _away(reason: str, sentence: str) -> VectorsUnavailableError:
    UNAVAILABLE.labels(reason).inc()
    return VectorsUnavailableError(reason, sentence)


def _classified(error: Exception) -> VectorsUnavailableError:
    """What went wrong, in a word for metrics and a sentence for people; never the server's own words."""
    text = _words(error)
    if any(word in text for word in ("unauthenticated", "auth check", "permission")):
        return _away("refused", "The vector server does not let this replica in.")
    if isinstance(error, TimeoutError) or "deadline" in text or "timeout" in text or "timed out" in text:
        if "unavailable" in text or "refused" in text:
            return _away("unreachable", "The vector server cannot be reached.")
        return _away("timeout", f"The vector server did not answer within {TIMEOUT:g} s.")
    if "unavailable" in text or "connect" in text:
        return _away("unreachable", "The vector server cannot be reached.")
    if "not found" in text or "not exist" in text or "not loaded" in text:
        return _away("missing", "The vector server does not hold this snapshot's collection.")
    return _away("failed", "The vector server answered with an error.")


def _words(error: BaseException | None) -> str:
    """An error's message with those of its causes: pymilvus says of each failure to connect that the server is away."""
    words: list[str] = []
    while error is not None and len(words) < 5:
        words.append(str(error))
        error = error.__cause__ or error.__context__
    return " ".join(words).lower()


@lru_cache(maxsize=4)
def connection(address: MilvusAddress) -> Connection:
    """The connection to a server; one a process."""
    return Connection(address)


def open_collection(name: str) -> MilvusVectors:
    """The collection of a snapshot on the configured server. Raises `SnapshotError` where none is configured."""
    address = configured()
    if address is None:
        raise SnapshotError(
            "The vectors of this snapshot are on a Milvus server, and none is named.",
            "Set NEKB_VECTORS=milvus://host:19530, or run `nekb build` without it for vectors in a file.",
        )
    return MilvusVectors(connection(address), name)


class MilvusVectors:
    """Nearest passages of documents, from one collection."""

    def __init__(self, server: Connection, collection: str) -> None:
        self._server = server
        self._collection = collection

    def search(self, vector: Vector, limit: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """The nearest rows with their cosine, nearest first. Raises `VectorsUnavailableError`."""
        found = self._server.call(
            lambda client: client.search(
                self._collection,
                [vector.tolist()],
                filter=expression(filters or EVERYTHING),
                limit=limit,
                anns_field="vector",
                search_params={"metric_type": "IP", "params": {"ef": max(EF_SEARCH, limit)}},
                consistency_level="Eventually",  # a published collection does not change
                timeout=TIMEOUT,
            )
        )
        return list(zip((int(i) for i in found[0].ids), (float(d) for d in found[0].distances), strict=True))


def expression(filters: Filters) -> str:
    """Filters as Milvus reads them. A value that cannot stand in quotes as it is, is left to the caller's filter."""
    parts = [
        f'{name} == "{value}"'
        for name in ("topic", "source", "kind")
        if (value := getattr(filters, name)) is not None and _SAFE.fullmatch(value)
    ]
    if filters.platform is not None and _SAFE.fullmatch(filters.platform):
        parts.append(f'array_contains(platforms, "{filters.platform}")')
    if filters.since is not None and _SAFE.fullmatch(filters.since):
        parts.append(f'day >= "{filters.since}"')
    for name in ("apple_replied", "accepted"):
        value = getattr(filters, name)
        if value is not None:
            parts.append(f"{name} == {str(value).lower()}")
    return " and ".join(parts)
