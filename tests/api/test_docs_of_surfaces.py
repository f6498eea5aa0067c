"""The docs of Slack, MCP and triage: their commands are commands that there are, their settings are well formed."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from api.cli.main import cli
from api.cli.watch import watch

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = ("slack.md", "mcp.md", "triage.md")


def blocks(name: str, kind: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return ["\n".join(line.removeprefix(indent) for line in body.splitlines()) for indent, body in found]


def commands() -> list[str]:
    lines = [line for name in NAMES for block in blocks(name, "sh") for line in block.splitlines()]
    found = [re.search(r"(?:^|[\s|])nekb (?!--|https)(?P<rest>.*)", line.partition(" #")[0]) for line in lines]
    return [m["rest"].strip() for m in found if m and not lines_of_another_tool(m.string)]


def lines_of_another_tool(line: str) -> bool:
    return line.startswith("claude ") and " -- " not in line


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_docs_is_one(line: str) -> None:
    words = shlex.split(line)
    if words[:1] == ["--"]:
        words = words[2:]
    group: click.Command = cli
    context = click.Context(cli)
    while isinstance(group, click.Group) and words and (inner := group.get_command(context, words[0])):
        group, words = inner, words[1:]
    assert group is not cli, line
    group.make_context(line, words)


def test_the_settings_of_the_docs_are_well_formed() -> None:
    objects = [json.loads(line) for name in NAMES for block in blocks(name, "json") for line in block.splitlines()]
    servers = [o["mcpServers"]["nekb"] for o in objects if "mcpServers" in o]
    assert len(servers) == 2
    assert all(server["args"] == ["mcp"] for server in servers)
    [codex] = [tomllib.loads(block) for block in blocks("mcp.md", "toml")]
    assert codex["mcp_servers"]["nekb"]["args"] == ["mcp"]


def test_the_docs_name_every_way_to_watch() -> None:
    text = (DOCS / "triage.md").read_text(encoding="utf-8")
    for parameter in watch.params:
        known = [*parameter.opts, *([parameter.envvar] if isinstance(parameter.envvar, str) else [])]
        assert any(name in text for name in known), parameter.name
