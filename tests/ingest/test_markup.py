"""Questions to a tree of HTML, whatever it is like."""

from __future__ import annotations

import time

from ingest.parsing.markup import outermost, parse_markup


def test_the_outermost_are_those_within_no_other_in_their_order() -> None:
    soup = parse_markup("<p id=a><b id=b><i id=c></i></b></p><div><p id=d></p></div><p id=e><u><b id=f></b></u></p>")
    assert [e["id"] for e in outermost(soup.select("p, b, i"))] == ["a", "d", "e"]
    assert [e["id"] for e in outermost(soup.select("b, i"))] == ["b", "f"]


def test_thousands_within_each_other_are_looked_at_once() -> None:
    elements = parse_markup("<section>" * 6_000).select("section")
    assert len(elements) == 6_000
    started = time.process_time()
    assert outermost(elements) == elements[:1]
    assert time.process_time() - started < 0.5
