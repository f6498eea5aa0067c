"""Thread retrieval on public sets, as a second witness: BM25, dense, reciprocal rank fusion and nekb's own ranking.

Usage: `python tests/bench/public_sets.py FOLDER [--set oem|stackfaq] [--cache FOLDER]`. FOLDER holds one folder a set
with `corpus.jsonl.gz` and `queries.jsonl` (`_id`, `title`, `text`) and `qrels.tsv` (query, document, grade). Passages,
vectors, both indexes and the ranking are nekb's own; every figure of a set comes from one run over one index. Queries
are halved by a hash of their id: constants were chosen on the half `tune`, and `held` is what to believe.
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

from ingest.build.embedding import embed
from ingest.build.export import write_encoder
from ingest.build.model import find_model
from ingest.build.run import write_passages, write_space
from ingest.chunking import document_passages
from ingest.store import Store
from kb.documents import Document, Passage, Post
from kb.encoder import QueryEncoder, Vector
from kb.evaluation.metrics import figure
from kb.home import shipped_data
from kb.lexical import terms
from kb.matching.threads import DEPTH, matches
from kb.signals.tables import SignalTables, compile_tables
from kb.snapshot import Space

SETS = ("oem", "stackfaq")
PASSAGES = 3  # of a thread that are embedded, the first ones: an hour of embedding is not worth the rest
_RRF_K = 60  # Cormack, Clarke and Büttcher, 2009
_CUT = 10
_LEGS = 200  # passages deep for the baselines


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


Ranking = Callable[[Space, Asked], list[str]]


def space_of(folder: Path, cache: Path) -> tuple[Space, QueryEncoder]:
    """The set's corpus as a space of nekb's, made once and kept in the cache."""
    built = cache / "space"
    if not (built / "done").exists():
        built.mkdir(parents=True, exist_ok=True)
        model = find_model()
        passages = _passages(folder, model.tokens)
        with Store(cache) as store:
            vectors = embed([p.embedded for p in passages], model, store, lambda _: None)
        write_space(built / "documents", passages, vectors)
        tables = SignalTables.from_json(json.loads(json.dumps(compile_tables(shipped_data()))))
        write_passages(built / "passages.db", {"documents": passages}, [], tables)
        write_encoder(model, built / "encoder", [])
        (built / "done").touch()
    return Space(built, "documents"), QueryEncoder(built / "encoder")


def _passages(folder: Path, tokens: Callable[[str], int]) -> list[Passage]:
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    documents = (Document(r["_id"], folder.name, "thread", r["title"], (Post("question", r["text"]),)) for r in rows)
    return [p for d in documents for p in document_passages(d, tokens)[:PASSAGES]]


def queries_of(folder: Path) -> list[Query]:
    """The set's queries, title and text, that have a graded document."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for query, document, grade in csv.reader(file, delimiter="\t"):
            grades[query][document] = int(grade)
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Query(r["_id"], f"{r['title']}\n{r['text']}".strip(), grades[r["_id"]]) for r in rows if grades[r["_id"]]]


def bm25(space: Space, asked: Asked) -> list[str]:
    """Threads by their best passage's BM25 score."""
    return _threads(space, space.lexical.search(asked.terms, _LEGS))


def dense(space: Space, asked: Asked) -> list[str]:
    """Threads by their best passage's cosine."""
    return _threads(space, space.vectors.search(asked.vector, _LEGS))


def fusion(space: Space, asked: Asked) -> list[str]:
    """Threads by reciprocal rank fusion of both."""
    fused: dict[str, float] = defaultdict(float)
    for ranking in (bm25(space, asked), dense(space, asked)):
        for at, id in enumerate(ranking):
            fused[id] += 1 / (_RRF_K + at + 1)
    return sorted(fused, key=lambda id: -fused[id])


def nekb(space: Space, asked: Asked) -> list[str]:
    """Threads as an answer ranks them, without the standing of a thread, which these sets do not know."""
    found = matches(space, asked.vector, asked.terms, DEPTH)
    return [m.owner for m in sorted(found, key=lambda m: (-m.score, m.owner))]


RANKINGS: dict[str, Ranking] = {"BM25": bm25, "dense": dense, "fusion": fusion, "nekb": nekb}


def _threads(space: Space, found: Sequence[tuple[int, float]]) -> list[str]:
    """The owners of passages, each once, in the order of its best."""
    texts = space.passages([row for row, _ in found])
    return list(dict.fromkeys(texts[row][0] for row, _ in found))


def figures(ranked: Sequence[str], query: Query) -> dict[str, float]:
    """nDCG@10 (Järvelin and Kekäläinen, 2002), recall@10 and reciprocal rank of one ranking. The query's own id is
    no answer to it."""
    kept = [id for id in ranked if id != query.id]
    top = kept[:_CUT]
    got = sum(query.grades.get(id, 0) / math.log2(at + 2) for at, id in enumerate(top))
    ideal = sum(g / math.log2(at + 2) for at, g in enumerate(sorted(query.grades.values(), reverse=True)[:_CUT]))
    first = next((1 / (at + 1) for at, id in enumerate(kept) if id in query.grades), 0.0)
    return {"nDCG@10": got / ideal, "recall@10": len(query.grades.keys() & set(top)) / len(query.grades), "MRR": first}


def measure(space: Space, asked: Iterable[Asked]) -> dict[str, list[dict[str, float]]]:
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
        for other in ("BM25", "dense", "fusion"):
            differences = [found["nekb"][at]["nDCG@10"] - found[other][at]["nDCG@10"] for at in places]
            print(f"  nekb - {other}: nDCG@10 {figure(differences)}")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", dest="sets", choices=SETS, action="append")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "nekb-public-sets")
    arguments: Any = parser.parse_args()
    for name in arguments.sets or SETS:
        queries = queries_of(arguments.folder / name)
        space, encoder = space_of(arguments.folder / name, arguments.cache / name)
        asked = [Asked(q, encoder.encode(q.text), terms(q.text)) for q in queries]
        report(name, measure(space, asked), queries)


if __name__ == "__main__":
    main()
