"""Vectors on a real Milvus server: the same answers, all or nothing, and no question that waits for a server away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import ingest.build.milvus as publishing
from ingest.build.milvus import Publisher
from ingest.build.snapshots import activate, prune, snapshots
from ingest.progress import Silent
from kb.asking import ask
from kb.errors import NekbError, VectorsUnavailableError
from kb.evaluation.harness import figures, nekb_system
from kb.evaluation.questions import read_questions
from kb.filters import Filters
from kb.home import shipped_data
from kb.matching.question import Question
from kb.matching.threads import rank_threads
from kb.milvus import Connection, MilvusAddress, MilvusVectors
from kb.snapshot import Snapshot, open_current
from tests.bench.corpus import grow
from tests.scale.made import QUERY, made_heads, unit_vectors, vectors_with_neighbours
from tests.scale.servers import Milvus

pytestmark = pytest.mark.slow


def test_both_engines_give_the_same_figures_and_the_same_threads(
    snapshot: Snapshot, milvus_home: Path, on_milvus: Milvus
) -> None:
    remote = open_current(milvus_home)
    assert remote.manifest.collection == f"nekb_{remote.manifest.id}"
    assert not (remote.folder / "documents" / "vectors.faiss").exists()
    questions = read_questions(shipped_data() / "evaluation" / "questions.jsonl")[::12]
    here, there = (figures([nekb_system(s)(q) for q in questions]) for s in (snapshot, remote))
    for name, figure in here.ranking.items():
        assert there.ranking[name].value == pytest.approx(figure.value, abs=0.01)
    for q in questions:
        asked = Question(q.query, remote, {})
        ranked = [[(t.head.id, t.score) for t in rank_threads(x, 5)] for x in (Question(q.query, snapshot, {}), asked)]
        assert asked.degraded is None
        assert [s for _, s in ranked[1]] == pytest.approx([s for _, s in ranked[0]], abs=0.01)


def test_both_engines_find_the_same_among_thousands_of_documents(
    snapshot: Snapshot, on_milvus: Milvus, tmp_path: Path
) -> None:
    vectors, _ = grow(snapshot, tmp_path / "faiss", 5_000)
    here = Snapshot(tmp_path / "faiss")
    heads = here.heads(range(5_000))
    Publisher(on_milvus.address).write("thousands", vectors, [heads[i] for i in range(5_000)], Silent())
    shutil.copytree(tmp_path / "faiss", tmp_path / "milvus")
    (tmp_path / "milvus" / "documents" / "vectors.faiss").unlink()
    raw = json.loads((tmp_path / "milvus" / "manifest.json").read_text())
    del raw["files"]["documents/vectors.faiss"]
    (tmp_path / "milvus" / "manifest.json").write_text(json.dumps(raw | {"collection": "thousands"}))
    there = Snapshot(tmp_path / "milvus")
    questions = read_questions(shipped_data() / "evaluation" / "questions.jsonl")[::4]
    ours, theirs = (figures([nekb_system(s)(q) for q in questions]) for s in (here, there))
    for name, figure in ours.ranking.items():
        assert theirs.ranking[name].value == pytest.approx(figure.value, abs=0.01)
    same, apart = [], []
    for q in questions:
        asked = Question(q.query, there, {})
        near, far = rank_threads(Question(q.query, here, {}), 5), rank_threads(asked, 5)
        assert asked.degraded is None
        apart += [abs(a.score - b.score) for a, b in zip(near, far, strict=True)]
        same += [near[0].head.id == far[0].head.id]
    assert np.mean(same) >= 0.99
    # Each engine misses a neighbour now and then, and another thread stands in its place.
    assert np.quantile(apart, 0.99) <= 0.01
    assert max(apart) <= 0.05


def test_filters_on_the_server_are_the_filters_of_the_documents(on_milvus: Milvus) -> None:
    vectors, heads = vectors_with_neighbours(3000), made_heads(3000)
    done = Publisher(on_milvus.address).write("filters", vectors, heads, Silent())
    assert (done.rows, done.recall >= 0.95) == (3000, True)
    remote = MilvusVectors(Connection(on_milvus.address), "filters")
    for filters in (
        Filters(topic="vpn"),
        Filters(platform="macOS", accepted=True),
        Filters(since="2026-09-01", apple_replied=False),
        Filters(kind="thread", source="forum"),
    ):
        found = remote.search(vectors[7], 40, filters)
        order = np.argsort(-(vectors @ vectors[7]))
        exact = [int(i) for i in order if filters.keep(heads[i])][:40]
        assert len({row for row, _ in found} & set(exact)) >= 38
        assert all(filters.keep(heads[row]) for row, _ in found)
    assert remote.search(vectors[7], 5, Filters(topic="nobody")) == []


@pytest.mark.parametrize(("fault", "said"), [("lost", "holds 100 of 200"), ("wrong", "of the nearest passages")])
def test_a_collection_that_fails_its_check_is_never_published(
    fault: str, said: str, on_milvus: Milvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(on_milvus.address)
    publisher.write("sound", unit_vectors(200), made_heads(200), Silent())
    publisher.point("sound")
    row, odd = publishing._row, unit_vectors(200, seed=8)
    if fault == "lost":
        monkeypatch.setattr(publishing, "BATCH", 100)
        monkeypatch.setattr(
            publisher, "_insert", lambda c, rows: rows[0]["row"] or Publisher._insert(publisher, c, rows)
        )
    else:
        monkeypatch.setattr(publishing, "_row", lambda i, v, h: row(i, odd[i] if i % 2 else v, h))
    with pytest.raises(NekbError, match=said):
        publisher.write("broken", unit_vectors(200), made_heads(200), Silent())
    assert publisher.current() == "sound"
    publisher.drop("broken")
    publisher.drop("sound")
    assert publisher.current() == "sound", "the published collection is never dropped"


def test_going_back_and_pruning_keep_collection_and_snapshot_together(
    milvus_home: Path, snapshot: Snapshot, on_milvus: Milvus, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(milvus_home, home)
    published = open_current(home).manifest
    publisher = Publisher(on_milvus.address)
    assert published.collection is not None
    activate(home, snapshot.manifest.id)
    assert not ask(QUERY, open_current(home)).degraded, "the older snapshot has its vectors in a file"
    assert [s.current for s in snapshots(home) if s.id == snapshot.manifest.id] == [True]
    activate(home, published.id)
    assert publisher.current() == published.collection
    assert not ask(QUERY, open_current(home)).degraded
    assert snapshot.manifest.id in prune(home, 1)
    assert [s.id for s in snapshots(home)] == [published.id]
    assert publisher.holds(published.collection, published.passages["documents"])


def test_a_snapshot_never_asks_the_collection_of_another(milvus_home: Path, on_milvus: Milvus) -> None:
    held = open_current(milvus_home)
    publisher = Publisher(on_milvus.address)
    publisher.write("other", unit_vectors(50), made_heads(50), Silent())
    publisher.point("other")
    try:
        answer = ask(QUERY, held)
        assert not answer.degraded
        assert answer.threads == ask(QUERY, Snapshot(held.folder)).threads
        assert max(held.documents.vectors.search(unit_vectors(1)[0], 60))[0] < held.manifest.passages["documents"]
    finally:
        assert held.manifest.collection is not None
        publisher.point(held.manifest.collection)


def test_a_wrong_token_degrades_and_never_shows_it(milvus_home: Path, on_milvus: Milvus) -> None:
    collection = open_current(milvus_home).manifest.collection
    assert collection is not None
    wrong = MilvusAddress("127.0.0.1", on_milvus.port, False, "root:not-the-password")
    with pytest.raises(VectorsUnavailableError) as caught:
        MilvusVectors(Connection(wrong), collection).search(unit_vectors(1)[0], 5)
    assert caught.value.reason == "refused"
    assert "not-the-password" not in repr(wrong) + str(caught.value)


def test_a_missing_collection_is_said_and_does_not_open_the_circuit(on_milvus: Milvus) -> None:
    server = Connection(on_milvus.address)
    for _ in range(5):
        with pytest.raises(VectorsUnavailableError) as caught:
            MilvusVectors(server, "nekb_nowhere").search(unit_vectors(1)[0], 5)
        assert caught.value.reason == "missing"
