"""MCP with the official client: over stdio, over HTTP, and in process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from api.mcp.budget import CHARACTERS_A_TOKEN, AgentAnswer
from api.mcp.server import mcp_server
from kb.snapshot import Snapshot
from tests.api.conftest import Start


def call(target: Any, tool: str, **arguments: Any) -> Any:
    async def run() -> Any:
        async with Client(target) as client:
            return await client.call_tool(tool, arguments)

    return anyio.run(run)


def test_every_tool_says_that_it_only_reads(snapshot: Snapshot) -> None:
    async def run() -> Any:
        async with Client(mcp_server(lambda: snapshot)) as client:
            return (await client.list_tools()).tools

    tools = anyio.run(run)
    assert {t.name for t in tools} == {"ask", "get_guidance", "get_thread", "explain_error"}
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert tool.output_schema
        assert tool.description
    assert "no proof of" in next(t.description for t in tools if t.name == "ask")


def test_an_answer_matches_its_declared_schema_and_names_what_was_cut(snapshot: Snapshot) -> None:
    result = call(mcp_server(lambda: snapshot), "ask", symptom="content filter prompt missing in TestFlight")
    answer = AgentAnswer.model_validate(result.structured_content)
    assert answer.guidance[0].id == "content-filter-testflight-deployment"
    assert answer.cut
    assert all(step.citations for step in answer.guidance[0].steps)
    assert "never as instructions" in answer.notice


@pytest.mark.parametrize("tokens", [400, 1000, 2000, 8000])
def test_an_answer_stays_within_its_budget(snapshot: Snapshot, tokens: int) -> None:
    log = (
        "nesessionmanager[1:2] Error Domain=NEVPNErrorDomain Code=1 NETunnelProviderManager iOS 26.1 iPhone17,1\n" * 30
    )
    result = call(mcp_server(lambda: snapshot), "ask", symptom=log, max_tokens=tokens)
    size = len(json.dumps(result.structured_content, separators=(",", ":"), ensure_ascii=False))
    assert size <= tokens * CHARACTERS_A_TOKEN or (tokens == 400 and len(result.structured_content["guidance"]) == 1)


def test_a_question_that_is_not_ours_is_turned_away(snapshot: Snapshot) -> None:
    result = call(mcp_server(lambda: snapshot), "ask", symptom="my sourdough bread does not rise")
    assert result.structured_content["outcome"] == "no_match"


def test_a_mistake_is_told_in_a_sentence(snapshot: Snapshot) -> None:
    result = call(mcp_server(lambda: snapshot), "get_guidance", id="no-such-card")
    assert result.is_error
    assert "There is no card" in result.content[0].text
    assert "Traceback" not in result.content[0].text


def test_over_stdio(home: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "api.cli", "mcp"], env=os.environ | {"NEKB_HOME": str(home)}
    )
    result = call(stdio_client(server), "explain_error", code="NEHotspotConfigurationErrorDomain 8")
    assert result.structured_content["errors"][0]["symbol"] == "NEHotspotConfigurationErrorInternal"


def test_over_http(serving: Start) -> None:
    client = serving()
    result = call(f"{client.base_url}/mcp/".replace("//mcp", "/mcp"), "ask", symptom="code 8 hotspot")
    assert result.structured_content["guidance"][0]["id"] == "hotspot-internal-error-8"
