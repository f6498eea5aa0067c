"""A second forum, as one file: Discourse's JSON gives the same documents as Apple's pages do."""

from __future__ import annotations

import pytest

from ingest.sources import source_of
from tests.ingest.pages import discourse_list, discourse_topic, read

TOPIC = "https://forums.swift.org/t/4242"


def test_a_topic_is_a_thread_with_its_accepted_answer_and_nobody_of_apples() -> None:
    parsed = read(discourse_topic(), f"{TOPIC}.json")
    assert parsed.problems == ()
    document = parsed.parts[0].document
    assert (document.id, document.url, document.tags) == ("swift-4242", TOPIC, ("networking", "sockets"))
    assert [(p.kind, p.accepted, p.apple) for p in document.posts] == [
        ("question", False, False), ("reply", True, False), ("reply", False, False),
    ]  # fmt: skip
    assert document.posts[0].body == "Post 1 says `send()`."
    assert document.replies is not None
    assert document.replies.low == 2


def test_a_long_topic_leads_to_its_next_page_and_the_last_to_none() -> None:
    first = read(discourse_topic(posts=20, total=25), f"{TOPIC}.json")
    assert (first.next_page, first.parts[0].part, first.parts[0].pages) == (f"{TOPIC}.json?page=2", "page:1", 2)
    last = read(discourse_topic(posts=5, total=25, page=2), f"{TOPIC}.json?page=2")
    assert (last.next_page, last.parts[0].part) == (None, "page:2")


def test_the_second_page_of_a_list_is_its_page_1() -> None:
    parsed = read(
        discourse_list([1, 2], "/tag/networking?no_definitions=true&page=1"),
        "https://forums.swift.org/tag/networking.json",
    )
    assert [r.address for r in parsed.rows] == ["https://forums.swift.org/t/1", "https://forums.swift.org/t/2"]
    assert parsed.next_page == "https://forums.swift.org/tag/networking.json?page=1"


@pytest.mark.parametrize(
    ("address", "request_"),
    [
        ("https://forums.swift.org/t/some-slug/4242/7?u=me", f"{TOPIC}.json"),
        ("https://forums.swift.org/t/4242.json", f"{TOPIC}.json"),
        ("https://forums.swift.org/c/development/5", "https://forums.swift.org/c/development/5.json"),
    ],
)
def test_the_address_of_a_browser_becomes_that_of_the_json(address: str, request_: str) -> None:
    assert source_of(address).name == "discourse"
    assert source_of(address).request(address) == request_


@pytest.mark.parametrize("key", sorted(discourse_topic()))
@pytest.mark.parametrize(
    "value", [None, 3, "x", [], [3], {}, {"stream": 3, "posts": 3}, {"stream": [1], "posts": [{}, 3]}]
)
def test_any_part_of_another_type_is_survived(key: str, value: object) -> None:
    parsed = read(discourse_topic() | {key: value}, f"{TOPIC}.json")
    assert parsed.parts or parsed.broken or parsed.kind == "unknown"
    assert not any("parser failed" in p.what for p in parsed.problems)
