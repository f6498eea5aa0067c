"""The other text dump: paragraphs, then labels; the labels end an entry."""

from __future__ import annotations

from tests.ingest.pages import DUMP_B, read


def test_every_entry_has_its_paragraphs_topic_and_tags() -> None:
    parsed = read(DUMP_B)
    assert parsed.sound
    pinned, tunnel, kettle = (p.document for p in parsed.parts)
    assert pinned.posts[0].body.endswith("It has two paragraphs.")
    assert tunnel.posts[0].body.startswith("My packet tunnel works all day")
    assert "\n\nI expected it to reconnect" in tunnel.posts[0].body
    assert (tunnel.topic, tunnel.tags) == ("Networking", ("Network Extension",))
    assert kettle.tags == ("Wi-Fi", "Network Extension")


def test_it_says_nothing_of_who_wrote_or_what_was_accepted() -> None:
    for part in read(DUMP_B).parts:
        assert part.part == "dump"
        assert part.document.url is None
        assert not part.document.accepted
        assert not part.document.apple_replied


def test_labels_without_text_are_broken_and_not_an_empty_list() -> None:
    assert read("Topic: a\nSubTopic: b\n").broken
