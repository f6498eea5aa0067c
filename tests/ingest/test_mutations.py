"""Pages that are damaged in every way: no crash, no page that is empty in silence, no mark that nobody gave."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st

from ingest.parsing.page import ParsedPage
from ingest.reading import EMPTY_KINDS
from tests.conftest import PAGES
from tests.ingest.cores import on_each_core
from tests.ingest.pages import (
    CODE,
    DOCC_MARKDOWN,
    DUMP_B,
    HOST,
    TABLE,
    Post,
    Thread,
    discourse_list,
    discourse_topic,
    docc,
    feed,
    listing,
    mhtml,
    read,
    rows,
    single_file,
    web_archive,
)

RICH = Thread(
    question=Post(
        1, f"<p>It is <b>quiet</b>.</p>{CODE}{TABLE}<ul><li>a</li></ul><blockquote>q</blockquote>", question=True
    )
)
SEEDS: list[tuple[bytes, str | None]] = [
    (RICH.html().encode(), RICH.address),
    (RICH.html().encode(), None),
    (listing(rows(12), next_page=2).encode(), f"{HOST}/forums/tags/networkextension"),
    (feed(3).encode(), None),
    (json.dumps(docc()).encode(), None),
    (DOCC_MARKDOWN.encode(), f"{HOST}/documentation/networkextension/kettle.md"),
    (json.dumps(discourse_topic()).encode(), None),
    (json.dumps(discourse_list([1, 2, 3])).encode(), None),
    ((PAGES / "tag-page.txt").read_bytes(), None),
    (DUMP_B.encode(), None),
    (mhtml(RICH.html(), RICH.address), None),
    (web_archive(RICH.html(), RICH.address), None),
    (single_file(RICH.html(), RICH.address).encode(), None),
]
TOKENS = re.compile(rb"[\w-]+|[^\w-]")
SNIPPETS = [
    b"<", b">", b"</div>", b"<div>", b'"', b"&#0;", b"\x00", b"\xff\xfe", b"<pre>", b"<table><td>", b"<!--", b"]]>",
    b"{", b"[", b"\\", b"\n\n", b"```",
    b"9" * 30, b"<soup>", b"<h9999>", b"<svg><title>", "’\u2028\ud7ff".encode(), b"https://[::1",
    b"%%%", b"null", b"-1", b"<script>", b"<a href='/forums/thread/1'>", b"data-post-id='1'",
    b"<section class='content-post'>",
    b"1e999",
]  # fmt: skip
Mutation = Callable[[bytes, random.Random], bytes]


def _cut(raw: bytes, draw: random.Random) -> bytes:
    return raw[: draw.randrange(len(raw) + 1)]


def _drop(raw: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(raw) + 1)
    return raw[:at] + raw[at + draw.randrange(200) :]


def _insert(raw: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(raw) + 1)
    return raw[:at] + draw.choice(SNIPPETS) * draw.choice((1, 1, 1, 3, 100)) + raw[at:]


def _flip(raw: bytes, draw: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(draw.randrange(1, 9) if out else 0):
        out[draw.randrange(len(out))] = draw.randrange(256)
    return bytes(out)


def _rename(raw: bytes, draw: random.Random) -> bytes:
    """Every one of some name becomes another: what a change of the site's looks like."""
    names = sorted({t for t in TOKENS.findall(raw) if len(t) > 3})
    return raw.replace(draw.choice(names), draw.choice((b"x", b"", b"zz-zz", b"7"))) if names else raw


def _swap(raw: bytes, draw: random.Random) -> bytes:
    a, b = sorted(draw.randrange(len(raw) + 1) for _ in range(2))
    return raw[b:] + raw[a:b] + raw[:a]


def _repeat(raw: bytes, draw: random.Random) -> bytes:
    a, b = sorted(draw.randrange(len(raw) + 1) for _ in range(2))
    return raw[:b] + raw[a : min(b, a + 2000)] * draw.choice((1, 2, 20)) + raw[b:]


MUTATIONS: list[Mutation] = [_cut, _drop, _insert, _flip, _rename, _rename, _swap, _repeat]


def mutated(page: int, random_: random.Random, times: int) -> tuple[bytes, str | None]:
    raw, address = SEEDS[page]
    for _ in range(times):
        raw = random_.choice(MUTATIONS)(raw, random_)
    return raw, address


def check(parsed: ParsedPage) -> None:
    """What holds of any page whatever."""
    assert not any("parser failed" in p.what for p in parsed.problems), parsed.problems
    assert parsed.parts or parsed.rows or parsed.broken or parsed.kind in EMPTY_KINDS, "empty in silence"
    fields = parsed.fields.by_name
    for part in parsed.parts:
        document = part.document
        assert document.title
        assert document.id
        assert document.posts or part.part.startswith("listing")
        assert all(post.body.strip() for post in document.posts)
        json.dumps(document.to_json()).encode()
        assert document.url is None or document.url.startswith(
            ("https://developer.apple.com/", "https://forums.swift.org/")
        )
    for name in ("accepted", "apple", "created"):
        layer = fields[name].layer if name in fields else None
        assert layer in (None, "structured", "data"), f"{name} was set by {layer}"
    if any(p.document.accepted for p in parsed.parts):
        assert fields["accepted"].filled


@given(st.integers(0, len(SEEDS) - 1), st.randoms(use_true_random=False), st.integers(1, 6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_page_is_read_or_said_to_be_damaged(page: int, random_: random.Random, times: int) -> None:
    check(read(*mutated(page, random_, times)))


def _ten_thousand_damaged_pages(core: int) -> None:
    @seed(random.getrandbits(64))
    @given(st.integers(0, len(SEEDS) - 1), st.randoms(use_true_random=False), st.integers(1, 8))
    @settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def any_damage(page: int, random_: random.Random, times: int) -> None:
        check(read(*mutated(page, random_, times)))

    random.seed()  # both cores were born of one process
    any_damage()


@pytest.mark.slow
def test_tens_of_thousands_of_damaged_pages() -> None:
    on_each_core(_ten_thousand_damaged_pages)


@given(st.binary(max_size=3000))
@example(b"<soup>x</soup><h1>a</h1><a href='/forums/profile/x'>p</a><div data-post-id=1><soup>y</soup></div>")
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    check(read(raw))
    check(read(raw, Thread().address))


@given(st.text(max_size=2000))
@settings(max_examples=100, deadline=None)
def test_any_text_in_a_post_survives_or_the_page_says_that_it_is_empty(text: str) -> None:
    from html import escape

    thread = Thread(question=Post(1, f"<p>{escape(text)}</p>", question=True))
    parsed = read(thread.html().encode("utf-8", "replace"), thread.address)
    check(parsed)
    words = re.findall(r"[a-zA-Z]{3,}", text)
    assert parsed.broken or all(w in parsed.parts[0].document.posts[0].body for w in words)


KEYS = ["type", "content", "inlineContent", "text", "title", "rows", "items", "code", "identifier"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=30,
)  # fmt: skip
KINDS = [
    "paragraph",
    "table",
    "unorderedList",
    "aside",
    "termList",
    "codeListing",
    "heading",
    "reference",
    "link",
    "image",
    "x",
]


@given(JSON, st.sampled_from(KINDS))
@settings(max_examples=150, deadline=None)
def test_any_node_of_documentation_is_survived(node: object, kind: str) -> None:
    shaped = (node | {"type": kind}) if isinstance(node, dict) else node
    content = [{"kind": "content", "content": [shaped, {"type": "paragraph", "inlineContent": [shaped]}]}]
    check(read(docc(primaryContentSections=content, references={"r": node}, topicSections=node)))
