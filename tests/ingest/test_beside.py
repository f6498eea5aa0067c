"""Work beside a build: its result or its error is to be had, and a process that ends does not wait for it."""

from __future__ import annotations

import subprocess
import sys
from threading import Event

import pytest

from ingest.build.beside import beside


def test_the_result_and_the_error_are_those_of_the_work() -> None:
    assert beside(lambda: 6 * 7).result() == 42
    with pytest.raises(ZeroDivisionError):
        beside(lambda: 1 // 0).result()


def test_it_goes_on_while_others_work() -> None:
    end = Event()
    waits = beside(lambda: end.wait(60))
    assert not waits.done()
    end.set()
    assert waits.result(60)


@pytest.mark.slow
def test_a_command_that_is_stopped_while_torch_works_beside_it_ends_with_130() -> None:
    code = """
import time
from threading import Event
import torch
from api.cli import main
from ingest.build import build
from ingest.build.beside import beside

begun = Event()

def train():
    weights = torch.randn(60, 60, requires_grad=True)
    while True:
        (weights @ weights).sum().backward()
        begun.set()

def stopped(_):
    beside(train)
    begun.wait()
    raise KeyboardInterrupt

main._run = stopped
main.main([])
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "nekb: stopped.\n")


def test_a_process_ends_without_waiting_for_it() -> None:
    code = "import time; from ingest.build.beside import beside; beside(lambda: time.sleep(60)); raise SystemExit(3)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 3
