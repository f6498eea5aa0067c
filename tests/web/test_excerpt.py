"""A report gets the lines that matter, whatever stands around them."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from api.web.excerpt import CUT, LONGEST, excerpt


def test_of_a_long_log_the_lines_around_the_error_stay() -> None:
    noise = [f"10:11:12 App[512] tick {n}" for n in range(2_000)]
    text = "\n".join([*noise[:900], "apply failed: NEVPNErrorDomain Code=5", *noise[900:], "iOS 26.1 on an iPhone"])
    lines = excerpt(text, ["NEVPNErrorDomain Code=5", "iOS 26.1"]).split("\n")
    assert "apply failed: NEVPNErrorDomain Code=5" in lines
    assert {noise[896], noise[899], noise[900]} <= set(lines)
    assert lines[0] == CUT
    assert lines[-1] == "iOS 26.1 on an iPhone"
    assert lines.count(CUT) == 2


def test_what_stands_in_every_line_is_not_looked_for_in_all_of_them() -> None:
    """Two megabytes of one line again and again took three seconds."""
    text = "iOS 17\n" * 300_000
    started = time.process_time()
    assert excerpt(text, ["iOS 17"] * 40).count("iOS 17") > 100
    assert time.process_time() - started < 1


@given(st.lists(st.text(max_size=900), max_size=60), st.lists(st.text(max_size=20), max_size=5))
def test_it_is_never_long_and_never_empty_for_nothing(parts: list[str], read: list[str]) -> None:
    text = "\n".join(parts)
    shown = excerpt(text, read)
    assert len(shown) <= LONGEST + len(text.split("\n")) * (len(CUT) + 1)
    assert [line for line in shown.split("\n") if line != CUT] or not text
