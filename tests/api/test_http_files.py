"""Files over HTTP: ranges of them, and refusals that are problems like all others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.http.settings import ServeSettings


@pytest.fixture
def client(home: Path, tmp_path: Path) -> TestClient:
    own = tmp_path / "own"
    shutil.copytree(home, own)
    return TestClient(create_app(ServeSettings(own)), base_url="http://127.0.0.1")


@pytest.fixture
def manifest(client: TestClient) -> str:
    """The address of the manifest of the snapshot that answers."""
    return f"/v1/snapshots/{client.get('/v1/snapshots/current').text}/manifest.json"


def test_a_range_of_a_file_is_served(client: TestClient, manifest: str) -> None:
    whole = client.get(manifest).content
    part = client.get(manifest, headers={"Range": "bytes=2-9"})
    assert (part.status_code, part.content) == (206, whole[2:10])
    assert part.headers["content-range"] == f"bytes 2-9/{len(whole)}"


@pytest.mark.parametrize("static", [False, True])
def test_a_range_that_is_not_there_is_a_problem(client: TestClient, manifest: str, static: bool) -> None:
    address = "/static/nekb.css" if static else manifest
    size = len(client.get(address).content)
    beyond = client.get(address, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    unreadable = client.get(address, headers={"Range": "bytes=abc"})
    assert unreadable.status_code == 400
    for refused in (beyond, unreadable):
        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.json()["code"], refused.json()["remedy"] != "") == ("range", True)
        assert "immutable" not in refused.headers.get("cache-control", "")


def test_ranges_stand_in_the_document(client: TestClient) -> None:
    answers = client.get("/openapi.json").json()["paths"]["/v1/snapshots/{id}/{name}"]["get"]["responses"]
    assert {"200", "206", "400", "416"} <= set(answers)
    assert "application/problem+json" in answers["416"]["content"]
