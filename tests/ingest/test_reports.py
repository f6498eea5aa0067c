"""Reports of runs that were made together: each source's is its own, and the whole counts nothing twice."""

from __future__ import annotations

from pathlib import Path

from ingest.crawling import fetch_source
from ingest.settling import IngestReport, together
from ingest.sources.source import Pace
from ingest.standing import standing
from tests.ingest import replay as faults
from tests.ingest.pages import HOST
from tests.ingest.replay import Replay

FIRST = "/forums/thread/800001"
TOPIC = "https://forums.swift.org/t/42"


def test_each_source_of_a_run_is_told_of_by_itself(tmp_path: Path, server: Replay) -> None:
    server.forum.fault(FIRST, faults.gate)
    report = fetch_source(tmp_path, None, [HOST + FIRST, TOPIC], make_fetcher=server.make)
    assert (report.outcome, report.new) == ("stopped", 1)
    outcomes = {s["source"]: s["outcome"] for s in standing(tmp_path)["sources"] if s["outcome"]}
    assert outcomes == {"tag": "stopped", "discourse": "ok"}


def test_what_waits_is_that_of_all_sources_of_the_run(tmp_path: Path, server: Replay) -> None:
    server.pace = Pace(0, 0, 5, 10_000)
    report = fetch_source(tmp_path, None, [f"{HOST}/forums/tags/networkextension", TOPIC], make_fetcher=server.make)
    waiting = {s["source"]: s["waiting"] for s in standing(tmp_path)["sources"]}
    assert waiting["tag"] > 0
    assert report.waiting == sum(waiting.values())


def test_what_is_folded_is_counted_once_and_every_reason_to_stop_is_told() -> None:
    first = IngestReport(new=2, folded=3, warnings=["a", "b"], stopped="the gate")
    second = IngestReport(new=1, folded=4, warnings=["b", "c"], stopped="no network")
    assert together([first, IngestReport(), second]) == IngestReport(
        new=3, folded=4, warnings=["a", "b", "c"], stopped="the gate; no network"
    )
