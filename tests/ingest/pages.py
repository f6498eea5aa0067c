# ruff: noqa: E501 - markup reads better unbroken
"""Pages of our own words, in the structure that the forum, its feeds and Apple's documentation are known to have."""

from __future__ import annotations

import json
import plistlib
from dataclasses import dataclass, field
from email.message import EmailMessage
from html import escape
from typing import Any

from ingest.captures import Capture
from ingest.parsing.page import Page, ParsedPage
from ingest.reading import read_capture

TAKEN = "2026-03-18T10:00:00+00:00"
HOST = "https://developer.apple.com"
CODE = "<pre><code class='language-swift'>let tunnel = Tunnel()\n\n\n    tunnel.start()\n</code></pre>"
TABLE = "<table><tr><th>Case</th><th>Code</th></tr><tr><td>a|b</td><td>8</td></tr></table>"


@dataclass
class Post:
    """One post of a thread's page."""

    id: int
    body: str
    author: str = "teapot"
    apple: bool | None = None
    accepted: bool = False
    hour: int = 0
    question: bool = False

    def html(self) -> str:
        """Its section."""
        mark = "" if self.apple is None else f' data-author-apple-employee="{str(self.apple).lower()}"'
        badge = '<span class="top-answer-badge solved"></span>' if self.accepted else ""
        kind = "question" if self.question else "answer"
        moment = 1_767_225_600_000 + self.hour * 3_600_000
        return (
            f'<section class="content-post {kind}" data-post-id="{self.id}" data-post-type="{kind.upper()}"'
            f' data-authorname="{escape(self.author)}" data-author-link="/forums/profile/x" data-timestamp="{moment}">'
            f'<a data-action="author-name" href="/forums/profile/x"{mark}>{escape(self.author)}</a>{badge}'
            f'<div data-action="content-post-body-content" class="post-content">{self.body}</div>%META%</section>'
        )


@dataclass
class Thread:
    """A thread's page."""

    number: int = 800001
    title: str = "Purple tunnel goes quiet"
    question: Post = field(
        default_factory=lambda: Post(1, "<p>The purple tunnel carries nothing after the cat sleeps.</p>", question=True)
    )
    replies: list[Post] = field(
        default_factory=lambda: [
            Post(2, "<p>Does it wake when you poke it, by any chance?</p>", hour=1),
            Post(3, "<p>Wake it in <code>wake()</code>, then start again.</p>", "DTS Engineer", True, True, hour=2),
        ]
    )
    page: int = 1
    pages: int = 1
    stated: int | None = None

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{HOST}/forums/thread/{self.number}" + (f"?page={self.page}" if self.page > 1 else "")

    def html(self) -> str:
        """The page."""
        stated = len(self.replies) if self.stated is None else self.stated
        infos = (("Replies", str(stated)), ("Boosts", "1"), ("Views", "3.1k"))
        meta = "".join(f'<div class="post-info"><span class="post-info-title">{n}</span>{v}</div>' for n, v in infos)
        meta = f'<div class="content-post-metadata">{meta}</div>'
        question = self.question.html().replace("%META%", meta) if self.page == 1 else ""
        answers = "".join(r.html().replace("%META%", "") for r in self.replies)
        more = f'<a class="next-page" href="?page={self.page + 1}">Next</a>' if self.page < self.pages else ""
        return (
            f'<!doctype html><html><head><meta charset="utf-8"><title>{escape(self.title)} | Forum</title>'
            f'<link rel="canonical" href="/forums/thread/{self.number}"></head><body><div class="thread-container">'
            f'<a class="topic">App &amp; System Services</a><a class="subtopic">Networking</a>'
            f'<a class="tag">Network Extension</a><h1 data-action="post-title" class="post-header-title">'
            f'{escape(self.title)}</h1>{question}<div class="answers">{answers}</div>'
            f'<nav class="pagination" data-current-page="{self.page}" data-total-pages="{self.pages}"></nav>{more}'
            "</div></body></html>"
        )


@dataclass
class Row:
    """One row of a listing."""

    number: int
    title: str = ""
    replies: str = "3"
    activity: str = "1w"
    reply_to: int | None = None

    def html(self) -> str:
        """Its article."""
        title = self.title or f"Kettle number {self.number} joins twice"
        href = f"/forums/thread/{self.number}" + (
            f"?answerId={self.reply_to}022#{self.reply_to}022" if self.reply_to else ""
        )
        name = (
            f'<span class="reply-title">Reply to {escape(title)}</span>'
            if self.reply_to
            else f'<span class="underline">{escape(title)}</span>'
        )
        css = ' class="reply-title"' if self.reply_to else ""
        return (
            f'<article class="article-entry" value="{self.number}"><a data-action="post-title"{css} href="{href}">{name}</a>'
            f'<div class="excerpt">The kettle of row {self.number} joins, leaves and joins again within ten seconds.</div>'
            '<a class="topic">App &amp; System Services</a><a class="subtopic">Networking</a><a class="tag">Wi-Fi</a>'
            f'<div class="article-stats"><span class="replies">{self.replies}</span><span class="votes">1</span>'
            f'<span class="views">3.1k</span><span class="timestamp">{self.activity}</span></div>'
            '<i class="action-icons answered"></i></article>'
        )


def listing(rows: list[Row], *, next_page: int | None = None, slug: str = "networkextension") -> str:
    """A tag's page, with the second copy of its list for small screens."""
    body = "".join(row.html() for row in rows)
    more = f'<a class="next-page" href="?page={next_page}">Next</a>' if next_page else ""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><link rel="canonical" href="/forums/tags/{slug}"></head><body>'
        "<h1>Network Extension</h1><p>Posts under Network Extension tag</p>"
        f'<div class="content-list-wrapper desktop-view">{body}</div>'
        f'<div class="content-list-wrapper mobile-view">{body}</div>{more}</body></html>'
    )


def rows(count: int, first: int = 800001) -> list[Row]:
    """Rows with numbers one after another."""
    return [Row(first + at) for at in range(count)]


GATE_PAGE = "<html><head><title>Verify you are human</title></head><body><form action='/forums/verify-human/go'></form></body></html>"


def feed(count: int = 3, first: int = 800001) -> str:
    """A tag's feed."""
    items = "".join(
        f"<item><title>Kettle number {first + n} joins twice</title><link>{HOST}/forums/thread/{first + n}</link>"
        f"<content:encoded><![CDATA[<p>The kettle of row {first + n} joins, leaves and joins again...</p>]]></content:encoded>"
        f"<pubDate>Tue, 17 Mar 2026 10:0{n % 10}:00 GMT</pubDate><author>teapot-{n}</author></item>"
        for n in range(count)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>Tag</title><link>{HOST}/forums/tags/networkextension</link><description>d</description>{items}"
        "</channel></rss>"
    )


def docc(path: str = "technotes/tn9134-kettle-deployment", **more: Any) -> dict[str, Any]:
    """A technote as DocC JSON, with a table."""

    def words(text: str) -> list[dict[str, Any]]:
        return [{"type": "text", "text": text}]

    def paragraph(text: str) -> dict[str, Any]:
        return {"type": "paragraph", "inlineContent": words(text)}

    identifier = "doc://com.apple.documentation/documentation/networkextension/kettle"
    content = [
        {"type": "heading", "level": 2, "text": "Where a kettle may live", "anchor": "where"},
        {"type": "paragraph", "inlineContent": [*words("See "), {"type": "reference", "identifier": identifier}, *words(".")]},
        {"type": "table", "header": "row", "rows": [
            [[paragraph("Provider")], [paragraph("iOS | iPadOS")]],
            [[paragraph("Tunnel")], [{"type": "paragraph", "inlineContent": [{"type": "codeVoice", "code": "appex"}]}]],
        ]},
        {"type": "codeListing", "syntax": "swift", "code": ["let kettle = 1", "", "kettle.boil()"]},
        {"type": "unorderedList", "items": [{"content": [paragraph("First point")]}, {"content": [paragraph("Second point")]}]},
        {"type": "aside", "style": "important", "content": [paragraph("Hot.")]},
        {"type": "hologram", "content": [paragraph("Seen through.")]},
        {"type": "heading", "level": 2, "text": "Revision History", "anchor": "revision"},
        {"type": "unorderedList", "items": [{"content": [paragraph("2026-01-12 Added kettles")]}, {"content": [paragraph("2025-03-02 First published")]}]},
    ]  # fmt: skip
    page: dict[str, Any] = {
        "identifier": {"url": f"doc://com.apple.documentation/documentation/{path}", "interfaceLanguage": "swift"},
        "kind": "article",
        "metadata": {"title": "TN9134: Kettle deployment", "role": "article", "platforms": [{"name": "iOS", "introducedAt": "26.0"}]},
        "abstract": words("Where kettles may be deployed; written on 2031-01-01 or so."),
        "primaryContentSections": [{"kind": "content", "content": content}],
        "topicSections": [{"title": "Kettles", "identifiers": [identifier]}],
        "references": {
            identifier: {"title": "NEKettle", "url": "/documentation/networkextension/kettle", "type": "topic",
                         "abstract": words("A kettle on the network.")},
        },
        "schemaVersion": {"major": 0, "minor": 3, "patch": 0},
    }  # fmt: skip
    return page | more


DOCC_MARKDOWN = """<!--
{"title": "Kettle", "identifier": "/documentation/networkextension/kettle", "framework": "networkextension"}
-->

# Kettle

A kettle. See <doc://com.apple.documentation/documentation/technotes/tn9134-kettle-deployment> for where it may live.

| Case | Code |
| --- | --- |
| a | 8 |
"""


def discourse_topic(number: int = 4242, posts: int = 3, total: int | None = None, page: int = 1) -> dict[str, Any]:
    """A page of a Discourse topic."""
    ids = [number * 100 + n for n in range(1, (total or posts) + 1)]
    first = (page - 1) * 20
    return {
        "id": number, "title": "Sockets in a kettle", "posts_count": total or posts, "views": 120, "like_count": 4,
        "tags": ["networking", {"id": 3, "name": "sockets"}], "last_posted_at": "2026-02-03T04:05:06.000Z",
        "post_stream": {
            "stream": ids,
            "posts": [
                {"id": ids[first + n], "post_number": first + n + 1, "username": f"cup{n}", "post_type": 1,
                 "created_at": f"2026-02-0{1 + n % 9}T04:05:06.000Z",
                 "cooked": f"<p>Post {first + n + 1} says <code>send()</code>.</p>", "accepted_answer": n == 1}
                for n in range(posts)
            ],
        },
    }  # fmt: skip


def discourse_list(numbers: list[int], more: str | None = None) -> dict[str, Any]:
    """A page of a Discourse list."""
    topics = [{"id": n, "title": f"Topic {n}", "posts_count": 3, "bumped_at": "2026-02-03T00:00:00Z"} for n in numbers]
    return {"topic_list": {"topics": topics} | ({"more_topics_url": more} if more else {})}


DUMP_B = """Pinned: an index of our own for testing that goes on for a good while, so that it counts as a post of its own.
It has two paragraphs.

Network Extension
RSS for tagA line that describes the tag.
Posts under Network Extension tag
200 Posts
Post
Replies
Boosts
Views
Activity
My packet tunnel works all day, then the Mac sleeps and the purple tunnel carries nothing.

I expected it to reconnect by itself. What do I miss?
Topic:
App & System Services
SubTopic:
Networking
Tags:
Network Extension
VPN
We apply a configuration for the kettle's network and the phone joins twice.
Topic: App & System Services SubTopic
SubTopic: Networking
Tags: Wi-Fi, Network Extension
"""


def mhtml(html: str, address: str) -> bytes:
    """A page as Chrome saves it."""
    message = EmailMessage()
    message["From"] = "<Saved by Blink>"
    message["Snapshot-Content-Location"] = address
    message["Subject"] = "a page"
    message["Date"] = "Tue, 17 Mar 2026 12:00:00 +0200"
    message["MIME-Version"] = "1.0"
    message.make_related()
    part = EmailMessage()
    part.set_content(html, subtype="html", charset="utf-8", cte="quoted-printable")
    part["Content-Location"] = address
    message.attach(part)
    return message.as_bytes()


def web_archive(html: str, address: str) -> bytes:
    """A page as Safari saves it."""
    main = {
        "WebResourceData": html.encode(), "WebResourceURL": address, "WebResourceMIMEType": "text/html",
        "WebResourceTextEncodingName": "UTF-8",
    }  # fmt: skip
    return plistlib.dumps({"WebMainResource": main}, fmt=plistlib.FMT_BINARY)


def single_file(html: str, address: str) -> str:
    """A page as SingleFile saves it: a comment, and its pictures inside."""
    picture = f'<img src="data:image/png;base64,{"A" * 5000}">'
    return html.replace(
        "<head>", f"<!--\n Page saved with SingleFile \n url: {address} \n saved date: x\n--><head>"
    ).replace("<body>", f"<body>{picture}")


def page(body: str | bytes | dict[str, Any], address: str | None = None, *, name: str = "page") -> Page:
    """A capture of it, opened."""
    from ingest.parsing.opening import open_capture

    return open_capture(capture(body, address, name=name))


def capture(
    body: str | bytes | dict[str, Any], address: str | None = None, *, name: str = "page", taken: str = TAKEN
) -> Capture:
    """A capture of it; without an address, a saved file."""
    raw = json.dumps(body) if isinstance(body, dict) else body
    return Capture(address or f"file:{name}", "test", taken, raw.encode() if isinstance(raw, str) else raw)


def read(body: str | bytes | dict[str, Any], address: str | None = None, *, name: str = "page") -> ParsedPage:
    """A capture of it, read."""
    return read_capture(capture(body, address, name=name))
