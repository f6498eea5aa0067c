"""What stands around every route: whose requests count, under which labels, what a page of another site may read."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.http.listening import check_name
from api.http.settings import ServeSettings
from api.mcp import asking
from api.records.database import open_database
from api.records.keys import create_key
from kb.answer import Answer
from kb.asking import ask as answer_to
from kb.documents import LONGEST_ID
from tests.api.conftest import Start

Made = Callable[..., TestClient]
ORIGIN = "https://app.example"
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
AGENT = {"accept": "application/json, text/event-stream"}


@pytest.fixture
def made(home: Path, tmp_path: Path) -> Made:
    """The app in this process, with settings; it writes beside the session's snapshot."""
    own = tmp_path / "own"
    shutil.copytree(home, own)

    def make(**settings: object) -> TestClient:
        return TestClient(create_app(ServeSettings(own, **settings)), base_url="http://127.0.0.1")  # type: ignore[arg-type]

    return make


def a_key(client: TestClient) -> dict[str, str]:
    services = client.app.state.services  # type: ignore[attr-defined]
    return {"Authorization": f"Bearer {create_key(open_database(services.settings.home), 'tests', ('ask',))[1]}"}


def test_who_shows_no_key_or_wrong_ones_locks_no_key_out(made: Made) -> None:
    client = made(require_keys=True, rate="3/minute")
    mine = a_key(client)
    assert [client.get("/v1/guidance").status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    invented = [client.get("/v1/guidance", headers={"X-API-Key": f"nekb_{n}"}).status_code for n in range(5)]
    assert invented == [401, 401, 401, 429, 429]
    assert client.get("/v1/guidance", headers=mine).status_code == 200
    cookie = {"Cookie": "nekb_key=" + mine["Authorization"].removeprefix("Bearer ")}
    assert client.get("/v1/guidance", headers=cookie).status_code == 200


def test_other_words_for_authorization_are_no_way_around_the_rate(made: Made) -> None:
    client = made(rate="2/minute")
    asked = [client.get("/v1/guidance", headers={"Authorization": f"Basic {n}"}).status_code for n in range(3)]
    assert asked == [200, 200, 429]


def test_another_address_of_the_same_network_is_no_way_around_the_rate(made: Made) -> None:
    def asked(address: str) -> int:
        return TestClient(app, base_url="http://127.0.0.1", client=(address, 1)).get("/v1/guidance").status_code

    app = made(rate="2/minute").app
    assert [asked(f"2001:db8:1:2::{n}") for n in range(3)] == [200, 200, 429]
    assert [asked(f"2001:db8:1:3::{n}") for n in range(2)] == [200, 200]
    assert [asked(f"fe80::{n}") for n in range(1, 5)] == [200] * 4
    assert [asked(f"::ffff:203.0.113.{n}") for n in range(4)] == [200] * 4
    assert [asked("::ffff:203.0.113.9"), asked("203.0.113.9"), asked("203.0.113.9")] == [200, 200, 429]


def test_a_stale_cookie_is_ignored_where_no_key_is_needed(made: Made) -> None:
    stale = {"Cookie": "nekb_key=nekb_gone"}
    assert made().get("/v1/guidance", headers=stale).status_code == 200
    assert made(require_keys=True).get("/v1/guidance", headers=stale).status_code == 401


def test_no_path_that_somebody_invents_becomes_a_label(made: Made) -> None:
    client = made(rate="1000/minute", hosts=("nekb.test",))
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Content-Length": "99999999"}):
        client.post("/invented-1", headers=headers)
    client.get("/v1/guidance/", follow_redirects=False)
    client.get("/invented-2")
    client.post("/mcp", json=LIST_TOOLS, headers=AGENT | {"Host": "evil.example"})
    client.get("/mcp")
    client.get("/openapi.json")
    routes = set(re.findall(r'nekb_requests_total\{route="([^"]*)"', client.get("/metrics").text))
    assert not [route for route in routes if "invented" in route or route == "/v1/guidance/"]
    assert {"unknown", "/mcp", "/openapi.json"} <= routes


def test_each_surface_counts_its_answers(made: Made) -> None:
    client = made()
    client.get("/", params={"query": "code 8 hotspot"})
    client.post("/v1/ask", json={"query": "code 8 hotspot"})
    call = LIST_TOOLS | {"method": "tools/call", "params": {"name": "ask", "arguments": {"symptom": "code 8 hotspot"}}}
    with client:
        assert client.post("/mcp", json=call, headers=AGENT).status_code == 200
    counted = client.get("/metrics").text
    for surface in ("web", "http", "mcp"):
        assert f'nekb_answers_total{{outcome="answered",surface="{surface}"}}' in counted


def test_mcp_is_answered_where_it_is_asked_and_has_no_stream(made: Made) -> None:
    with made() as client:
        for address in ("/mcp", "/mcp/"):
            answered = client.post(address, json=LIST_TOOLS, headers=AGENT, follow_redirects=False)
            assert (answered.status_code, len(answered.json()["result"]["tools"])) == (200, 4)
            for method in ("GET", "DELETE"):
                refused = client.request(method, address, headers={"accept": "text/event-stream"})
                assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
                assert refused.json()["remedy"]


def test_mcp_refuses_a_foreign_name_as_a_problem_with_keys_as_well(made: Made) -> None:
    with made(require_keys=True, hosts=("nekb.test",)) as client:
        mine = a_key(client) | AGENT
        refused = client.post("/mcp", json=LIST_TOOLS, headers=mine | {"Host": "evil.example"})
        assert (refused.status_code, refused.json()["code"]) == (421, "host")
        assert client.post("/mcp", json=LIST_TOOLS, headers=mine | {"Host": "nekb.test:8443"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/guidance"])
def test_what_answers_get_answers_head(made: Made, path: str) -> None:
    client = made()
    assert client.head(path).status_code == 200
    assert client.head(path).headers["content-length"] == str(len(client.get(path).content))


def test_a_method_that_is_not_there_is_told_all_that_are(made: Made) -> None:
    client = made()
    assert client.put("/v1/ask").headers["allow"] == "GET, POST, HEAD"
    assert client.head("/v1/feedback").headers["allow"] == "POST"


def test_a_page_of_a_named_origin_may_read_refusals_and_its_preflights_are_free(made: Made) -> None:
    client = made(origins=(ORIGIN,), rate="1/minute")
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    for _ in range(3):
        assert client.options("/v1/ask", headers=preflight).status_code == 200
    answers = [client.get("/v1/guidance", headers={"Origin": ORIGIN}) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 429]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert {"ETag", "Retry-After", "X-Request-Id"} <= set(
            answer.headers["access-control-expose-headers"].split(", ")
        )


def test_what_does_not_exist_is_never_unchanged(made: Made) -> None:
    client = made()
    tag = client.get("/v1/guidance").headers["etag"]
    for path in ("/v1/guidance/none", "/v1/threads/none", "/v1/errors?code=99999"):
        refused = client.get(path, headers={"If-None-Match": tag})
        assert refused.status_code == 404
        assert "etag" not in refused.headers
    for path in ("/v1/ask?query=%20", "/v1/search?query=%20", "/v1/ask?query=vpn&platform=garbage"):
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 422
    for seen in ("*", tag.removeprefix("W/"), f'"other", {tag}'):
        assert client.get("/v1/guidance", headers={"If-None-Match": seen}).status_code == 304


def test_the_document_says_how_a_key_is_shown(made: Made) -> None:
    document = made(require_keys=True).get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    assert document["paths"]["/v1/ask"]["post"]["security"] == [{"bearer": []}, {"header": []}]
    assert "security" not in document["paths"]["/healthz"]["get"]
    assert {} in made().get("/openapi.json").json()["paths"]["/v1/ask"]["post"]["security"]


@pytest.mark.slow
def test_a_proxy_that_is_named_says_who_asks(serving: Start) -> None:
    client = serving("--rate", "2/minute", environment={"FORWARDED_ALLOW_IPS": "127.0.0.0/8"})
    proxy = httpx.Client(base_url=client.base_url, transport=httpx.HTTPTransport(local_address="127.0.0.2"))
    with proxy:
        asked = [proxy.get("/v1/guidance", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(4)]
    assert [a.status_code for a in asked] == [200] * 4


GOES_AWAY = ["/v1/ask", "/v1/feedback", "/mcp", "/", "/feedback"]


@pytest.mark.slow
def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_failure_of_ours(
    serving: Start, tmp_path: Path
) -> None:
    client = serving()
    port = client.base_url.port or 0
    form = {"/": "x-www-form-urlencoded", "/feedback": "x-www-form-urlencoded"}
    for path in GOES_AWAY:
        lines = (
            f"POST {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Content-Type: application/{form.get(path, 'json')}",
            f"Accept: {AGENT['accept']}",
            "Content-Length: 1000",
        )
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall("\r\n".join([*lines, "", "{"]).encode())
            time.sleep(0.2)
    log = next(tmp_path.glob("serve-*.log"))
    deadline = time.monotonic() + 20
    while log.read_text().count('"method": "POST"') < len(GOES_AWAY):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    events = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert {e["route"]: e["status"] for e in events if e.get("method") == "POST"} == dict.fromkeys(GOES_AWAY, 499)
    assert {e["level"] for e in events} == {"info"}
    counted = client.get("/metrics").text
    assert 'nekb_requests_total{route="/mcp",status="499"}' in counted
    assert 'status="500"' not in counted


@pytest.mark.parametrize("path", ["/v1/threads/", "/threads/"])
def test_a_document_is_looked_for_under_a_long_id(made: Made, path: str) -> None:
    client = made()
    assert client.get(path + "x" * LONGEST_ID).status_code == 404
    assert client.get(path + "x" * (LONGEST_ID + 1)).status_code == 422


@pytest.mark.parametrize("query", ["   ", "\u0000"])
def test_a_vote_on_nothing_is_refused(made: Made, query: str) -> None:
    refused = made().post("/v1/feedback", json={"query": query, "helpful": True, "card": "hotspot-internal-error-8"})
    assert (refused.status_code, refused.json()["code"]) == (422, "empty")


def test_half_a_character_is_replaced_wherever_a_text_is_sent(made: Made) -> None:
    """A script that cuts a log in the middle of an emoji sends the half of it as an escape."""
    half = b"code 8 hotspot \\ud83d"
    call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"symptom":"%s"}}}'
    kind = {"content-type": "application/json"}
    with made() as client:
        asked = client.post("/v1/ask", content=b'{"query":"%s"}' % half, headers=kind)
        assert (asked.status_code, asked.json()["query"]) == (200, "code 8 hotspot \ufffd")
        vote = b'{"query":"%s","helpful":false,"reason":"%s"}' % (half, half)
        assert client.post("/v1/feedback", content=vote, headers=kind).status_code == 202
        told = client.post("/mcp", content=call % half, headers=AGENT | kind)
        assert told.json()["result"]["structuredContent"]["guidance"]
        assert client.post("/v1/ask", content=b'{"query":"\\u00e9\xff"}', headers=kind).status_code == 422


def test_an_agents_question_is_answered_by_the_threads_of_questions(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the others a few long logs would keep every request waiting that shows a key or reads a card."""
    within: list[str] = []

    def noting(*args: Any, **kwargs: Any) -> Answer:
        within.append(threading.current_thread().name)
        return answer_to(*args, **kwargs)

    monkeypatch.setattr(asking, "answer_to", noting)
    call = LIST_TOOLS | {"method": "tools/call", "params": {"name": "ask", "arguments": {"symptom": "code 8 hotspot"}}}
    with made() as client:
        assert client.post("/mcp", json=call, headers=AGENT).json()["result"]["structuredContent"]["guidance"]
    assert [name.rpartition("_")[0] for name in within] == ["nekb-ask"]


def test_a_name_may_be_written_with_its_last_point(made: Made) -> None:
    with made(require_keys=True, hosts=(check_name("nekb.test."),)) as client:
        mine = a_key(client) | AGENT
        for name in ("nekb.test", "nekb.test.", "NEKB.test:443"):
            assert client.post("/mcp", json=LIST_TOOLS, headers=mine | {"Host": name}).status_code == 200
    assert made().get("/healthz", headers={"Host": "localhost."}).status_code == 200


def test_a_page_is_the_servers_own_behind_a_proxy_that_asks_under_another_name(made: Made) -> None:
    client = made(require_keys=True, hosts=("nekb.test",))
    asked = {"json": {"query": "code 8 hotspot"}, "headers": a_key(client)}
    for origin, status in {
        "https://nekb.test": 200,
        "http://nekb.test": 200,
        "https://nekb.test:8443": 403,
        "https://nekb.test.evil.example": 403,
        "ftp://nekb.test": 403,
        "null": 403,
    }.items():
        asked["headers"]["Origin"] = origin
        assert client.post("/v1/ask", **asked).status_code == status, origin


def test_what_a_request_may_do_that_took_too_long_is_told_of_itself(made: Made) -> None:
    """A vote behind votes that wait for another writer is no text to be shortened."""
    client = made(timeout=0.3)
    services = client.app.state.services  # type: ignore[attr-defined]
    go_on = threading.Event()
    for threads in (services.voters, services.askers):
        for _ in range(threads._max_workers):
            threads.submit(go_on.wait)
    vote = client.post("/v1/feedback", json={"query": "code 8 hotspot", "helpful": True})
    asked = client.post("/v1/ask", json={"query": "code 8 hotspot"})
    go_on.set()
    assert (vote.status_code, vote.json()["code"]) == (503, "timeout")
    assert "text" not in vote.json()["remedy"]
    assert "shorter text" in asked.json()["remedy"]
