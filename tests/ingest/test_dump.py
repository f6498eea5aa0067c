"""A text dump of a listing page: every row becomes a document and nothing is left over."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.captures import Capture
from ingest.parsing.counts import parse_count
from ingest.parsing.dump import is_listing_dump, parse_listing_dump, row_id
from tests.conftest import PAGES


def _capture(text: str) -> Capture:
    return Capture("file:page.txt", "file", "2026-03-18T10:00:00+00:00", text.encode())


def test_every_row_has_title_body_and_counters() -> None:
    text = (PAGES / "tag-page.txt").read_text(encoding="utf-8")
    page = parse_listing_dump(text, _capture(text))
    assert page.tag == "Network Extension"
    assert page.leftover == []
    assert [d.title for d in page.documents] == [
        "Where to begin with filters and tunnels",
        "Purple tunnel goes quiet after the cat sleeps",
        "Accessory network “Kettle-5G” joins twice",
        'System extension named "Blue [beta]" is refused',
    ]
    tunnel = page.documents[1]
    assert tunnel.posts[0].body.startswith("My packet tunnel works all day")
    assert (tunnel.replies, tunnel.boosts, tunnel.activity) == (parse_count("4"), parse_count("1"), "6h")
    assert tunnel.views is not None
    assert (tunnel.views.raw, tunnel.views.low) == ("1,204", 1204)


def test_a_dump_never_says_that_an_answer_was_accepted_or_that_apple_wrote() -> None:
    text = (PAGES / "tag-page.txt").read_text(encoding="utf-8")
    for document in parse_listing_dump(text, _capture(text)).documents:
        assert not document.accepted
        assert not document.apple_replied
        assert document.posts[0].created is None


def test_a_row_keeps_its_identity_when_its_counters_move() -> None:
    text = (PAGES / "tag-page.txt").read_text(encoding="utf-8")
    moved = text.replace("\n4\n1\n1,204\n6h\n", "\n9\n2\n2.4k\n1w\n")
    before = {d.id for d in parse_listing_dump(text, _capture(text)).documents}
    after = {d.id for d in parse_listing_dump(moved, _capture(moved)).documents}
    assert before == after


def test_the_header_word_created_is_a_header_too() -> None:
    text = (PAGES / "tag-page.txt").read_text(encoding="utf-8").replace("\nActivity\n", "\nCreated\n")
    assert len(parse_listing_dump(text, _capture(text)).documents) == 4


@pytest.mark.parametrize(
    ("raw", "low", "high"),
    [
        ("42", 42, 42),
        ("983", 983, 983),
        ("3.1k", 3050, 3149),
        ("3k", 2500, 3499),
        ("1,204", 1204, 1204),
        ("1.2M", 1150000, 1249999),
    ],
)
def test_a_rounded_counter_is_an_interval(raw: str, low: int, high: int) -> None:
    count = parse_count(raw)
    assert count is not None
    assert (count.low, count.high) == (low, high)


@pytest.mark.parametrize("raw", ["", "k", "1d", "-3", "3.1kk", "12 views", "9" * 3000, "9" * 400 + "k"])
def test_what_is_no_counter_is_none(raw: str) -> None:
    assert parse_count(raw) is None


HEADER = "Post\nReplies\nBoosts\nViews\nActivity\n"
LINE = st.text(st.characters(categories=["L", "P", "S"]), min_size=1, max_size=40).map(lambda line: f"a {line}")


@given(st.lists(st.tuples(LINE, LINE), min_size=1, max_size=5))
def test_whatever_rows_say_each_is_a_document(rows: list[tuple[str, str]]) -> None:
    text = HEADER + "".join(f"{title}\n{body}\n4\n1\n1,204\n6h\n" for title, body in rows)
    assert is_listing_dump(text)
    page = parse_listing_dump(text, _capture(text))
    assert [d.title for d in page.documents] == [title for title, _ in rows]
    assert page.leftover == []


@given(st.lists(LINE, max_size=3), st.text())
def test_lines_of_no_row_are_left_over_and_no_text_raises(odd: list[str], text: str) -> None:
    page = parse_listing_dump(f"{HEADER}A title\nA body\n4\n1\n1,204\n6h\n" + "\n".join(odd), _capture(text))
    assert page.leftover == odd
    parse_listing_dump(text, _capture(text))


@given(st.text(min_size=1), st.text(min_size=1))
def test_identity_does_not_depend_on_spacing(title: str, body: str) -> None:
    assert row_id(title, body) == row_id(f" {title}\u00a0", body + " ")


def test_the_real_page_beside_the_checkout(shared: Path) -> None:
    path = shared / "forum" / "network-extension-tag-page.txt"
    text = path.read_text(encoding="utf-8")
    page = parse_listing_dump(text, _capture(text))
    assert len(page.documents) == 19
    assert page.leftover == []
    for document in page.documents:
        assert document.title
        assert document.posts[0].body
        assert None not in (document.replies, document.boosts, document.views, document.activity)
