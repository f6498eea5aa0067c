"""Ranking threads: answered, newest, canonical ones first, each once, none for the sake of it; what links to one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.build.files import head_of, write_passages
from ingest.chunking import document_passages
from kb.documents import Document, Head, Passage, Post
from kb.lexical import write_lexical
from kb.matching.question import Question
from kb.matching.threads import ANSWERED, CANONICAL, OUTDATED, RankedThread, day_of, lift_of, mixed_ranking, standings
from kb.snapshot import Snapshot
from kb.vectors import write_vectors

Build = Callable[[list[Document]], Snapshot]
KETTLE = "Our kettle's filter provider stops passing traffic after the Mac wakes and the log says verdict timed out."


def thread(id: str, title: str, *bodies: str, **more: object) -> Document:
    posts = tuple(Post("question" if at == 0 else "reply", body) for at, body in enumerate(bodies))
    return replace(Document(id, "test", "thread", title, posts, url=f"https://example.org/{id}"), **more)  # type: ignore[arg-type]


@pytest.fixture
def build(snapshot: Snapshot, tmp_path: Path) -> Build:
    """A snapshot whose documents are those given, beside the session's guidance."""

    def built(documents: list[Document]) -> Snapshot:
        folder = tmp_path / "snapshot"
        shutil.copytree(snapshot.folder, folder)
        passages = [p for d in documents for p in document_passages(d, lambda text: len(text.split()))]
        _write(folder, passages, documents, snapshot)
        return Snapshot(folder)

    return built


def _write(folder: Path, passages: list[Passage], documents: list[Document], snapshot: Snapshot) -> None:
    shutil.rmtree(folder / "documents")
    write_lexical(folder / "documents" / "lexical", [(p.context, p.text) for p in passages])
    vectors = np.vstack([snapshot.encoder.encode(p.embedded) for p in passages])
    write_vectors(folder / "documents" / "vectors.faiss", vectors)
    db = sqlite3.connect(folder / "passages.db")
    rows = db.execute("select owner, kind, text from passages where space = 'guidance' order by row").fetchall()
    db.close()
    (folder / "passages.db").unlink()
    guidance = [Passage(owner, kind, "", text) for owner, kind, text in rows]
    heads = {d.id: head_of(d, snapshot.signals) for d in documents}
    write_passages(folder, {"guidance": guidance, "documents": passages}, documents, heads)
    manifest = json.loads((folder / "manifest.json").read_text())
    files = (f for f in folder.rglob("*") if f.is_file() and f.name != "manifest.json" and not f.name.endswith(".lock"))
    manifest["files"] = {f.relative_to(folder).as_posix(): f.stat().st_size for f in files}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def ranked(snapshot: Snapshot, text: str, limit: int = 5) -> list[RankedThread]:
    return mixed_ranking(Question(text, snapshot, {}), 60, limit)


def test_an_accepted_or_apple_answer_stands_before_an_unanswered_twin(build: Build) -> None:
    answer = "Filters must answer within the time the system gives them; return the verdict before you log."
    found = ranked(
        build(
            [
                thread("a-open", "Kettle filter stops after wake", KETTLE, "Same here, any news on this one?"),
                replace(
                    thread("b-apple", "Kettle filter stops after wake", KETTLE + " Any idea?"),
                    posts=(Post("question", KETTLE + " Any idea?"), Post("reply", answer, apple=True)),
                ),
                thread("c-other", "Bloom filter for the toaster", "How large may the toaster's Bloom filter be?"),
            ]
        ),
        "filter provider stops passing traffic after wake, verdict timed out",
    )
    assert found[0].head.id == "b-apple"
    assert found[0].standing >= ANSWERED - OUTDATED


def _told(id: str, day: str, limit: str, activity: str) -> Document:
    post = Post("question", f"The memory limit of a kettle filter provider is {limit}.", created=f"{day}T10:00:00Z")
    return replace(
        thread(id, "Memory limit of a kettle filter"), posts=(post,), activity=activity, captured="2026-03-18"
    )


def test_the_newer_of_two_alike_stands_first_and_its_day_is_shown(build: Build) -> None:
    old, new = _told("a-old", "2019-02-01", "15 MB", "Feb ’19"), _told("b-new", "2026-01-09", "50 MB", "Jan ’26")
    found = ranked(build([old, new]), "memory limit of a kettle filter provider")
    assert found[0].head.id == "b-new"
    assert found[0].head.activity == "2026-01-09"


def test_a_thread_is_as_new_as_its_list_says_where_later_posts_are_not_held(build: Build) -> None:
    old, new = _told("a-old", "2024-02-01", "15 MB", "Feb ’24"), _told("b-new", "2019-02-01", "50 MB", "2w")
    found = ranked(build([old, new]), "memory limit of a kettle filter provider")
    assert found[0].head.id == "b-new"
    assert found[0].head.activity == "2w (as of 2026-03-18)"


def test_what_apple_links_to_most_stands_before_what_is_alike(build: Build) -> None:
    said = "Kettle provisioning begins with the profile; its identifier must be that of the extension."
    found = ranked(
        build(
            [
                thread("a-plain", "Provisioning a kettle", said + " We found this by trial."),
                thread("b-canonical", "Provisioning a kettle", said + " We found this by reading.", weight=40),
            ]
        ),
        "kettle provisioning profile identifier",
    )
    assert found[0].head.id == "b-canonical"
    assert found[0].head.weight == 40


def test_a_thread_counts_once_however_many_of_its_passages_are_found(build: Build) -> None:
    replies = [
        f"Kettle tunnel drops packets, report {n}: the tunnel of kettle {n} drops them at noon." for n in range(8)
    ]
    found = ranked(
        build([thread("many", "Kettle tunnel drops packets", *replies), thread("one", "Toaster relay", "The relay.")]),
        "kettle tunnel drops packets",
    )
    assert [t.head.id for t in found].count("many") == 1


def test_threads_that_say_the_same_are_shown_once(build: Build) -> None:
    twin = "The grey tunnel sends nothing after the update to the beta although its status says connected all day long"
    found = ranked(
        build(
            [
                thread("first", "Grey tunnel sends nothing", twin, "No idea."),
                thread("second", "Grey tunnel sends nothing!", twin + "!", "Me too."),
                thread("third", "Blue relay", "The blue relay refuses its certificate."),
            ]
        ),
        "grey tunnel connected but sends nothing after beta update",
    )
    assert sum(t.head.id in ("first", "second") for t in found) == 1
    assert any(t.head.id == "third" for t in found)


@pytest.mark.parametrize(
    "text",
    ["sourdough starter does not rise in winter", "which visa do I need for Portugal", "iptables NAT on Ubuntu 22.04"],
)
def test_no_thread_is_likely_for_what_is_somebody_elses(snapshot: Snapshot, text: str) -> None:
    assert [t.head.title for t in ranked(snapshot, text) if t.likely] == []


def test_scores_lie_between_0_and_1_and_fall(snapshot: Snapshot) -> None:
    for text in ("code 8 hotspot", "x", "content filter " * 400, "日本語"):
        scores = [t.score for t in ranked(snapshot, text, 20)]
        assert all(0 <= s <= 1 for s in scores)
        assert scores == sorted(scores, reverse=True)


def test_what_links_to_an_address_is_named_and_the_document_there_is_not(build: Build) -> None:
    kettle = thread("kettle", "Kettle filter", KETTLE)
    pointing = thread("pointing", "Toaster filter", "Read the kettle's thread.", links=(kettle.url,))
    snapshot = build([kettle, pointing, thread("other", "Blue relay", "The blue relay refuses its certificate.")])
    assert kettle.url is not None
    assert [h.id for h in snapshot.linked_from(kettle.url)] == ["pointing"]


def head(id: str, **more: object) -> Head:
    plain = Head(id, id, None, "thread", False, False, None, None, None, "test", "", None)
    return plain._replace(**more)  # type: ignore[arg-type]


def test_standing_is_bounded_and_each_part_of_it_counts() -> None:
    heads = [
        head("plain"),
        head("accepted", accepted=True),
        head("apple", apple_replied=True),
        head("canonical", weight=31),
        head("most", weight=10**6, accepted=True, apple_replied=True, updated="2026-03-01"),
        head("old", updated="2012-03-01"),
        head("odd", updated="some day"),
    ]
    standing = standings(np.array([lift_of(h) for h in heads]), np.array([day_of(h) for h in heads]))
    found = dict(zip((h.id for h in heads), standing.tolist(), strict=True))
    assert found["accepted"] == found["apple"] == ANSWERED
    assert found["canonical"] == pytest.approx(CANONICAL)
    assert found["most"] == pytest.approx(ANSWERED + CANONICAL)
    assert -OUTDATED <= found["old"] < -0.9 * OUTDATED
    assert found["plain"] == found["odd"] == 0
