"""Texts to take along hold other people's titles as words, whatever reads the Markdown."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from api.web.writing import _link
from kb.answer import Link

READER = MarkdownIt("commonmark")  # one that lets HTML through


@pytest.mark.parametrize(
    "title",
    [
        "<img src=https://evil.example/x>",
        "``<img src=x>`",
        "`a` <b> `c`",
        "\\`<img src=x>`",
        "](https://evil.example) [",
        "![x](https://evil.example/x)",
        "&lt;b&gt;",
        "`Array<Int>` of [Int] is empty",
    ],
)
def test_a_title_is_words_and_one_link(title: str) -> None:
    link = Link(title=title, url="https://developer.apple.com/forums/thread/1")
    inline = READER.parseInline(_link(link))[0].children or []
    assert [t.type for t in inline if t.type not in ("text", "text_special", "code_inline")] == [
        "link_open",
        "link_close",
    ]
    assert inline[0].attrs == {"href": link.url}
    assert "".join(t.content for t in inline).replace("`", "") == title.replace("`", "")
