"""Filters of a search: which day a document is of, and that none is made up."""

from __future__ import annotations

import pytest

from kb.activity import last_day
from kb.documents import Head
from kb.filters import Filters


def head(activity: str | None, updated: str | None = None) -> Head:
    captured = "2026-11-29"
    return Head("t", "T", None, "thread", False, False, activity, captured, None, "forum", "", updated)


@pytest.mark.parametrize(
    ("activity", "day"),
    [
        ("Mar \u201926 (as of 2026-11-29)", "2026-03-31"),
        ("Nov '26 (as of 2026-11-29)", "2026-11-29"),
        ("September 2025", "2025-09-30"),
        ("1w (as of 2026-11-29)", "2026-11-22"),
        ("2 mo (as of 2026-11-29)", "2026-09-28"),
        ("1y (as of 2026-11-29)", "2025-11-28"),
        ("6h (as of 2026-11-29)", "2026-11-29"),
        ("5m (as of 2026-11-29)", "2026-11-29"),
        ("now (as of 2026-11-29)", "2026-11-29"),
        ("2026-03-18", "2026-03-18"),
        *(
            (raw, None)
            for raw in ("1w", "Zzz '26", "Mar 0000", "999y (as of 0500-01-01)", "soon", "1w (as of 2026-99-99)")
        ),
    ],
)
def test_an_activity_stands_for_a_day(activity: str, day: str | None) -> None:
    assert last_day(activity) == day


def test_since_leaves_out_what_is_older_and_what_is_of_no_known_day() -> None:
    recent = Filters(since="2026-11-20")
    assert recent.keep(head(None, updated="2026-11-20"))
    assert recent.keep(head("1w (as of 2026-11-29)"))
    assert not recent.keep(head("Mar \u201926 (as of 2026-11-29)"))
    assert not recent.keep(head("2026-11-19", updated="2026-11-19"))
    assert not recent.keep(head(None)), "the day of its capture is not its own"
    assert Filters().keep(head(None))
