"""The topics of threads: what the forum files under "Networking" is found by ours; what is not ours has none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.build.inputs import read_catalogue
from ingest.build.topics import Topics
from kb.documents import Document, Post
from kb.home import shipped_data
from kb.snapshot import Snapshot


@pytest.fixture(scope="module")
def topics(snapshot: Snapshot) -> Topics:
    return Topics(snapshot.classifier, snapshot.cards.values(), snapshot.signals)


def _told(topics: Topics, snapshot: Snapshot, document: Document) -> str | None:
    return topics.of(document, snapshot.encoder.encode(f"{document.title}\n{document.posts[0].body}"))


def _thread(title: str, body: str, **other: object) -> Document:
    return replace(Document("thread-1", "tag", "thread", title, (Post("question", body),)), **other)


def test_the_catalogues_threads_get_the_topics_that_a_person_gave_them(topics: Topics, snapshot: Snapshot) -> None:
    known = read_catalogue(shipped_data())
    told = [_told(topics, snapshot, replace(d, topic="Networking")) for d in known]
    right = [t == d.topic for t, d in zip(told, known, strict=True)]
    assert sum(right) >= 16, [d.title for d, ok in zip(known, right, strict=True) if not ok]


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Gradle sync fails", "Android Studio cannot resolve com.squareup.okhttp3 behind our proxy."),
        ("StoreKit receipts", "Product.products(for:) comes back empty for my subscription group."),
        ("Bread", "How long must a sourdough rest before it goes into the oven?"),
    ],
)
def test_what_is_not_ours_has_no_topic(topics: Topics, snapshot: Snapshot, title: str, body: str) -> None:
    assert _told(topics, snapshot, _thread(title, body, topic="Networking")) is None


def test_a_topic_of_ours_is_kept_and_a_page_of_documentation_has_none(topics: Topics, snapshot: Snapshot) -> None:
    tunnel = _thread(
        "VPN stays in reasserting", "After sleep my NEPacketTunnelProvider sets includedRoutes; no traffic."
    )
    assert _told(topics, snapshot, replace(tunnel, topic="relay")) == "relay"
    assert _told(topics, snapshot, tunnel) == "vpn-packet-tunnel"
    assert _told(topics, snapshot, replace(tunnel, kind="documentation")) is None
    assert _told(topics, snapshot, replace(tunnel, posts=(Post("reply", tunnel.posts[0].body),))) is None
