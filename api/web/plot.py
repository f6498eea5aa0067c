"""Answers over time as bars: geometry for a template, which writes it as SVG."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from api.records.gaps import Day

WIDTH, HEIGHT = 720, 200
_LEFT, _BOTTOM, _TOP = 36, 24, 10
OUTCOMES = ("answered", "uncertain", "no_match")


@dataclass(frozen=True)
class Bar:
    """A part of a day's bar, in the drawing's units."""

    outcome: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Plot:
    """Bars stacked by outcome, with the days and the counts that the axes name."""

    bars: tuple[Bar, ...]
    days: tuple[tuple[float, str], ...]
    counts: tuple[tuple[float, int], ...]


def plot(by_day: Sequence[Day]) -> Plot | None:
    """The plot of these days, days without a question between them included; None where there are none."""
    if not by_day:
        return None
    days = _every_day(by_day)
    most = max(d.answered + d.uncertain + d.no_match for d in days)
    step = (WIDTH - _LEFT) / len(days)
    scale = (HEIGHT - _BOTTOM - _TOP) / most
    bars = []
    for at, day in enumerate(days):
        y = float(HEIGHT - _BOTTOM)
        for outcome in OUTCOMES:
            count = getattr(day, outcome)
            y -= count * scale
            if count:
                title = f"{day.day}: {count} {outcome.replace('_', ' ')}"
                width = min(step * 0.8, 40)
                bars.append(
                    Bar(outcome, _LEFT + at * step, round(y, 1), round(width, 1), round(count * scale, 1), title)
                )
    every = max(1, len(days) // 6)
    named = tuple((_LEFT + at * step, d.day[5:]) for at, d in enumerate(days) if at % every == 0)
    counts = tuple((HEIGHT - _BOTTOM - c * scale, c) for c in sorted({0, most // 2, most}))
    return Plot(tuple(bars), named, counts)


def _every_day(by_day: Sequence[Day]) -> list[Day]:
    known = {d.day: d for d in by_day}
    first, last = (dt.date.fromisoformat(by_day[at].day) for at in (0, -1))
    days = [(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    return [known.get(day, Day(day, 0, 0, 0)) for day in days]
