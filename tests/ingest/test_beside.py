"""Work beside a build: its result or its error is to be had, and a process that ends does not wait for it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from ingest.build.beside import beside


def test_the_result_and_the_error_are_those_of_the_work() -> None:
    assert beside(lambda: 6 * 7).result() == 42
    with pytest.raises(ZeroDivisionError):
        beside(lambda: 1 // 0).result()


def test_it_goes_on_while_others_work() -> None:
    begun = time.monotonic()
    slow = beside(lambda: time.sleep(0.3))
    assert time.monotonic() - begun < 0.2
    assert slow.result() is None
    assert time.monotonic() - begun >= 0.3


def test_a_process_ends_without_waiting_for_it() -> None:
    code = "import time; from ingest.build.beside import beside; beside(lambda: time.sleep(60)); raise SystemExit(3)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 3
