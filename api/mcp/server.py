"""The MCP server: four read-only tools over the same answer as everywhere, one module a tool."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Executor
from io import TextIOWrapper
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.stdio import stdio_server
from pydantic import ValidationError

import kb
from api.mcp.asking import Answered, asking
from api.mcp.errors import explaining_errors
from api.mcp.guidance import reading_guidance
from api.mcp.threads import reading_threads
from api.text import one_line
from kb.errors import BadInputError
from kb.snapshot import Snapshot
from kb.surrogates import without_escaped_surrogates

_INSTRUCTIONS = """nekb knows Apple's Network Extension: tunnels, content and URL filters, proxies, DNS, relays,
hotspot and Wi-Fi APIs, local push, entitlements, system extensions and their error codes. Ask it before guessing what
such an error means. Do not ask it about other frameworks or other platforms. An empty result means that nekb has
nothing, not that nothing exists."""


def mcp_server(
    current: Callable[[], Snapshot], answered: Answered = lambda _: None, threads: Executor | None = None
) -> MCPServer:
    """The server; `current` gives the snapshot that answers now, `answered` is told of each answer to a symptom.

    Symptoms are answered in `threads`, so that no other work of a server that has any waits for them.
    """
    tools = [
        asking(current, answered, threads),
        explaining_errors(current),
        reading_guidance(current),
        reading_threads(current),
    ]
    return Desk("nekb", instructions=_INSTRUCTIONS, version=kb.__version__, log_level="WARNING", tools=tools)


class Desk(MCPServer):
    """The server, with mistakes of the agent told like every other."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call a tool. Raises `ToolError` with a sentence and a remedy for arguments that do not fit."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error, UnexpectedToolError) or not isinstance(error.__cause__, ValidationError):
                raise
            raise ToolError(_misfit(name, error.__cause__)) from error.__cause__

    async def run_stdio_async(self) -> None:
        """Serve over standard input and output."""
        lines = Lines(TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"))
        async with stdio_server(stdin=lines) as (read, write):
            server = self._lowlevel_server
            await server.run(read, write, server.create_initialization_options())


class Lines(anyio.AsyncFile[str]):
    """Messages, a line each; half a surrogate in one becomes a replacement character, or it would get no answer."""

    async def readline(self) -> str:
        """The next line."""
        return without_escaped_surrogates(await super().readline())


def _misfit(tool: str, error: ValidationError) -> str:
    """The first argument that does not fit, without what was sent."""
    first = error.errors(include_url=False, include_input=False)[0]
    name = one_line(".".join(str(part) for part in first["loc"] if part != "[key]"))[:80]
    if first["type"] == "missing":
        sentence = f"The argument {name!r} of {tool} is missing."
    elif first["type"] == "extra_forbidden":
        sentence = f"{tool} has no argument {name!r}."
    else:
        sentence = f"The argument {name!r} of {tool} does not fit: {first['msg'][:1].lower()}{first['msg'][1:]}."
    return f"{sentence} The tool's schema says what it takes. [{BadInputError.code}]"
