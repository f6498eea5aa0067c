"""Thread retrieval on public sets, as a second witness: BM25, dense, reciprocal rank fusion and nekb's own ranking.

Usage: `python tests/bench/public_sets.py FOLDER [--set oem|stackfaq] [--others N] [--passages N] [--cache FOLDER]`.
FOLDER holds one folder a set with `corpus.jsonl.gz` and `queries.jsonl` (`_id`, `title`, `text`) and `qrels.tsv`
(query, document, grade). Passages, encoder, both indexes and the ranking are nekb's own; every figure of a set comes
from one run over one index. Queries are halved by a hash of their id: constants were chosen on the half `tune`, and
`held` is what to believe. Documents are embedded by the query encoder (int8), which takes half the time of a build's.
`--others` keeps, beside the documents that answer a query, so many more of the corpus (by a hash of their id):
absolute figures rise with that, so compare columns and not runs.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ingest.build.embedding import text_hash
from ingest.build.export import PRECISION, write_encoder
from ingest.build.model import find_model
from ingest.chunking import document_passages
from ingest.store import Store
from kb.documents import Document, Passage, Post
from kb.encoder import QueryEncoder, Vector
from kb.evaluation.metrics import figure
from kb.lexical import terms, write_lexical
from kb.matching.threads import DEPTH, best_passages
from kb.snapshot import Space
from kb.vectors import write_vectors

SETS = ("oem", "stackfaq")
_RRF_K = 60  # Cormack, Clarke and Büttcher, 2009
_CUT = 10
_LEGS = 200  # passages deep for the baselines
_MIX_SHARE = 0.6  # dense, of the mix of min-max scores; the best of .4 to .8 on the tuning halves
_KEPT_AT_ONCE = 50


@dataclass(frozen=True)
class Query:
    """A query with the graded documents that answer it."""

    id: str
    text: str
    grades: Mapping[str, int]

    @property
    def held(self) -> bool:
        """Whether the query is in the half that nothing was chosen on."""
        return hashlib.sha256(self.id.encode()).digest()[0] % 2 == 1


@dataclass(frozen=True)
class Asked:
    """A query as the space sees it."""

    query: Query
    vector: Vector
    terms: list[str]


class Threads(Space):
    """The passages of a set's threads, and the threads' ids by number."""

    def __init__(self, folder: Path, ids: list[str]) -> None:
        super().__init__(folder, "documents")
        self.ids = ids


Ranking = Callable[[Threads, Asked], list[str]]


class KeptEncoder:
    """The query encoder, with every vector kept in a store, so that no text is embedded twice."""

    def __init__(self, cache: Path) -> None:
        folder = cache / "encoder"
        if not folder.exists():
            write_encoder(find_model(), folder, [])
        self._encoder = QueryEncoder(folder)
        self._store = Store(cache)

    def encode(self, texts: list[str]) -> Vector:
        """Unit vectors (n, dimensions) of the texts in their order."""
        hashes = [text_hash(t) for t in texts]
        known = self._store.vectors(hashes, PRECISION)
        fresh: dict[str, Vector] = {}
        for at, (h, text) in enumerate(zip(hashes, texts, strict=True), 1):
            if h not in known and h not in fresh:
                fresh[h] = self._encoder.encode(text)
            if len(fresh) == _KEPT_AT_ONCE or at == len(texts):
                self._store.keep_vectors(fresh, PRECISION)
                known |= fresh
                fresh = {}
        return np.vstack([known[h] for h in hashes])


def space_of(passages: list[Passage], encoder: KeptEncoder, folder: Path) -> Threads:
    """The passages as a space of nekb's, written into a folder."""
    vectors = encoder.encode([p.embedded for p in passages])
    write_lexical(folder / "documents" / "lexical", [(p.context, p.text) for p in passages])
    write_vectors(folder / "documents" / "vectors.faiss", vectors)
    numbers = {id: number for number, id in enumerate(dict.fromkeys(p.owner for p in passages))}
    np.save(folder / "documents" / "numbers.npy", np.array([numbers[p.owner] for p in passages], np.int32))
    return Threads(folder, list(numbers))


def passages_of(folder: Path, queries: list[Query], others: int | None, passages: int | None) -> list[Passage]:
    """The first passages of the documents that answer a query and of so many others; all where that is None."""
    answers = {id for q in queries for id in q.grades}
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    rows.sort(key=lambda r: (r["_id"] not in answers, hashlib.sha256(r["_id"].encode()).digest()))
    kept = rows if others is None else rows[: len(answers) + others]
    tokens = find_model().tokens
    documents = (Document(r["_id"], folder.name, "thread", r["title"], (Post("question", r["text"]),)) for r in kept)
    return [p for d in documents for p in document_passages(d, tokens)[:passages]]


def queries_of(folder: Path) -> list[Query]:
    """The set's queries, title and text, that have a graded document."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for query, document, grade in csv.reader(file, delimiter="\t"):
            grades[query][document] = int(grade)
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Query(r["_id"], f"{r['title']}\n{r['text']}".strip(), grades[r["_id"]]) for r in rows if grades[r["_id"]]]


def bm25(space: Threads, asked: Asked) -> list[str]:
    """Threads by their best passage's BM25 score."""
    return _threads(space, space.lexical.search(asked.terms, _LEGS))


def dense(space: Threads, asked: Asked) -> list[str]:
    """Threads by their best passage's cosine."""
    return _threads(space, space.vectors.search(asked.vector, _LEGS))


def fusion(space: Threads, asked: Asked) -> list[str]:
    """Threads by reciprocal rank fusion of both."""
    fused: dict[str, float] = defaultdict(float)
    for ranking in (bm25(space, asked), dense(space, asked)):
        for at, id in enumerate(ranking):
            fused[id] += 1 / (_RRF_K + at + 1)
    return sorted(fused, key=lambda id: -fused[id])


def mix(space: Threads, asked: Asked) -> list[str]:
    """Threads by a convex mix of both scores, each scaled to 0 and 1 over what it found for the query."""
    mixed: dict[int, float] = defaultdict(float)
    legs = (space.vectors.search(asked.vector, _LEGS), space.lexical.search(asked.terms, _LEGS))
    for share, found in zip((_MIX_SHARE, 1 - _MIX_SHARE), legs, strict=True):
        low, high = min((s for _, s in found), default=0.0), max((s for _, s in found), default=1.0)
        for row, score in found:
            mixed[row] += share * (score - low) / max(high - low, 1e-9)
    return _threads(space, sorted(mixed.items(), key=lambda item: -item[1]))


def nekb(space: Threads, asked: Asked) -> list[str]:
    """Threads as an answer ranks them, without the standing of a thread, which these sets do not know."""
    dense, lexical = dict(space.vectors.search(asked.vector, DEPTH)), space.lexical.shares(asked.terms, DEPTH)
    found = best_passages(space, dense, lexical)
    return [space.ids[number] for number in found.numbers[np.argsort(-found.scores, kind="stable")].tolist()]


RANKINGS: dict[str, Ranking] = {"BM25": bm25, "dense": dense, "fusion": fusion, "mix": mix, "nekb": nekb}


def _threads(space: Threads, found: Sequence[tuple[int, float]]) -> list[str]:
    """The owners of passages, each once, in the order of its best."""
    return list(dict.fromkeys(space.ids[space.numbers[row]] for row, _ in found))


def figures(ranked: Sequence[str], query: Query) -> dict[str, float]:
    """nDCG@10 (Järvelin and Kekäläinen, 2002), recall@10 and reciprocal rank of one ranking. The query's own id is
    no answer to it."""
    kept = [id for id in ranked if id != query.id]
    top = kept[:_CUT]
    got = sum(query.grades.get(id, 0) / math.log2(at + 2) for at, id in enumerate(top))
    ideal = sum(g / math.log2(at + 2) for at, g in enumerate(sorted(query.grades.values(), reverse=True)[:_CUT]))
    first = next((1 / (at + 1) for at, id in enumerate(kept) if id in query.grades), 0.0)
    return {"nDCG@10": got / ideal, "recall@10": len(query.grades.keys() & set(top)) / len(query.grades), "MRR": first}


def measure(space: Threads, asked: Iterable[Asked]) -> dict[str, list[dict[str, float]]]:
    """Each ranking's figures for each query, in one run."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in RANKINGS}
    for one in asked:
        for name, ranking in RANKINGS.items():
            found[name].append(figures(ranking(space, one), one.query))
    return found


def report(name: str, found: dict[str, list[dict[str, float]]], queries: list[Query]) -> None:
    """Print every figure with its 95 % interval, on each half and on all."""
    halves: dict[str, list[int]] = {
        "tune": [at for at, q in enumerate(queries) if not q.held],
        "held": [at for at, q in enumerate(queries) if q.held],
        "all": list(range(len(queries))),
    }
    for half, places in halves.items():
        print(f"{name}, {half}: {len(places)} queries")
        for ranking, rows in found.items():
            cells = (f"{m} {figure([rows[at][m] for at in places])}" for m in rows[0])
            print(f"  {ranking:<8} {'   '.join(cells)}")
        for other in (name for name in found if name != "nekb"):
            differences = [found["nekb"][at]["nDCG@10"] - found[other][at]["nDCG@10"] for at in places]
            print(f"  nekb - {other}: nDCG@10 {figure(differences)}")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", dest="sets", choices=SETS, action="append")
    parser.add_argument("--others", type=int)
    parser.add_argument("--passages", type=int)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "nekb-public-sets")
    arguments: Any = parser.parse_args()
    for name in arguments.sets or SETS:
        queries = queries_of(arguments.folder / name)
        passages = passages_of(arguments.folder / name, queries, arguments.others, arguments.passages)
        encoder = KeptEncoder(arguments.cache / name)
        vectors = encoder.encode([q.text for q in queries])
        asked = [Asked(q, v, terms(q.text)) for q, v in zip(queries, vectors, strict=True)]
        with tempfile.TemporaryDirectory() as folder:
            space = space_of(passages, encoder, Path(folder))
            print(f"{name}: {len({p.owner for p in passages})} documents, {len(passages)} passages")
            report(name, measure(space, asked), queries)


if __name__ == "__main__":
    main()
