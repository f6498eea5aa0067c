"""The query endpoint, over a real socket: the contract, problems with a remedy, keys, rates, bounds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

import kb
from api.http.app import create_app
from api.http.settings import ServeSettings
from kb.answer import Answer
from kb.errors import VectorsUnavailableError
from tests.api.conftest import Start, logged, running

ASK = {"query": "code 8 hotspot"}


@pytest.fixture(scope="module")
def module_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("http") / "home"
    shutil.copytree(home, copy)
    return copy


@pytest.fixture(scope="module")
def client(module_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One server for every test that needs no options of its own."""
    with running(module_home, tmp_path_factory.mktemp("log"), "--rate", "100000/minute") as client:
        yield client


class Away:
    """Vectors on a server that does not answer."""

    def search(self, *_: object) -> list[tuple[int, float]]:
        raise VectorsUnavailableError("away", "The vector server is away.")


def problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["code"] == code
    assert body["remedy"]
    return body


def test_the_whole_surface_answers(client: httpx.Client) -> None:
    answered = client.post("/v1/ask", json=ASK)
    answer = Answer.from_json(answered.content)
    assert answer.guidance[0].id == "hotspot-internal-error-8"
    assert answered.headers["etag"] == f'W/"{answer.snapshot.id}-{kb.__version__}"'
    assert answered.headers["x-request-id"]
    linked = client.get("/v1/ask", params=ASK)
    assert linked.json()["guidance"][0]["id"] == "hotspot-internal-error-8"
    card = client.get("/v1/guidance/hotspot-internal-error-8").json()
    assert card["steps"][0]["links"]
    page = client.get("/v1/guidance", params={"limit": 5}).json()
    assert len(page["items"]) == 5
    assert page["total"] >= 46
    following = client.get(page["next"]).json()
    assert not {c["id"] for c in page["items"]} & {c["id"] for c in following["items"]}
    codes = client.get("/v1/errors", params={"code": 8}).json()
    assert {"NEHotspotConfigurationErrorDomain", "OSSystemExtensionErrorDomain"} <= {c["domain"] for c in codes}
    assert all("notes" in c for c in codes)
    [silent] = client.get("/v1/errors", params={"symbol": "CNCopyCurrentNetworkInfo"}).json()
    assert (silent["api"], silent["guidance"]) == ("CNCopyCurrentNetworkInfo", ["wifi-fundamentals-api-overview"])
    assert "NULL" in silent["meaning"]
    assert client.get("/v1/errors", params={"symbol": "CNCopyCurrentNetworkInfo", "code": 8}).status_code == 404
    found = client.get("/v1/search", params={"query": "tunnel goes quiet after sleep"}).json()
    assert found["items"][0]["title"] == "Purple tunnel goes quiet after the cat sleeps"
    thread = client.get(f"/v1/threads/{found['items'][0]['id']}").json()
    assert thread["posts"][0]["body"].startswith("My packet tunnel")
    assert thread["activity"] == found["items"][0]["activity"]
    assert "(as of " in thread["activity"]
    assert client.get("/healthz").text == "ok"
    metrics = client.get("/metrics").text
    assert 'nekb_requests_total{route="/v1/ask",status="200"}' in metrics


def test_a_document_that_has_an_address_is_shown_with_what_links_to_it(client: httpx.Client) -> None:
    shown = client.get("/v1/threads/tag-network-extension-resources")
    assert shown.status_code == 200, shown.text
    assert shown.json()["url"].startswith("https://developer.apple.com/forums/")
    assert shown.json()["linked_from"] == []


def test_filters_of_a_search(client: httpx.Client) -> None:
    query = {"query": "url filter blocked page"}
    everything = client.get("/v1/search", params=query | {"limit": 50}).json()["items"]
    catalogued = client.get(
        "/v1/search", params=query | {"limit": 50, "source": "catalogue", "topic": "url-filter"}
    ).json()["items"]
    assert 0 < len(catalogued) < len(everything)
    hotspots = client.get("/v1/search", params={"query": "kettle", "source": "dump", "topic": "hotspot-wifi"}).json()[
        "items"
    ]
    assert [item["title"] for item in hotspots] == ["Accessory network “Kettle-5G” joins twice"]
    assert client.get("/v1/search", params=query | {"since": "2999-01-01"}).json()["items"] == []


def test_a_copy_that_is_current_is_not_sent_again(client: httpx.Client) -> None:
    tag = client.get("/v1/guidance").headers["etag"]
    again = client.get("/v1/guidance", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "private, no-cache"


def test_a_copy_of_another_version_of_nekb_is_not_current(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards come from the snapshot; what is made of them changes with an update."""
    here = TestClient(create_app(ServeSettings(own_home)), base_url="http://127.0.0.1")
    kept = {"If-None-Match": here.get("/v1/guidance").headers["etag"]}
    assert here.get("/v1/guidance", headers=kept).status_code == 304
    monkeypatch.setattr(kb, "__version__", "9.9.9")
    assert here.get("/v1/guidance", headers=kept).status_code == 200


def test_what_was_found_without_the_vectors_is_said_and_not_kept(own_home: Path) -> None:
    app = create_app(ServeSettings(own_home))
    tag = f'W/"{app.state.services.current.get().manifest.id}-{kb.__version__}"'
    app.state.services.current.get().documents.vectors = Away()
    here = TestClient(app, base_url="http://127.0.0.1")
    for asked in (
        here.get("/v1/ask", params=ASK),
        here.post("/v1/ask", json=ASK),
        here.get("/v1/search", params=ASK),
        here.get("/v1/search", params={"query": "zzz-none", "since": "2999-01-01"}),
    ):
        body = asked.json()
        assert (body["degraded"], body["degraded_reason"]) == (True, "The vector server is away.")
        assert asked.headers["cache-control"] == "no-store"
        assert "etag" not in asked.headers
    assert here.get("/v1/guidance").headers["etag"] == tag
    assert "Found by words alone. The vector server is away." in here.get("/", params=ASK).text


def test_given_facts_refine_the_answer(client: httpx.Client) -> None:
    body = ASK | {"given": {"platform": "macOS"}}
    signals = client.post("/v1/ask", json=body).json()["signals"]
    assert [s["value"] for s in signals if s["kind"] == "platform"] == ["macOS"]


def test_a_bare_code_asks_for_its_domain_and_an_option_resolves_it(client: httpx.Client) -> None:
    (missing,) = client.post("/v1/ask", json={"query": "code 8"}).json()["missing"]
    assert missing["signal"] == "error"
    given = {"error": missing["options"][0]}
    resolved = client.post("/v1/ask", json={"query": "code 8", "given": given}).json()
    assert [s["code"] for s in resolved["signals"] if s["domain"] == missing["options"][0]] == [8]
    assert resolved["guidance"]
    assert "error" not in [m["signal"] for m in resolved["missing"]]


def test_every_failure_is_a_problem_with_a_remedy(client: httpx.Client) -> None:
    problem(client.post("/v1/ask", json={"query": "   "}), 422, "empty")
    problem(client.post("/v1/ask", json={"query": "x", "more": 1}), 422, "invalid")
    problem(client.post("/v1/ask", json={"query": "x", "limit": 99}), 422, "invalid")
    problem(client.post("/v1/ask", content=b"{", headers={"content-type": "application/json"}), 422, "invalid")
    problem(client.get("/v1/guidance/no-such-card"), 404, "not_found")
    problem(client.get("/v1/threads/none"), 404, "not_found")
    problem(client.get("/v1/errors", params={"code": 999999}), 404, "not_found")
    problem(client.get("/v1/nothing"), 404, "not_found")
    problem(client.delete("/v1/ask"), 405, "method")
    problem(client.post("/v1/ask", content=b"x" * (3 << 20)), 413, "too_large")
    problem(client.post("/v1/feedback", json=ASK | {"helpful": True, "card": "no-such-card"}), 422, "unknown_card")


def test_a_body_that_lies_about_its_length_is_cut_off(client: httpx.Client) -> None:
    def parts() -> object:
        for _ in range(50):
            yield b"x" * 100_000

    problem(client.post("/v1/ask", content=parts()), 413, "too_large")


def test_a_header_cannot_be_smuggled_through_the_request_id(client: httpx.Client) -> None:
    sent = client.get("/healthz", headers={"X-Request-Id": "a b;c"})
    assert sent.headers["x-request-id"] != "a b;c"
    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"


@pytest.mark.slow
def test_no_origin_may_call_unless_it_was_named(serving: Start) -> None:
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    closed = serving()
    assert "access-control-allow-origin" not in closed.options("/v1/ask", headers=preflight).headers
    opened = serving("--origin", "https://a.example")
    assert opened.options("/v1/ask", headers=preflight).headers["access-control-allow-origin"] == "https://a.example"


@pytest.mark.slow
def test_too_many_requests_are_told_when_to_come_back(serving: Start) -> None:
    client = serving("--rate", "3/minute")
    answers = [client.get("/v1/errors", params={"code": 8}) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    problem(answers[-1], 429, "rate")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 80
    assert answers[0].headers["ratelimit-limit"] == "3"
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=60'
    assert re.fullmatch(r'"default";r=2;t=\d+', answers[0].headers["ratelimit"])
    for at in range(4):  # inventing keys does not get around it
        invented = client.get("/v1/errors", params={"code": 8}, headers={"Authorization": f"Bearer nekb_{at}"})
    assert invented.status_code == 429
    assert client.get("/healthz").status_code == 200


@pytest.mark.slow
def test_several_workers_count_one_rate_and_one_set_of_metrics(serving: Start) -> None:
    client = serving("--rate", "30/day", "--workers", "2")
    address = str(client.base_url)

    def fresh(_: int) -> httpx.Response:  # a connection of its own, which either worker may take
        return httpx.post(f"{address}/v1/ask", json=ASK, timeout=30)

    with ThreadPoolExecutor(4) as callers:
        first = list(callers.map(fresh, range(12)))
        counted = client.get("/metrics").text
        rest = list(callers.map(fresh, range(24)))
    assert {a.status_code for a in first} == {200}
    assert 'nekb_requests_total{route="/v1/ask",status="200"} 12.0' in counted
    assert 5 <= len([a for a in rest if a.status_code == 429]) <= 8
    assert {int(a.headers["ratelimit-remaining"]) for a in first} == set(range(30 - 12, 30))


def nekb(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *args],
        env=os.environ | {"NEKB_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_beyond_loopback_nothing_answers_without_a_key(serving: Start, own_home: Path) -> None:
    refused = nekb(own_home, "serve", "--host", "0.0.0.0", "--port", "1")  # refused before it listens
    assert refused.returncode == 2
    assert "nekb keys create" in refused.stderr
    secret = nekb(own_home, "keys", "create", "tests").stdout.splitlines()[0]
    client = serving("--host", "0.0.0.0")
    problem(client.post("/v1/ask", json=ASK), 401, "no_key")
    problem(client.post("/v1/ask", json=ASK, headers={"Authorization": "Bearer nekb_wrong"}), 401, "bad_key")
    mine = {"Authorization": f"Bearer {secret}"}
    assert client.post("/v1/ask", json=ASK, headers=mine).status_code == 200
    problem(client.get("/metrics", headers=mine), 403, "scope")
    assert client.post("/mcp/", json={}, headers={}).status_code == 401
    key = nekb(own_home, "keys", "list", "--json")
    id = json.loads(key.stdout)[0]["id"]
    assert secret not in key.stdout
    assert nekb(own_home, "keys", "revoke", id).returncode == 0
    problem(client.post("/v1/ask", json=ASK, headers=mine), 401, "bad_key")


def test_a_key_is_kept_only_as_a_hash(own_home: Path) -> None:
    secret = nekb(own_home, "keys", "create", "tests").stdout.splitlines()[0]
    kept = b"".join(file.read_bytes() for file in own_home.glob("records.db*"))
    assert secret.encode() not in kept


def test_feedback_becomes_an_evaluation_question(client: httpx.Client, module_home: Path) -> None:
    sent = client.post("/v1/feedback", json=ASK | {"helpful": True, "card": "hotspot-internal-error-8"})
    assert (sent.status_code, sent.json()) == (202, {"accepted": True})
    from api.records.database import open_database
    from api.records.feedback import evaluation_lines

    [line] = evaluation_lines(open_database(module_home))
    assert json.loads(line)["expect"] == ["hotspot-internal-error-8"]


@pytest.mark.slow
def test_logs_hold_no_body_and_no_query(own_home: Path, tmp_path: Path) -> None:
    with running(own_home, tmp_path) as client:
        client.post("/v1/ask", json={"query": "hotspot secret-word-xyzzy"})
        client.get("/v1/ask", params={"query": "hotspot secret-word-plugh"})
    lines = logged(tmp_path)
    assert lines.count('"route": "/v1/ask"') == 2
    assert "xyzzy" not in lines
    assert "plugh" not in lines


@pytest.mark.slow
def test_a_new_snapshot_is_taken_up_and_a_broken_one_refused(serving: Start, own_home: Path) -> None:
    client = serving()
    first = client.get("/readyz").json()["snapshot"]
    folder = own_home / "snapshots" / first
    broken = own_home / "snapshots" / "broken"
    shutil.copytree(folder, broken)
    (broken / "guidance" / "vectors.faiss").write_bytes(b"junk")
    (own_home / "current").write_text("broken\n")
    time.sleep(3)
    assert client.get("/readyz").json()["snapshot"] == first
    assert client.post("/v1/ask", json=ASK).status_code == 200
    sound = own_home / "snapshots" / "sound"
    shutil.copytree(folder, sound)
    manifest = json.loads((sound / "manifest.json").read_text())
    (sound / "manifest.json").write_text(json.dumps(manifest | {"id": "sound"}))
    (own_home / "current").write_text("sound\n")
    deadline = time.monotonic() + 15
    while client.get("/readyz").json()["snapshot"] != "sound":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert client.post("/v1/ask", json=ASK).json()["snapshot"]["id"] == "sound"


@pytest.mark.parametrize("since", ["0.0", "0", "2026-3-1", "yesterday", "2026-13-01"])
def test_a_day_is_taken_only_as_it_is_documented(client: httpx.Client, since: str) -> None:
    answered = client.get("/v1/search", params={"query": "filter", "since": since})
    assert answered.status_code == 422
    assert client.get("/v1/search", params={"query": "filter", "since": "2026-03-01"}).status_code == 200
