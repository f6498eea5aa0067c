"""Documents: when something was last said in them, and what counts as a change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kb.documents import Count, Document, Post


def document(created: str | None, activity: str | None, captured: str = "2026-11-30") -> Document:
    post = Post("question", "The kettle joins twice.", created=created)
    return Document("d", "forum", "thread", "T", (post,), activity=activity, captured=captured)


@pytest.mark.parametrize(
    ("created", "activity", "shown", "day"),
    [
        ("2024-03-17T10:00:00+00:00", "1d", "1d (as of 2026-11-30)", "2026-11-28"),
        ("2024-03-17T10:00:00+00:00", "Oct ’26", "Oct ’26 (as of 2026-11-30)", "2026-10-01"),
        ("2026-11-29T10:00:00+00:00", "1d", "2026-11-29", "2026-11-29"),
        ("2026-11-29T10:00:00+00:00", "2w", "2026-11-29", "2026-11-29"),
        ("2026-11-29T10:00:00+00:00", None, "2026-11-29", "2026-11-29"),
        ("2026-11-29T10:00:00+00:00", "1w (as of 2026-12-24)", "2026-11-29", "2026-11-29"),
        (None, "1w", "1w (as of 2026-11-30)", "2026-11-16"),
        (None, "1w (as of 2026-03-18)", "1w (as of 2026-03-18)", None),
        (None, None, None, None),
    ],
)
def test_the_last_activity_is_that_of_the_list_where_it_is_later_than_every_post_held(
    created: str | None, activity: str | None, shown: str | None, day: str | None
) -> None:
    held = document(created, activity)
    assert (held.shown_activity, held.day) == (shown, day)


def test_views_and_the_day_of_the_capture_change_nothing_and_replies_do() -> None:
    held = document(None, "1d")
    looked_at = replace(held, captured="2026-12-01", views=Count("812", 812, 812))
    assert looked_at.content_hash == held.content_hash
    assert replace(held, replies=Count("4", 4, 4)).content_hash != held.content_hash


def test_a_document_that_an_earlier_version_stored_is_read() -> None:
    """It says more, of which nothing was ever asked."""
    held = document(None, "1d")
    assert Document.from_json(held.to_json() | {"layers": {"title": "data"}}) == held
