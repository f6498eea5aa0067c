"""The age that a list shows: the span of time it stands for, whatever the forum's way of rounding is."""

from __future__ import annotations

import datetime as dt

import pytest

from kb.activity import Span, activity_span

SHOWN = "2026-03-18T10:00:00+00:00"


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("now", "2026-03-18T09:59:00+00:00", SHOWN), ("10m", "2026-03-18T09:49:00+00:00", "2026-03-18T09:51:00+00:00"),
        ("6h", "2026-03-18T03:00:00+00:00", "2026-03-18T05:00:00+00:00"), ("1d", "2026-03-16T10:00:00+00:00", SHOWN),
        ("2w", "2026-02-25T10:00:00+00:00", "2026-03-11T10:00:00+00:00"),
        ("1mo", "2026-01-15T10:00:00+00:00", SHOWN), ("2y", "2023-03-16T10:00:00+00:00", "2025-03-17T10:00:00+00:00"),
        ("Mar ’26", "2026-03-01T00:00:00+00:00", SHOWN),
        ("Dec '25", "2025-12-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"),
    ],
)  # fmt: skip
def test_a_label_stands_for_a_span_of_time_before_it_was_shown(label: str, first: str, last: str) -> None:
    assert activity_span(label, SHOWN) == Span(first, last)


@pytest.mark.parametrize("label", ["", "soon", "2026-03-18", "1w (as of 2026-03-18)", "Apr '26", "Mar 99999"])
def test_what_is_no_age_or_lies_ahead_stands_for_nothing(label: str) -> None:
    assert activity_span(label, SHOWN) is None


def test_a_label_of_which_only_the_day_is_known_may_be_of_any_hour_of_it() -> None:
    assert activity_span("6h", "2026-03-18") == Span("2026-03-17T17:00:00+00:00", "2026-03-18T19:00:00+00:00")


def test_labels_of_the_same_moment_meet_whenever_they_are_shown() -> None:
    happened = dt.datetime(2026, 3, 18, 10, tzinfo=dt.UTC)
    units = (("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400))
    spans = []
    for minutes in (5, 50, 95, 600, 2000, 4000, 9000, 20_000, 30_000):
        name, size = [u for u in units if minutes * 60 >= u[1]][-1]
        shown = (happened + dt.timedelta(minutes=minutes)).isoformat()
        spans += [activity_span(f"{n}{name}", shown) for n in {minutes * 60 // size, round(minutes * 60 / size)}]
    spans.append(activity_span("Mar ’26", "2026-05-02T00:00:00+00:00"))
    assert all(one and other and one.meets(other) for one in spans for other in spans)


def test_labels_of_different_days_do_not_meet() -> None:
    monday, friday = activity_span("1d", "2026-03-16"), activity_span("2h", "2026-03-20")
    assert monday
    assert friday
    assert not monday.meets(friday)
