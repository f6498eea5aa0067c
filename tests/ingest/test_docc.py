"""Apple's documentation: as JSON with its tables, as the Markdown beside it, as a browser saved it."""

from __future__ import annotations

import json
import re

import pytest

from ingest.parsing.docc import DoccText, documentation_address, documentation_id
from tests.ingest.pages import DOCC_MARKDOWN, HOST, docc, read

TECHNOTE = f"{HOST}/documentation/technotes/tn9134-kettle-deployment"
DATA = f"{HOST}/tutorials/data/documentation/technotes/tn9134-kettle-deployment.json"


def test_a_technote_keeps_its_tables_code_lists_asides_and_links() -> None:
    parsed = read(docc(), DATA)
    assert parsed.problems == ()
    (part,) = parsed.parts
    document = part.document
    assert (document.kind, document.url, document.title) == ("technote", TECHNOTE, "TN9134: Kettle deployment")
    text = document.posts[0].body
    assert "| Provider | iOS \\| iPadOS |\n| --- | --- |\n| Tunnel | `appex` |" in text
    assert "```swift\nlet kettle = 1\n\nkettle.boil()\n```" in text
    assert "- First point\n- Second point" in text
    assert "> **Important**: Hot." in text
    assert f"[NEKettle]({HOST}/documentation/networkextension/kettle)" in text
    assert document.links == (f"{HOST}/documentation/networkextension/kettle",)
    assert document.apple_replied


def test_the_revision_is_the_latest_date_of_the_history_and_of_nothing_else() -> None:
    assert read(docc(), DATA).parts[0].document.updated == "2026-01-12"


def test_a_node_of_an_unknown_kind_is_read_through_and_told() -> None:
    parsed = read(docc(), DATA)
    assert "Seen through." in parsed.parts[0].document.posts[0].body
    assert "unknown node 'hologram'" in parsed.notes


def test_pages_it_lists_are_rows() -> None:
    assert [r.address for r in read(docc(), DATA).rows] == [f"{HOST}/documentation/networkextension/kettle"]


@pytest.mark.parametrize(
    "damage",
    [
        {"primaryContentSections": [], "abstract": [], "topicSections": []},
        {"metadata": {}},
        {"identifier": {"url": "doc://x/other"}, "metadata": {"title": "T"}},
    ],
)
def test_a_page_without_title_text_or_address_is_broken(damage: dict[str, object]) -> None:
    assert read(docc(**damage)).broken


@pytest.mark.parametrize("key", sorted(docc()))
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [None], [[1]], {"title": 3}])
def test_any_part_of_another_type_is_survived(key: str, value: object) -> None:
    parsed = read(docc(**{key: value}), DATA)
    assert parsed.parts or parsed.broken or parsed.kind == "unknown"
    assert not any("parser failed" in p.what for p in parsed.problems)


def test_the_markdown_sibling_is_the_same_page_with_its_links_resolved() -> None:
    parsed = read(DOCC_MARKDOWN, f"{HOST}/documentation/networkextension/kettle.md")
    document = parsed.parts[0].document
    assert (document.id, document.title) == ("doc-networkextension.kettle", "Kettle")
    assert f"]({TECHNOTE})" in document.posts[0].body
    assert "| a | 8 |" in document.posts[0].body


def test_a_page_that_a_browser_saved_is_read_without_its_menus() -> None:
    html = (
        f"<html><head><link rel=canonical href='{TECHNOTE}'></head><body><nav>Menu of all</nav><main>"
        "<div class='documentation-hero'><h1>TN9134: Kettle deployment</h1></div><div class='doc-content'>"
        "<h2>Where</h2><p>Kettles live in an app extension, always.</p></div></main></body></html>"
    )
    document = read(html).parts[0].document
    assert document.url == TECHNOTE
    assert "Kettles live" in document.posts[0].body
    assert "Menu" not in document.posts[0].body


def test_an_empty_shell_that_needs_javascript_is_not_a_page() -> None:
    shell = (
        f"<html><head><link rel=canonical href='{TECHNOTE}'></head><body>This page requires JavaScript.</body></html>"
    )
    parsed = read(shell)
    assert not parsed.parts
    assert parsed.kind == "unknown" or parsed.broken


def test_a_large_not_found_page_in_place_of_the_json_is_no_documentation() -> None:
    parsed = read("<html><head><title>Page Not Found</title></head><body>" + "<p>x</p>" * 9000 + "</body></html>", DATA)
    assert not parsed.parts


def test_nodes_nested_absurdly_deep_are_survived() -> None:
    node: dict[str, object] = {"type": "paragraph", "inlineContent": [{"type": "text", "text": "deep"}]}
    for _ in range(300):
        node = {"type": "aside", "content": [node]}
    parsed = read(json.dumps(docc(primaryContentSections=[{"kind": "content", "content": [node]}])), DATA)
    assert parsed.parts


def test_pages_whose_paths_differ_in_signs_alone_are_two_and_plain_ones_keep_a_plain_id() -> None:
    under = f"{HOST}/documentation/networkextension/kettleerror"
    operators = {documentation_id(f"{under}/{sign}(_:_:)") for sign in ("==", "!=")}
    assert len(operators) == 2
    assert all(re.fullmatch(r"doc-networkextension\.kettleerror\._-[0-9a-f]{8}", id) for id in operators)
    assert documentation_id(f"{under}/code_8-swift.enum") == "doc-networkextension.kettleerror.code_8-swift.enum"


def test_a_path_that_is_no_address_leads_nowhere() -> None:
    assert documentation_address("http://[x") is None


@pytest.mark.parametrize(("start", "first"), [(7, "7. x"), (10**40, "1. x"), (-3, "1. x"), (None, "1. x")])
def test_a_list_begins_with_a_number_of_a_few_digits(start: int | None, first: str) -> None:
    item = {"content": [{"type": "paragraph", "inlineContent": [{"type": "text", "text": "x"}]}]}
    assert DoccText({}).blocks([{"type": "orderedList", "start": start, "items": [item]}]) == first
