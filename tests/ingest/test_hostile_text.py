"""Text made to hurt: reading and cutting it takes a time that grows with its length alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ingest.chunking import document_passages
from ingest.parsing.markdown import tidy
from ingest.parsing.post_links import links_of
from ingest.parsing.signature import signature
from kb.documents import Document, Post
from tests.ingest.pages import Post as PagePost
from tests.ingest.pages import Thread, read


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
