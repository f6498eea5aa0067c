"""A thread's page: who said what, which layer knew it, and what only the site's own marks may say."""

from __future__ import annotations

import time

import pytest

from ingest.parsing.page import ParsedPage
from kb.documents import Document
from tests.ingest.pages import CODE, TABLE, Post, Thread, page, read


def document(parsed: ParsedPage) -> Document:
    (part,) = parsed.parts
    return part.document


def test_a_thread_is_read_from_its_data_attributes() -> None:
    parsed = read(Thread().html(), Thread().address)
    assert parsed.kind == "thread"
    assert parsed.problems == ()
    found = document(parsed)
    assert (found.id, found.title, found.topic) == ("thread-800001", "Purple tunnel goes quiet", "Networking")
    assert found.url == "https://developer.apple.com/forums/thread/800001"
    assert found.tags == ("Network Extension",)
    assert [(p.kind, p.author, p.apple, p.accepted) for p in found.posts] == [
        ("question", "teapot", False, False),
        ("reply", "teapot", False, False),
        ("reply", "DTS Engineer", True, True),
    ]
    assert found.posts[0].created == "2026-01-01T00:00:00+00:00"
    assert found.replies is not None
    assert found.views is not None
    assert (found.replies.low, found.views.low) == (2, 3050)
    layers = {f.name: f.layer for f in parsed.fields}
    assert (layers["post"], layers["author"], layers["created"], layers["replies"]) == ("data", "data", "data", "class")


def test_code_tables_lists_quotes_links_and_pictures_survive_as_markdown() -> None:
    body = (
        f"<p>Look:</p>{CODE}{TABLE}<blockquote><p>said before</p></blockquote>"
        "<ul><li>one<ul><li>inner</li></ul></li></ul><ol><li>first</li></ol>"
        '<p><a href="/forums/thread/4743">a thread</a> <img src="/forums/content/attachment/u" alt="shot"></p>'
        '<p><a href="javascript:alert(1)">trap</a></p>'
    )
    thread = Thread(question=Post(1, body, question=True))
    text = document(read(thread.html(), thread.address)).posts[0].body
    assert "```swift\nlet tunnel = Tunnel()\n\n\n    tunnel.start()\n```" in text
    assert "| Case | Code |\n| --- | --- |\n| a\\|b | 8 |" in text
    assert "> said before" in text
    assert "- one\n  - inner" in text
    assert "1. first" in text
    assert "[a thread](https://developer.apple.com/forums/thread/4743)" in text
    assert "![shot](https://developer.apple.com/forums/content/attachment/u)" in text
    assert "javascript" not in text
    assert "trap" in text


def test_links_between_documents_are_kept_in_one_spelling() -> None:
    body = '<p>See <a href="https://forums.developer.apple.com/thread/4743">this old one, and read all of it</a>.</p>'
    thread = Thread(question=Post(1, body, question=True))
    assert document(read(thread.html(), thread.address)).links == ("https://developer.apple.com/forums/thread/4743",)


@pytest.mark.parametrize("author", ["Apple", "DTS Engineer", "eskimo"])
def test_no_name_and_no_text_makes_anybody_apples(author: str) -> None:
    reply = Post(2, "<p>I am from Apple. <span class='top-answer-badge solved'></span></p>", author, hour=1)
    trap = '<p data-author-apple-employee="true">I am the DTS engineer, believe me or not.</p>'
    thread = Thread(replies=[reply, Post(3, trap, "spout", hour=2)])
    found = document(read(thread.html(), thread.address))
    assert not found.apple_replied
    assert not found.accepted


def test_a_role_account_without_the_mark_is_drift() -> None:
    html = Thread().html().replace("data-author-apple-employee", "data-author-staff")
    parsed = read(html, Thread().address)
    assert not parsed.sound
    assert any("DTS Engineer is not marked" in p.what for p in parsed.problems)


def test_without_data_attributes_nothing_is_accepted_apples_or_dated() -> None:
    html = Thread().html()
    for name in ("post-id", "post-type", "authorname", "timestamp", "author-apple-employee", "action"):
        html = html.replace(f"data-{name}", f"data-x{name}")
    parsed = read(html, Thread().address)
    found = document(parsed)
    assert not parsed.sound
    assert [p.body[:10] for p in found.posts] == ["The purple", "Does it wa", "Wake it in"]
    assert not any(p.apple or p.accepted or p.created for p in found.posts)


def test_without_any_known_mark_the_shape_still_gives_the_words_and_says_that_it_drifted() -> None:
    html = Thread().html()
    for old, new in (("data-", "x-"), ("content-post", "cp"), ("post-content", "pc"), ("post-title", "pt")):
        html = html.replace(old, new)
    parsed = read(html, Thread().address)
    assert parsed.kind == "thread"
    assert not parsed.sound
    assert any("shape" in p.what for p in parsed.problems)


def test_an_unverified_host_is_read_and_none_of_its_marks_are_believed() -> None:
    html = (
        Thread()
        .html()
        .replace('href="/forums/thread/800001"', 'href="https://developer.xtlsbot.ru/forums/thread/800001"')
    )
    found = document(read(html))
    assert found.source == "unverified host"
    assert found.url is None
    assert not found.apple_replied
    assert not found.accepted


BARE = Thread().html().replace('<link rel="canonical" href="/forums/thread/800001">', "")


@pytest.mark.parametrize(
    ("place", "link", "number"),
    [
        ("</section>", "/forums/thread/800001?answerId=3#3", "800001"),
        ("</section>", "/forums/thread/777?answerId=123022#123022", None),
        ("</section>", "/forums/thread/777?answerId=#3", None),
        ("</p></div>", "https://developer.apple.com/forums/thread/777?answerId=3", None),
        ("</section>", "https://elsewhere.example/forums/thread/777?answerId=3", None),
    ],
    ids=["of its own", "of another's post", "of none", "inside a post", "of another host"],
)
def test_a_page_without_an_address_is_the_thread_that_its_own_links_name(
    place: str, link: str, number: str | None
) -> None:
    found = document(read(BARE.replace(place, f'<a href="{link}">a link</a>{place}', 1)))
    assert found.url == (f"https://developer.apple.com/forums/thread/{number}" if number else None)
    assert found.id.startswith(f"thread-{number}" if number else "page-")


def test_pages_of_a_long_thread_lead_on_and_do_not_look_for_counters() -> None:
    first = read(Thread(pages=2, stated=40).html(), Thread().address)
    assert first.next_page == "https://developer.apple.com/forums/thread/800001?page=2"
    second = Thread(page=2, pages=2)
    parsed = read(second.html(), second.address)
    assert parsed.sound
    assert parsed.next_page is None
    assert parsed.parts[0].part == "page:2"
    assert "replies" not in parsed.fields.by_name


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda t: t.html().replace("Purple tunnel goes quiet", ""), "no title"),
        (lambda t: Thread(stated=9).html(), "states 9 replies"),
        (lambda t: t.html().replace('data-post-id="3"', 'data-post-id="2"'), "same id"),
        (lambda t: t.html().replace("ANSWER", "QUESTION"), "3 questions"),
    ],
)
def test_a_broken_invariant_is_said_and_the_page_is_not_believed(change, what: str) -> None:  # type: ignore[no-untyped-def]
    parsed = read(change(Thread()), Thread().address)
    assert parsed.broken
    assert any(what in p.what for p in parsed.problems)


def test_a_time_out_of_all_bounds_is_no_time() -> None:
    html = Thread().html().replace("1767225600000", "99999999999999")
    assert document(read(html, Thread().address)).posts[0].created is None


def test_the_person_who_signs_for_a_role_account_is_kept_apart_from_the_author() -> None:
    body = "<p>Do this.</p><p>—<br>Quill the Kettle<br>DTS Engineer</p>"
    thread = Thread(replies=[Post(2, body, "DTS Engineer", True, hour=1)])
    reply = document(read(thread.html(), thread.address)).posts[1]
    assert (reply.author, reply.signature) == ("DTS Engineer", "Quill the Kettle")


def test_the_fingerprint_leaves_out_what_people_write() -> None:
    plain = read(Thread().html(), Thread().address).fingerprint
    own = Post(1, f"<p class='odd'>The purple tunnel {CODE} <b data-mine='1'>is quiet</b></p>", question=True)
    assert read(Thread(question=own).html(), Thread().address).fingerprint == plain


def test_deep_nesting_loses_no_word() -> None:
    thread = Thread(question=Post(1, "<div>" * 500 + "<p>deep words</p>" + "</div>" * 500, question=True))
    assert "deep words" in document(read(thread.html(), thread.address)).posts[0].body
    assert page(thread.html()).soup.select_one("section") is not None


def test_a_page_of_thousands_of_posts_is_broken_and_soon_done() -> None:
    began = time.monotonic()
    parsed = read("<html><body><h1>t</h1>" + "<p data-post-id=1>a" * 20_000, Thread().address)
    assert (parsed.kind, parsed.broken, parsed.parts) == ("thread", True, ())
    assert time.monotonic() - began < 20, "a second or two on a quiet machine"


def test_fences_that_nothing_closes_are_soon_done() -> None:
    fences = "<br>".join("`" * n for n in range(900, 3, -1))
    thread = Thread(question=Post(1, f"{fences}<p>{'x y ' * 90_000}</p>", question=True))
    began = time.monotonic()
    assert read(thread.html(), thread.address).sound
    assert time.monotonic() - began < 10, "a second or two on a quiet machine"
