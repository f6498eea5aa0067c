"""A listing: every row once, whatever the layer that found it, and never an empty list in silence."""

from __future__ import annotations

import pytest

from tests.ingest.pages import HOST, Row, listing, read, rows

TAG = f"{HOST}/forums/tags/networkextension"


def test_every_row_is_a_part_of_its_thread_and_leads_to_it() -> None:
    parsed = read(listing(rows(20), next_page=2), TAG)
    assert (parsed.kind, parsed.problems) == ("tag", ())
    assert len(parsed.parts) == len(parsed.rows) == 20, "the copy for small screens counts once"
    document = parsed.parts[0].document
    assert (document.id, document.title) == ("thread-800001", "Kettle number 800001 joins twice")
    assert document.tags == ("Wi-Fi", "Network Extension")
    assert document.replies is not None
    assert (document.replies.raw, document.activity, document.topic) == ("3", "1w", "Networking")
    assert parsed.rows[0].address == f"{HOST}/forums/thread/800001"
    assert parsed.next_page == f"{TAG}?page=2"
    assert not document.accepted


def test_a_rows_key_moves_when_something_happens_in_its_thread() -> None:
    before = read(listing([Row(1, replies="3")]), TAG).rows[0]
    again = read(listing([Row(1, replies="3")]), TAG).rows[0]
    after = read(listing([Row(1, replies="4")]), TAG).rows[0]
    assert before == again
    assert before.key != after.key


def test_a_reply_in_a_search_is_not_the_question() -> None:
    parsed = read(listing([Row(7, "Kettle", reply_to=635938), Row(8)]), f"{HOST}/forums/search?q=kettle")
    assert parsed.kind == "search"
    assert [p.part for p in parsed.parts] == ["listing-reply", "listing"]
    assert parsed.parts[0].document.title == "Kettle"
    assert parsed.parts[0].document.posts[0].kind == "reply"


def test_changed_class_names_still_give_the_rows_and_say_that_the_page_drifted() -> None:
    html = listing(rows(20))
    for name in ("article-entry", "content-list-wrapper", "excerpt", "article-stats", "timestamp"):
        html = html.replace(name, f"x{name[::-1]}")
    parsed = read(html, TAG)
    assert len(parsed.rows) == 20
    assert not parsed.sound
    assert all(p.document.posts and p.document.replies for p in parsed.parts)


def test_a_first_page_with_few_rows_and_a_next_page_is_not_believed() -> None:
    assert read(listing(rows(4), next_page=2), TAG).broken
    assert read(listing(rows(4)), TAG).sound, "a tag may have few threads"


@pytest.mark.parametrize(
    "html", [listing([]), listing([]).replace("desktop-view", ""), "<html><body><p>x</p></body></html>"]
)
def test_a_listing_without_rows_is_broken_and_never_an_empty_list(html: str) -> None:
    assert read(html, TAG).broken


def test_a_next_page_of_another_listing_or_an_earlier_one_is_not_followed() -> None:
    for href in ("/forums/tags/wifi?page=2", "https://evil.example/?page=2", "?page=1", "javascript:x"):
        assert read(listing(rows(20), next_page=2).replace("?page=2", href), TAG).next_page is None
