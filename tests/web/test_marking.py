"""Marks lie where the signals lie, whatever the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.web.marking import marked
from kb.answer import Signal

texts = st.text(max_size=2_000) | st.integers(0, 30).map(lambda n: "line of a log\n" * n * 20)
spans = st.lists(st.tuples(st.integers(-2, 6_000), st.integers(-2, 6_000)), max_size=8)


@given(texts, spans)
def test_the_pieces_are_the_text_with_its_cuts(text: str, found: list[tuple[int, int]]) -> None:
    signals = [Signal(kind="api", value="x", start=a, end=b) for a, b in found]
    at = 0
    for piece in marked(text, signals):
        if piece.left_out:
            assert not piece.text
            at += piece.left_out
            continue
        assert text.startswith(piece.text, at)
        if piece.signal:
            assert (piece.signal.start, piece.signal.end) == (at, at + len(piece.text))
        at += len(piece.text)
    assert at == len(text)


def test_a_long_paste_is_cut_away_from_its_signals() -> None:
    text = "a\n" * 5_000 + "NEVPNManager" + "b\n" * 5_000
    pieces = marked(text, [Signal(kind="api", value="NEVPNManager", start=10_000, end=10_012)])
    assert [bool(p.left_out) for p in pieces] == [True, False, False, False, True]
    assert sum(len(p.text) for p in pieces) < 1_000
