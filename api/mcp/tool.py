"""What is alike in all tools: how a result is written, how a mistake is told, and which arguments are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial, wraps
from typing import Annotated, Any, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field, create_model

from api.mcp.budget import MOST_TOKENS, NO_PROOF, Model
from kb.errors import NekbError, NotFoundError

BUDGET = 2_000
READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
Tokens = Annotated[int, Field(ge=400, le=MOST_TOKENS, description="Rough size of the result in tokens.")]
# What is left of the longest card, its summary and a step, has 900.
CardTokens = Annotated[int, Field(ge=1_000, le=MOST_TOKENS, description="Rough size of the result in tokens.")]

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


def tool(title: str, threads: Executor | None = None) -> Callable[[Callable[..., Any]], Tool]:
    """A tool out of a function. Arguments that it does not have are refused, so that a misspelt one is noticed.

    It runs in `threads`, or in those that the library has for whatever is short.
    """

    def made(function: Callable[..., Any]) -> Tool:
        run: Callable[..., Any] = told(function)
        found = Tool.from_function(_within(threads, run) if threads else run, title=title, annotations=READ_ONLY)
        taken = found.fn_metadata.arg_model
        strict = create_model(taken.__name__, __base__=taken)
        strict.model_config["extra"] = "forbid"
        strict.model_rebuild(force=True)
        found.fn_metadata.arg_model = strict
        found.parameters = strict.model_json_schema(by_alias=True)
        return found

    return made


def told(function: Callable[P, M]) -> Callable[P, CallToolResult]:
    """A function whose result is written as the budget counts it, and whose `NekbError` is a sentence and a remedy.

    Left to itself the library writes a result with an indent, a fifth longer than it is.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> CallToolResult:
        try:
            result = function(*args, **kwargs)
            text = TextContent(type="text", text=result.written())
            return CallToolResult(content=[text], structured_content=result.model_dump(mode="json"))
        except NekbError as error:
            proof = f" {NO_PROOF}" if isinstance(error, NotFoundError) else ""
            raise ToolError(f"{error.sentence} {error.remedy}{proof} [{error.code}]") from error

    return run


def _within(threads: Executor, run: Callable[P, CallToolResult]) -> Callable[P, Any]:
    @wraps(run)
    async def wait(*args: P.args, **kwargs: P.kwargs) -> CallToolResult:
        return await asyncio.get_running_loop().run_in_executor(threads, partial(run, *args, **kwargs))

    return wait
