"""A question is read by two threads; processes and threads may ask side by side."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from kb.asking import ask
from kb.snapshot import Snapshot


def _asks(snapshot: Snapshot) -> None:
    found = ask("code 8 hotspot", snapshot).guidance[0].id
    sys.exit(0 if found == "hotspot-internal-error-8" else 1)


@pytest.mark.skipif(sys.platform != "linux", reason="servers fork on Linux alone")
def test_a_process_forked_after_a_question_answers(snapshot: Snapshot) -> None:
    ask("code 8 hotspot", snapshot)  # the threads that read beside the encoder are running now
    child = multiprocessing.get_context("fork").Process(target=_asks, args=(snapshot,))
    child.start()
    child.join(30)
    child.kill()
    assert child.exitcode == 0


def test_many_threads_get_the_answers_that_one_gets(snapshot: Snapshot) -> None:
    asked = [
        "code 8 hotspot",
        "VPN drops when the screen locks",
        "content filter TestFlight",
        "SELECT * FROM users",
    ] * 8
    alone = {query: ask(query, snapshot).guidance for query in set(asked)}
    with ThreadPoolExecutor(8) as pool:
        for query, answer in zip(asked, pool.map(lambda q: ask(q, snapshot), asked), strict=True):
            assert answer.guidance == alone[query]
