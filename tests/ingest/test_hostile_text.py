"""Text made to hurt: reading and cutting it takes a time that grows with its length alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from ingest.addresses import thread_id
from ingest.captures import Capture
from ingest.chunking import document_passages
from ingest.parsing.markdown import tidy
from ingest.parsing.post_links import links_of
from ingest.parsing.signature import signature
from ingest.reading import LONGEST_LINE, read_capture
from ingest.sources import source_named
from kb.documents import Document, Post
from tests.ingest.pages import HOST, Thread, discourse_topic, read
from tests.ingest.pages import Post as PagePost


def passages(text: str) -> object:
    posts = (Post("question", text), Post("reply", text))
    return document_passages(Document("t", "test", "thread", "T", posts), lambda piece: len(piece) // 4)


READERS: dict[str, Callable[[str], object]] = {
    "passages": passages,
    "signature": signature,
    "links": links_of,
    "tidy": tidy,
    "dump": lambda text: read(f"{text}\nTopic: Kettles\nTags: Tea"),
}
LENGTH = 60_000
ALLOWED = 5.0  # seconds; what is quadratic takes a minute and more
RUNS = (
    *(
        "```a\n",
        "````\n```a\n",
        "```\n",
        "` ",
        "\n",
        " ",
        " \n",
        ">",
        ">\n",
        "> a\n\n",
        "\n--\n",
        "\n---\nab",
        "-\na, ",
    ),
    *("share and enjoy ", "share and enjoy\n", "let my email = x\n", "let myEmail = ", "best regards ", "thanks ", "!"),
    *("[", "[a](", "[a](http://x(", "[[a]", "](", "http://", "http://.", '. "', "a ", "1  ", "| ", "```", "\n_", "\\_"),
    *("Posts under a tag\n", "Topic:\n", "1\n", "now\n"),
)
ENDS = ("", " x", "\n" * 9 + "x")


@pytest.mark.slow
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("run", RUNS)
def test_a_run_of_anything_is_read_in_time(read: Callable[[str], object], run: str) -> None:
    started = time.perf_counter()
    for end in ENDS:
        read(f"It fails. thanks{run * (LENGTH // len(run))}{end}")
    assert time.perf_counter() - started < ALLOWED


@pytest.mark.parametrize("end", ["\n" * 200 + "ab" + "\n" * 100, "\n" * 299 + "a", " \n" * 280 + "ab", "ab, " * 140])
def test_a_sign_off_among_empty_lines_is_looked_for_in_time(end: str) -> None:
    started = time.perf_counter()
    signature("\n" * 250 + "---" + end)
    assert time.perf_counter() - started < ALLOWED / 5


def test_a_dump_of_headers_alone_is_read_in_time() -> None:
    started = time.perf_counter()
    assert read(f"Post\n{'a ' * 41}\n" * 20_000 + "Topic: Kettles\nTags: Tea").kind == "text_dump_B"
    assert time.perf_counter() - started < ALLOWED * 2


@pytest.mark.slow
def test_a_page_of_fences_that_nothing_closes_is_read_and_cut_in_time() -> None:
    thread = Thread(question=PagePost(1, f"<p>{'```a<br>' * 30_000}</p>", question=True))
    document = read(thread.html(), thread.address).parts[0].document
    started = time.perf_counter()
    assert passages(document.posts[0].body)
    assert time.perf_counter() - started < ALLOWED


def test_a_page_that_states_a_title_of_megabytes_is_no_more_than_its_text() -> None:
    """A title stands before each passage: with four hundred posts a megabyte of it would be four hundred."""
    html = Thread(
        number=5,
        title="K" * 1_000_000,
        question=PagePost(1, "<p>The kettle joins twice.</p>", "p" * 5000, question=True),
    ).html()
    (part,) = read_capture(Capture("file:x", "file", "2026-03-01T00:00:00+00:00", html.encode())).parts
    assert len(part.document.title) == len(part.document.posts[0].author or "") == LONGEST_LINE
    passages = document_passages(part.document, lambda text: len(text.split()))
    assert sum(len(p.embedded) for p in passages) < 10_000


@pytest.mark.parametrize("digits", [16, 400, 100_000])
def test_a_number_that_no_thread_has_is_none(digits: int) -> None:
    address = f"{HOST}/forums/thread/{'9' * digits}"
    assert thread_id(address) is None
    assert not source_named("tag").owns(address)
    topic = discourse_topic(1) | {"id": int("9" * min(digits, 4000))}
    page = read_capture(
        Capture("https://forums.swift.org/t/1.json", "x", "2026-03-01T00:00:00+00:00", json.dumps(topic).encode())
    )
    assert page.parts == ()
