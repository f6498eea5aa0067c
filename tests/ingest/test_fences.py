"""Fenced code: where a block begins and ends, and that nothing of a text is lost in telling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsing.fences import parted


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a\n```swift\nlet b\n```\nc", ["```swift\nlet b\n```"]),
        ("````\n```\nb\n```\n````", ["````\n```\nb\n```\n````"]),
        ("```\na\n`````  \n```\nb\n```", ["```\na\n`````  ", "```\nb\n```"]),
        ("```a\n```b\n```", ["```a\n```b\n```"]),
        ("````\na\n```swift\nb\n```", ["```swift\nb\n```"]),
        ("```\nnothing closes it", []),
        ("```a `b`\nc\n```", []),
        ("see ```\na\n``` there", []),
    ],
)
def test_a_block_ends_at_a_bare_fence_that_is_long_enough(text: str, blocks: list[str]) -> None:
    assert [part for part, code in parted(text) if code] == blocks


@given(st.lists(st.sampled_from(["```", "````", "```a", "``` b`", "x", "", "  "]), max_size=12))
def test_the_parts_are_the_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    parts = list(parted(text))
    assert "".join(part for part, _ in parts) == text
    assert not parts[-1][1]
