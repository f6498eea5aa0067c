"""Text made to hurt: reading it takes a time that grows with its length alone, and no letter of it breaks anything."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kb.asking import ask, readable
from kb.composing import composed
from kb.documents import fold
from kb.home import shipped_data
from kb.lexical import terms
from kb.signals import SignalTables, read_signals
from kb.signals.compiling import compile_tables
from kb.signals.glossary import in_english
from kb.signals.log import condense
from kb.snapshot import Snapshot

TABLES = SignalTables.from_json(compile_tables(shipped_data()))
READERS = {
    "signals": lambda text: read_signals(text, TABLES),
    "condense": condense,
    "terms": terms,
    "fold": fold,
    "composed": composed,
}
LENGTH = 20_000
ALLOWED = 5.0  # seconds; what is quadratic takes minutes
RUNS = (
    *(
        "0",
        "code:",
        "code#",
        "code(",
        "status ",
        "sonoma ",
        "high ",
        "iOS 1",
        "1.",
        "0x",
        "-1",
        "a.",
        "_",
        "NE",
        "[",
        "{",
    ),
    *('"domain":', "Error Domain=", "error ", "Aa", "iPhone ", "ipa", "\n", " ", "\u0301\u0316", "é", "错误", "код "),
    *("com.a.", "(", "10.1", "nw_a", ". ", "\n\n1"),
)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("run", RUNS)
def test_a_run_of_anything_is_read_in_time(read: Callable[[str], object], run: str) -> None:
    text = f"code {run * (LENGTH // len(run))}"
    started = time.perf_counter()
    read(text)
    assert time.perf_counter() - started < ALLOWED


@pytest.mark.parametrize("of", ["code {}", "NEVPNErrorDomain {}", "iOS {}.1", "NE{}Provider", "com.a{}.b"])
def test_a_list_of_anything_is_read_in_time(of: str) -> None:
    text = " ".join(map(of.format, range(9_000)))[:59_000]
    assert min(_spent(text) for _ in range(3)) < 0.6  # twice as long or more where each is compared with all before


def _spent(text: str) -> float:
    started = time.process_time()
    read_signals(text, TABLES)
    return time.process_time() - started


def test_a_text_of_another_language_is_read_in_time() -> None:
    started = time.perf_counter()
    in_english("не работает " * (LENGTH // 12), TABLES.glossary)
    assert time.perf_counter() - started < ALLOWED


def test_a_letter_keeps_the_marks_that_a_language_gives_it() -> None:
    assert composed("a\u0301\u0323 tie\u0302\u0301ng") == "\u1ea1\u0301 ti\u1ebfng"
    assert len(composed("a" + "\u0316" * 1_000)) == 31


@pytest.mark.parametrize("text", ["code 8 hotspot \udcff", "\ud800 NEVPNErrorDomain 5"])
def test_half_of_a_surrogate_pair_is_replaced(snapshot: Snapshot, text: str) -> None:
    assert readable(text).encode()
    assert ask(text, snapshot, given={"os": "iOS 18 \udcff"}).signals


@pytest.mark.slow
def test_a_long_paste_is_cut_between_words() -> None:
    cut = 40_000
    for text in ("Error Domain=NEFilterErrorDomain Code=12", "crash on iOS 18.2"):
        for before in range(1, len(text), 7):
            found = read_signals("x " * ((cut - before) // 2) + text + " y" * 20_000, TABLES)
            assert {s.value for s in found} <= {"NEFilterErrorDomain 12", "NEFilterErrorDomain", "iOS 18.2", "iOS"}


def test_an_answer_carries_a_bounded_number_of_signals() -> None:
    found = read_signals(" ".join(f"FB{n}" for n in range(10_000_000, 10_003_000)), TABLES)
    assert len(found) == 100


def test_frames_alone_are_not_nothing() -> None:
    assert "NetworkExtension" in condense("0   NetworkExtension  0x00018f5 foo + 12\n" * 20)
