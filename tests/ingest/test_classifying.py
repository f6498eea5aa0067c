"""What a page is comes first; one that is nothing known is unknown, with a word on why."""

from __future__ import annotations

import json

import pytest

from ingest.reading import EMPTY_KINDS
from tests.conftest import PAGES
from tests.ingest.pages import (
    DOCC_MARKDOWN,
    DUMP_B,
    GATE_PAGE,
    HOST,
    Thread,
    discourse_list,
    discourse_topic,
    docc,
    feed,
    listing,
    read,
    rows,
)

DUMP_A = (PAGES / "tag-page.txt").read_text(encoding="utf-8")
TAG = f"{HOST}/forums/tags/networkextension"


@pytest.mark.parametrize(
    ("body", "address", "kind"),
    [
        (Thread().html(), None, "thread"),
        (Thread().html(), Thread().address, "thread"),
        (listing(rows(12)), None, "tag"),
        (listing(rows(12)).replace("Extension tag", "subtopic"), f"{HOST}/forums/topics/a/b", "topic"),
        (listing(rows(12)), f"{HOST}/forums/search?q=x", "search"),
        ("<html><body><div id='topics-data'>{}</div></body></html>", None, "topic_index"),
        (feed(), None, "feed"),
        (f"\ufeff<!-- saved -->\n{feed()}", None, "feed"),
        (json.dumps(docc()), None, "documentation"),
        (DOCC_MARKDOWN, None, "documentation"),
        (json.dumps(discourse_topic()), None, "discourse_topic"),
        (json.dumps(discourse_list([1])), None, "discourse_list"),
        (DUMP_A, None, "text_dump_A"),
        (DUMP_B, None, "text_dump_B"),
        (GATE_PAGE, Thread().address, "gate"),
        ("<html><body>Please verify you are human.</body></html>", Thread().address, "gate"),
        ("<html><body><form><input type='password'></form></body></html>", Thread().address, "login"),
        ("<html><head><title>Page Not Found</title></head><body>x</body></html>", Thread().address, "not_found"),
        ("", None, "unknown"),
        ("%PDF-1.7 \x00\x01", None, "unknown"),
        ("just a note", None, "unknown"),
        ("[1, 2]", None, "unknown"),
        ("{}", None, "unknown"),
        ('{"post_stream": 3, "id": 1}', None, "unknown"),
        ("<html><body><p>A shop of kettles.</p></body></html>", None, "unknown"),
    ],
)  # fmt: skip
def test_a_page_is_known_for_what_it_is(body: str, address: str | None, kind: str) -> None:
    parsed = read(body, address)
    assert parsed.kind == kind
    assert bool(parsed.parts or parsed.rows) != (kind in EMPTY_KINDS)


def test_a_thread_about_a_host_that_was_not_found_is_a_thread_all_the_same() -> None:
    thread = Thread(title="404: host not found behind the purple tunnel")
    assert read(thread.html(), thread.address).kind == "thread"
    drifted = thread.html().replace("content-post", "cp").replace("data-post-id", "x")
    assert read(drifted, thread.address).kind == "thread"


@pytest.mark.parametrize(
    "hostile",
    ["<?xml?>" * 800, "<!--" * 1000, "<link " * 20_000, "<base href" * 9000, "<" * 50_000, "[" * 50_000, "{" * 50_000,
     "`" * 50_000, "MIME-Version:" * 2000, "X:\n" * 5000, "<!--{" + "}" * 50_000, "<p>" + "\n" * 50_000],
)  # fmt: skip
def test_text_made_to_be_slow_is_read_at_once(hostile: str) -> None:
    import time

    began = time.process_time()
    read(hostile)
    read(hostile, Thread().address)
    assert time.process_time() - began < 5
