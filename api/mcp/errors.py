"""The tool `explain_error`: what a code means, in every domain that knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from api.mcp.budget import AgentError, AgentErrors, fitted_errors
from api.mcp.tool import BUDGET, Tokens, tool
from kb.error_lookup import KnownError, look_up
from kb.snapshot import Snapshot


def explaining_errors(current: Callable[[], Snapshot]) -> Tool:
    """The tool: it explains what the tables of the `current` snapshot hold."""

    @tool("Explain an error code")
    def explain_error(
        code: Annotated[
            str, Field(min_length=1, max_length=200, description="`8`, `NEVPNErrorDomain 5`, or a symbol.")
        ],
        max_tokens: Tokens = BUDGET,
    ) -> AgentErrors:
        """What an error code of Network Extension or System Extensions means, in every domain that knows it.

        A code counts only with its domain. Do not call it for HTTP statuses, for POSIX errors, or where the text
        around the code is at hand: `ask` reads that too. An unknown code is no proof that it does not exist.
        """
        found = look_up(code.split(), current().signals)
        return fitted_errors(AgentErrors(errors=[_for_agent(known) for known in found]), max_tokens)

    return explain_error


def _for_agent(known: KnownError) -> AgentError:
    domain, case = known.domain, known.case
    return AgentError(
        domain=domain.name,
        code=case.code,
        symbol=case.symbol,
        meaning=case.meaning,
        hints=case.hints,
        guidance=case.cards,
        confidence=case.confidence,
    )
