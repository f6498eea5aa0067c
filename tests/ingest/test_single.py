"""One page, fetched for a question about it: what it says is kept, and what rests is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.crawling import fetch_source
from ingest.single import fetch_page
from ingest.store import Store
from kb.errors import NekbError
from tests.ingest import replay as faults
from tests.ingest.pages import GATE_PAGE, HOST
from tests.ingest.replay import Replay

PATH = "/forums/thread/800001"
ADDRESS = HOST + PATH


def refused(home: Path, server: Replay, address: str = ADDRESS) -> str:
    with pytest.raises(NekbError) as caught:
        fetch_page(home, address, server.make)
    assert "save them" in caught.value.remedy
    return str(caught.value)


def test_a_page_is_kept_and_read_again_where_it_has_not_changed(tmp_path: Path, server: Replay) -> None:
    first = fetch_page(tmp_path, ADDRESS, server.make)
    assert [p.document.title for p in first.parts] == ["Kettle number 0 joins twice"]
    assert fetch_page(tmp_path, ADDRESS, server.make).parts == first.parts
    assert "if-none-match" in server.forum.log[-1][1]
    with Store(tmp_path) as store:
        assert [d.url for d in store.documents()] == [ADDRESS]


def test_a_page_that_is_there_again_as_it_was_counts_again(tmp_path: Path, server: Replay) -> None:
    fetch_page(tmp_path, ADDRESS, server.make)
    with Store(tmp_path) as store:
        assert store.withdraw(ADDRESS) == 1
    assert fetch_page(tmp_path, ADDRESS, server.make).parts
    assert "if-none-match" in server.forum.log[-1][1]
    with Store(tmp_path) as store:
        assert [d.url for d in store.documents()] == [ADDRESS]


@pytest.mark.parametrize("gate", [faults.gate, faults.html(GATE_PAGE), faults.status(403)])
def test_a_host_that_asked_for_a_human_is_not_asked_again_by_any_path(
    tmp_path: Path, server: Replay, gate: faults.Fault
) -> None:
    server.forum.fault(PATH, gate)
    refused(tmp_path, server)
    asked = len(server.forum.log)
    for address in (ADDRESS, f"{HOST}/forums/thread/800002", f"{HOST}/forums/tags/rssFeed/networkextension"):
        assert "is closed to nekb" in refused(tmp_path, server, address)
    for report in (
        fetch_source(tmp_path, "tag", (), make_fetcher=server.make),
        fetch_source(tmp_path, None, [ADDRESS], make_fetcher=server.make),
    ):
        assert "is closed to nekb" in (report.stopped or "")
    assert len(server.forum.log) == asked


def test_a_host_that_a_run_found_closed_is_closed_to_a_single_page_too(tmp_path: Path, server: Replay) -> None:
    server.forum.fault("/forums/tags/networkextension", faults.gate)
    fetch_source(tmp_path, "tag", (), make_fetcher=server.make)
    asked = len(server.forum.log)
    assert "is closed to nekb" in refused(tmp_path, server)
    assert len(server.forum.log) == asked


@pytest.mark.parametrize(
    "faults_of_it", [(faults.status(429, retry_after="3600"),), (faults.reset,) * 3, (faults.status(418),)]
)
def test_an_address_that_failed_rests_until_its_time_has_come(
    tmp_path: Path, server: Replay, faults_of_it: tuple[faults.Fault, ...]
) -> None:
    server.forum.fault(PATH, *faults_of_it)
    refused(tmp_path, server)
    asked = len(server.forum.log)
    assert "is not asked before" in refused(tmp_path, server)
    report = fetch_source(tmp_path, None, [ADDRESS], make_fetcher=server.make)
    assert any("is not asked before" in line for line in report.warnings)
    assert len(server.forum.log) == asked
    with Store(tmp_path) as store:
        store.db.execute("update addresses set retry_at = '2026-01-01T00:00:00+00:00'")
    assert fetch_page(tmp_path, ADDRESS, server.make).kind == "thread"


def test_an_address_that_a_run_was_told_to_leave_alone_is_left_alone(tmp_path: Path, server: Replay) -> None:
    server.forum.fault(PATH, faults.status(503, retry_after="7200"))
    fetch_source(tmp_path, None, [ADDRESS], make_fetcher=server.make)
    asked = len(server.forum.log)
    assert "is not asked before" in refused(tmp_path, server)
    assert len(server.forum.log) == asked
