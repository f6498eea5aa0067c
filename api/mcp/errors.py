"""The tool `explain_error`: what a code means, in every domain that knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from api.mcp.budget import AgentError, AgentErrors, AgentSilentApi, fitted_errors
from api.mcp.tool import BUDGET, Tokens, tool
from kb.error_lookup import KnownError, look_up, silent_apis
from kb.signals.tables import SilentApi
from kb.snapshot import Snapshot


def explaining_errors(current: Callable[[], Snapshot]) -> Tool:
    """The tool: it explains what the tables of the `current` snapshot hold."""

    @tool("Explain an error code")
    def explain_error(
        code: Annotated[
            str, Field(min_length=1, max_length=200, description="`8`, `NEVPNErrorDomain 5`, a symbol, or an API.")
        ],
        max_tokens: Tokens = BUDGET,
    ) -> AgentErrors:
        """What an error code of Network Extension or System Extensions means, in every domain that knows it.

        A code counts only with its domain. Do not call it for HTTP statuses, for POSIX errors, or where the text
        around the code is at hand: `ask` reads that too. An unknown code is no proof that it does not exist. Of an API
        that fails without an error, such as `CNCopyCurrentNetworkInfo`, it tells what it does instead.
        """
        tables = current().signals
        silent = silent_apis(code, tables)
        found = [] if silent else look_up(code.split(), tables)
        known = AgentErrors(errors=[_for_agent(e) for e in found], silent=[_silent(api) for api in silent])
        return fitted_errors(known, max_tokens)

    return explain_error


def _silent(api: SilentApi) -> AgentSilentApi:
    return AgentSilentApi(api=api.api, meaning=api.behaviour, guidance=api.cards, confidence=api.confidence)


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
