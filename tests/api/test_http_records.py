"""The records behind the server: it is ready while keys can be read, and votes that wait keep no question waiting."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.http.settings import ServeSettings
from api.records.database import open_database
from api.records.keys import create_key
from tests.api.conftest import Start


def renamed(home: Path, old: str, new: str) -> None:
    with contextlib.closing(sqlite3.connect(home / "records.db")) as db:
        db.execute(f"alter table {old} rename to {new}")
        db.commit()


@pytest.mark.slow
def test_a_server_whose_keys_cannot_be_read_is_not_ready(own_home: Path) -> None:
    client = TestClient(create_app(ServeSettings(own_home, require_keys=True)), base_url="http://127.0.0.1")
    assert client.get("/readyz").json() | {"snapshot": ""} == {
        "ready": True, "snapshot": "", "refused": None, "keys": True
    }  # fmt: skip
    renamed(own_home, "api_keys", "away")
    time.sleep(1.1)  # an outcome holds for a second
    refused = client.get("/readyz")
    assert (refused.status_code, refused.json()["ready"], refused.json()["keys"]) == (503, False, False)
    assert client.get("/v1/guidance", headers={"X-API-Key": "nekb_x"}).status_code == 503
    renamed(own_home, "away", "api_keys")
    time.sleep(1.1)
    assert client.get("/readyz").status_code == 200


@pytest.mark.slow
def test_a_database_that_says_nothing_is_not_waited_for(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(create_app(ServeSettings(own_home, require_keys=True)), base_url="http://127.0.0.1")
    silent = Event()
    monkeypatch.setattr("api.http.readiness.check_keys", lambda _: silent.wait(30))
    for _ in range(2):
        started = time.monotonic()
        assert client.get("/readyz").status_code == 503
        assert time.monotonic() - started < 2
    silent.set()


def test_without_keys_the_records_are_not_asked(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(create_app(ServeSettings(own_home)), base_url="http://127.0.0.1")
    renamed(own_home, "api_keys", "away")
    assert client.get("/readyz").status_code == 200


@pytest.mark.slow
def test_votes_that_wait_for_another_writer_keep_no_question_waiting(serving: Start, own_home: Path) -> None:
    _, secret = create_key(open_database(own_home), "team", ("ask", "feedback"))
    client = serving("--public-name", "nekb.test", "--rate", "1000/minute")
    mine = {"X-API-Key": secret}
    vote = {"query": "code 8 hotspot", "helpful": True}

    def post(path: str, body: dict[str, object]) -> int:
        with httpx.Client(base_url=client.base_url, timeout=60) as each:
            return each.post(path, json=body, headers=mine).status_code

    with contextlib.closing(sqlite3.connect(own_home / "records.db")) as other, ThreadPoolExecutor(50) as pool:
        other.execute("begin immediate")
        votes = [pool.submit(post, "/v1/feedback", vote) for _ in range(50)]
        time.sleep(1)
        started = time.monotonic()
        assert post("/v1/ask", {"query": "code 8 hotspot"}) == 200
        waited = time.monotonic() - started
        assert not any(v.done() for v in votes)
        other.rollback()
        assert {v.result() for v in votes} == {202}
    assert waited < 4
