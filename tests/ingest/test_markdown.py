"""HTML of a post as Markdown: whatever numbers it states, and however much of it there is."""

from __future__ import annotations

import time

import pytest

from ingest.parsing.markdown import MOST, to_markdown
from ingest.parsing.markup import parse_markup


def markdown(html: str) -> str:
    """The Markdown of a piece of HTML."""
    return to_markdown(parse_markup(html))


@pytest.mark.parametrize("number", ["²", "½", "-3", "٣", "9" * 5000, "x", ""])
def test_numbers_that_are_none_are_passed_over(number: str) -> None:
    """A list begins at 1 and a cell spans one column, whatever else their attributes say."""
    assert markdown(f'<ol start="{number}"><li>Wake it</li><li>Fill it</li></ol>') == "1. Wake it\n2. Fill it"
    table = markdown(f'<table><tr><th colspan="{number}">A</th></tr><tr><td colspan="{number}">b</td></tr></table>')
    assert table == "| A |\n| --- |\n| b |"


def test_a_cell_does_not_span_more_columns_than_a_table_has() -> None:
    """Thousands of cells of a thousand columns each would be more text than memory holds."""
    assert markdown("<table><tr><td colspan=2>a</td></tr></table>") == "| a | |\n| --- | --- |"
    assert len(markdown("<table><tr>" + "<td colspan=1000>a</td>" * 1000 + "</tr></table>")) < 20_000


def test_numbers_go_on_over_empty_items_and_lists_inside_lists_have_their_own() -> None:
    html = "<ol start=7><li>a<p>b</p></li><li></li><li>c<ol><li>d</li><li>e<br>f</li></ol></li></ol>"
    assert markdown(html) == "7. a\n\n   b\n9. c\n   1. d\n   2. e\n      f"


def test_line_breaks_of_code_survive_and_comments_do_not() -> None:
    assert markdown("<pre>a<br>b<!-- c --><b>d<br/></b>e</pre>") == "```\na\nbd\ne\n```"


@pytest.mark.parametrize(
    ("around", "each"),
    [("ol", "<li>x</li>\n"), ("ul", "<li>x</li>\n"), ("pre", "x<br>"), ("table", "<tr><td>x</td></tr>")],
)
@pytest.mark.slow
def test_a_post_in_thousands_of_pieces_is_read_in_seconds(around: str, each: str) -> None:
    pieces = MOST // 2 - 10
    began = time.process_time()
    assert markdown(f"<{around}>{each * pieces}</{around}>").count("x") == pieces
    assert time.process_time() - began < 10


@pytest.mark.slow
def test_a_post_in_absurdly_many_pieces_becomes_plain_text() -> None:
    assert markdown("<p>x</p>" * (MOST + 1)).split() == ["x"] * (MOST + 1)
