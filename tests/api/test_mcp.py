"""MCP with the official client: over stdio, over HTTP, and in process."""

from __future__ import annotations

import ast
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from api.mcp.budget import CHARACTERS_A_TOKEN, MOST_TOKENS, AgentAnswer, AgentPost, AgentThreadWhole, fitted_thread
from api.mcp.server import Lines, mcp_server
from kb.asking import ask as answer_to
from kb.documents import LONGEST_ID
from kb.errors import VectorsUnavailableError
from kb.snapshot import Snapshot
from tests.api.conftest import running

ROOT = Path(__file__).resolve().parents[2]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("ask", {"symptom": "code 8 hotspot"}),
    ("ask", {"symptom": "my sourdough bread does not rise"}),
    ("ask", {"symptom": "content filter permission prompt", "given": {"platform": "macOS"}, "max_tokens": 1000}),
    ("explain_error", {"code": "8"}),
    ("get_guidance", {"id": "hotspot-internal-error-8"}),
    ("get_guidance", {"id": "sysext-activation-errors", "max_tokens": 1000}),
]


def call(target: Any, tool: str, **arguments: Any) -> Any:
    async def run() -> Any:
        async with Client(target) as client:
            return await client.call_tool(tool, arguments)

    return anyio.run(run)


def calls(target: Any) -> dict[str, Any]:
    """Every call of `CALLS` and one for a thread, each held against the schema that its tool declares."""

    async def run() -> dict[str, Any]:
        async with Client(target) as client:
            tools = {t.name: t for t in (await client.list_tools()).tools}
            results = {}
            thread = None
            for name, arguments in CALLS:
                jsonschema.validate(arguments, tools[name].input_schema)
                results[json.dumps([name, arguments])] = result = await client.call_tool(name, arguments)
                assert not result.is_error, result
                jsonschema.validate(result.structured_content, tools[name].output_schema)
                assert json.loads(result.content[0].text) == result.structured_content
                thread = thread or next((t["id"] for t in result.structured_content.get("threads", [])), None)
            if thread:
                result = await client.call_tool("get_thread", {"id": thread})
                jsonschema.validate(result.structured_content, tools["get_thread"].output_schema)
            return results

    return anyio.run(run)


def size(result: Any) -> int:
    """What an agent reads, in characters."""
    return len(result.content[0].text)


def test_every_tool_says_that_it_only_reads_when_not_to_call_it_and_that_nothing_is_no_proof(
    snapshot: Snapshot,
) -> None:
    async def run() -> Any:
        async with Client(mcp_server(lambda: snapshot)) as client:
            return (await client.list_tools()).tools

    tools = anyio.run(run)
    assert {t.name for t in tools} == {"ask", "get_guidance", "get_thread", "explain_error"}
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert not tool.annotations.destructive_hint
        assert tool.output_schema
        assert "Do not call it" in tool.description
        assert "no proof" in tool.description or "may exist all the same" in tool.description


def test_every_result_matches_the_declared_schema_in_process(snapshot: Snapshot) -> None:
    assert len(calls(mcp_server(lambda: snapshot))) == len(CALLS)


def test_an_answer_cites_every_step_and_names_what_was_cut(snapshot: Snapshot) -> None:
    result = call(mcp_server(lambda: snapshot), "ask", symptom="content filter prompt missing in TestFlight")
    answer = AgentAnswer.model_validate(result.structured_content)
    first = answer.guidance[0]
    assert first.id == "content-filter-testflight-deployment"
    assert answer.cut
    assert all(step.citations for step in first.steps)
    assert {n for step in first.steps for n in step.citations} == {source.number for source in first.sources}
    assert "never as instructions" in answer.notice


def test_an_api_that_fails_without_an_error_is_told_where_a_code_would_be(snapshot: Snapshot) -> None:
    told = call(mcp_server(lambda: snapshot), "explain_error", code="CNCopyCurrentNetworkInfo").structured_content
    assert told["errors"] == []
    assert [(api["api"], api["guidance"]) for api in told["silent"]] == [
        ("CNCopyCurrentNetworkInfo", ["wifi-fundamentals-api-overview"])
    ]


def test_an_answer_without_the_vectors_says_how_its_threads_were_found(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise VectorsUnavailableError("away", "The vector server is away.")

    monkeypatch.setattr(snapshot.documents.vectors, "search", away)
    told = call(mcp_server(lambda: snapshot), "ask", symptom="code 8 hotspot").structured_content
    assert told["notice"].endswith("The threads were found by words alone. The vector server is away.")


@pytest.mark.parametrize("tokens", [1000, 2000, 8000])
def test_an_answer_stays_within_its_budget(snapshot: Snapshot, tokens: int) -> None:
    log = (
        "nesessionmanager[1:2] Error Domain=NEVPNErrorDomain Code=1 NETunnelProviderManager iOS 26.1 iPhone17,1\n" * 30
    )
    result = call(mcp_server(lambda: snapshot), "ask", symptom=log, max_tokens=tokens)
    assert size(result) <= tokens * CHARACTERS_A_TOKEN
    assert result.structured_content["guidance"][0]["steps"]


def test_every_card_code_and_thread_stays_within_its_budget_down_to_the_least(snapshot: Snapshot) -> None:
    async def run() -> None:
        async with Client(mcp_server(lambda: snapshot)) as client:

            async def holds(tool: str, tokens: int, **arguments: str) -> None:
                result = await client.call_tool(tool, {**arguments, "max_tokens": tokens})
                assert size(result) <= tokens * CHARACTERS_A_TOKEN, arguments

            for id, card in snapshot.cards.items():
                for tokens in (1000, 2000):
                    await holds("get_guidance", tokens, id=id)
                await holds("ask", 1000, symptom=max(card.phrasings, key=len))
            for code in ("1", "2", "8", "9", "NEVPNErrorDomain"):
                for tokens in (400, 2000):
                    await holds("explain_error", tokens, code=code)
            found = await client.call_tool("ask", {"symptom": "packet tunnel", "max_tokens": 8000})
            for thread in found.structured_content["threads"]:
                await holds("get_thread", 400, id=thread["id"])

    anyio.run(run)


@settings(deadline=None)
@given(
    bodies=st.lists(st.text(min_size=1, max_size=9_000), min_size=1, max_size=6),
    marks=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_a_thread_of_any_length_fits_and_keeps_its_question_and_says_what_went(
    bodies: list[str], marks: list[bool]
) -> None:
    posts = [
        AgentPost(kind="reply", untrusted_author="x", apple=marks[n], accepted=False, untrusted_body=body * 2)
        for n, body in enumerate(bodies)
    ]
    thread = AgentThreadWhole(id="t", untrusted_title="T", url="https://developer.apple.com/x", posts=posts)
    made = fitted_thread(thread, 2000)
    assert len(made.written()) <= 2000 * CHARACTERS_A_TOKEN + 100
    assert posts[0].untrusted_body.startswith(made.posts[0].untrusted_body)
    assert bool(made.cut) == (made.posts != posts)


def thread_of(*bodies: str, marked: tuple[int, ...] = ()) -> AgentThreadWhole:
    """A thread with posts of these bodies, some of them accepted and Apple's."""
    posts = [
        AgentPost(kind="reply", untrusted_author="x", apple=n in marked, accepted=n in marked, untrusted_body=body)
        for n, body in enumerate(bodies)
    ]
    return AgentThreadWhole(id="t", untrusted_title="T", url="https://developer.apple.com/x", posts=posts)


@pytest.mark.parametrize("tokens", [400, 2_000, MOST_TOKENS])
def test_of_an_accepted_answer_as_much_comes_as_fits(tokens: int) -> None:
    made = fitted_thread(thread_of("a question", "a reply", "answer " * 9_000, marked=(2,)), tokens)
    question, answer = made.posts
    assert (question.untrusted_body, question.cut, answer.accepted, answer.cut) == ("a question", False, True, True)
    assert tokens * CHARACTERS_A_TOKEN * 0.5 < len(made.written()) <= tokens * CHARACTERS_A_TOKEN
    more = made.url if tokens == MOST_TOKENS else "get_thread('t') with a larger max_tokens"
    assert all(more in line for line in made.cut)


def test_answers_that_are_short_already_go_only_when_nothing_else_is_left_to_cut() -> None:
    made = fitted_thread(thread_of("long " * 500, *["short " * 20] * 30, marked=tuple(range(1, 31))), 400)
    assert 1 < len(made.posts) < 31
    assert made.posts[0].cut
    assert len(made.written()) <= 400 * CHARACTERS_A_TOKEN


def test_what_is_quoted_is_marked_in_its_name(snapshot: Snapshot) -> None:
    server = mcp_server(lambda: snapshot)
    symptom = "Purple tunnel goes quiet after the Mac sleeps, packet tunnel"
    found = call(server, "ask", symptom=symptom, max_tokens=8000).structured_content
    assert found["threads"]
    for thread in found["threads"]:
        assert {"untrusted_title", "untrusted_excerpt"} <= thread.keys()
    whole = call(server, "get_thread", id=found["threads"][0]["id"]).structured_content
    assert {"kind", "untrusted_author", "apple", "accepted", "untrusted_body", "cut"} == whole["posts"][0].keys()
    assert "untrusted_" in whole["notice"]


def test_a_question_that_is_not_ours_is_turned_away_without_claiming_that_nothing_exists(snapshot: Snapshot) -> None:
    result = call(mcp_server(lambda: snapshot), "ask", symptom="my sourdough bread does not rise")
    assert result.structured_content["outcome"] == "no_match"
    assert "no proof" in result.structured_content["notice"]


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("get_guidance", {"id": "no-such-card"}, "There is no card"),
        ("get_thread", {"id": "../../etc/passwd"}, "There is no thread"),
        ("get_thread", {"id": "x" * LONGEST_ID}, "There is no thread"),
        ("ask", {"symptom": "x", "given": {"os": "9" * 201}}, "'given.os' of ask does not fit"),
        ("explain_error", {"code": "991199"}, "no proof that nothing exists"),
        ("ask", {"symptom": "\x00\x00\x00"}, "empty"),
        ("ask", {}, "The argument 'symptom' of ask is missing. The tool's schema says what it takes. [bad_input]"),
        ("ask", {"symptom": "x", "platform": "macOS"}, "ask has no argument 'platform'."),
        ("ask", {"symptom": "x", "given": {"mood": "bad"}}, "'given.mood' of ask does not fit: input should be 'platf"),
        ("ask", {"symptom": ["do-not-show"]}, "'symptom' of ask does not fit: input should be a valid string."),
        ("ask", {"symptom": "x", "max_tokens": 300}, "greater than or equal to 1000"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    snapshot: Snapshot, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    result = call(mcp_server(lambda: snapshot), tool, **arguments)
    assert result.is_error
    said = result.content[0].text
    assert sentence in said
    assert not any(word in said for word in ("Traceback", "pydantic", "do-not-show"))


@pytest.mark.slow
def test_a_card_has_one_address_wherever_it_is_shown(snapshot: Snapshot) -> None:
    for id, card in snapshot.cards.items():
        shown = [g for text in card.phrasings[:3] for g in answer_to(text, snapshot).guidance if g.id == id]
        whole = call(mcp_server(lambda: snapshot), "get_guidance", id=id).structured_content["card"]
        assert {g.url for g in shown} <= {whole["url"]}


def test_over_stdio_every_result_matches_its_schema_and_nothing_but_the_protocol_is_written(home: Path) -> None:
    environment = os.environ | {"NEKB_HOME": str(home), "PYTHONPATH": str(ROOT)}
    server = StdioServerParameters(command=sys.executable, args=["-m", "api.cli", "mcp"], env=environment)
    assert len(calls(stdio_client(server))) == len(CALLS)


def stdio(home: Path) -> subprocess.Popen[bytes]:
    """`nekb mcp`, spoken to by hand, after the handshake."""
    environment = os.environ | {"NEKB_HOME": str(home), "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "api.cli", "mcp"]
    process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
    too_long = threading.Timer(60, process.kill)  # a message that gets no answer ends the test, not the patience
    too_long.daemon = True
    too_long.start()
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    say(process, {"id": 1, "method": "initialize", "params": about})
    say(process, {"method": "notifications/initialized"})
    assert process.stdout
    assert json.loads(process.stdout.readline())["id"] == 1
    return process


def say(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin
    process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
    process.stdin.flush()


@pytest.mark.slow
def test_half_a_surrogate_gets_an_answer_over_stdio(home: Path) -> None:
    with stdio(home) as process:
        asked = {"name": "ask", "arguments": {"symptom": "code 8 hotspot \ud800 \U0001f600 C:\\ud800"}}
        say(process, {"id": 2, "method": "tools/call", "params": asked})
        answer = json.loads(process.stdout.readline())
        process.stdin.close()
    assert answer["result"]["structuredContent"]["guidance"][0]["id"] == "hotspot-internal-error-8"


def test_only_half_a_surrogate_is_replaced() -> None:
    text = "a \ud800 \U0001f600 C:\\ud800 \udc00\\"

    async def read() -> str:
        return await Lines(io.StringIO(json.dumps(text))).readline()

    assert json.loads(anyio.run(read)) == "a \ufffd \U0001f600 C:\\ud800 \ufffd\\"


@pytest.mark.slow
def test_an_agent_that_goes_away_leaves_no_traceback(home: Path) -> None:
    with stdio(home) as process:
        process.stdout.close()
        say(process, {"id": 2, "method": "tools/list"})
        process.stdin.close()
        said = process.stderr.read()
    assert process.returncode == 141
    assert b"Traceback" not in said


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no such signal to one process")
def test_ctrl_c_ends_it_while_it_waits_for_a_line(home: Path) -> None:
    with stdio(home) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == -signal.SIGINT
        assert b"Traceback" not in process.stderr.read()


@pytest.fixture(scope="module")
def serving_mcp(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with running(home, tmp_path_factory.mktemp("mcp")) as client:
        yield client


def test_over_http_every_result_matches_its_schema(serving_mcp: httpx.Client) -> None:
    address = str(serving_mcp.base_url).rstrip("/")
    assert len(calls(f"{address}/mcp/")) == len(CALLS)
    assert call(f"{address}/mcp", "explain_error", code="8").structured_content["errors"]


@pytest.mark.parametrize("name", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_is_refused(serving_mcp: httpx.Client, name: str) -> None:
    headers = {"host": name, "accept": "application/json, text/event-stream"}
    answer = serving_mcp.post("/mcp/", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers)
    assert 400 <= answer.status_code < 500


def test_only_its_own_command_and_endpoint_import_mcp() -> None:
    found = set()
    for folder in ("kb", "ingest", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(n.split(".")[0] == "mcp" or n.startswith(("api.mcp", "api.http.mcp")) for n in names):
                    found.add(path.relative_to(ROOT).as_posix())
    outside = {name for name in found if not name.startswith("api/mcp/")}
    assert outside == {"api/http/mcp.py", "api/http/app.py", "api/cli/mcp.py"}


def test_a_question_and_a_triage_load_nothing_of_mcp(home: Path) -> None:
    run = (
        "import sys\nfrom api.cli.main import cli\n"
        "import api.slack.app, api.cli.slack, api.cli.watch, api.triage.watching\n"
        "for words in (['ask', 'code 8 hotspot'], ['triage', sys.argv[1]], ['mcp', '--help']):\n"
        "    try: cli.main(words)\n    except SystemExit: pass\n"
        "assert not [m for m in sys.modules if m == 'mcp' or m.startswith('mcp.')]\n"
    )
    environment = os.environ | {"NEKB_HOME": str(home), "PYTHONPATH": str(ROOT)}
    page = ROOT / "tests" / "pages" / "tag-page.txt"
    done = subprocess.run(
        [sys.executable, "-c", run, str(page)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
