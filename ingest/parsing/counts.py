"""Counters as the forum's listings show them."""

from __future__ import annotations

import re

from kb.documents import Count

COUNT = re.compile(r"^\d[\d,]{0,14}(?:\.\d{1,3})?[kKmM]?$", re.ASCII)


def parse_count(raw: str) -> Count | None:
    """`3.1k` as the interval 3050 to 3149; None where it is no counter."""
    text = raw.strip()
    if not COUNT.match(text):
        return None
    unit = {"k": 1_000, "m": 1_000_000}.get(text[-1].lower(), 1)
    number = text.rstrip("kKmM").replace(",", "")
    decimals = len(number.partition(".")[2])
    value = float(number) * unit
    if unit == 1:
        return Count(text, int(value), int(value))
    half = unit / 10**decimals / 2
    return Count(text, round(value - half), round(value + half) - 1)
