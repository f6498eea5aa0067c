"""The tool `get_guidance`: a whole card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from api.mcp.budget import AgentCard, WholeCard, fitted_card, numbered
from api.mcp.tool import BUDGET, CardTokens, tool
from kb.answer import Link
from kb.asking import card_address
from kb.errors import NotFoundError
from kb.guidance.card import Card
from kb.snapshot import Snapshot


def reading_guidance(current: Callable[[], Snapshot]) -> Tool:
    """The tool: it reads a card of the `current` snapshot."""

    @tool("Read a guidance card")
    def get_guidance(
        id: Annotated[str, Field(max_length=64, description="A card id from `ask`.")], max_tokens: CardTokens = BUDGET
    ) -> WholeCard:
        """One guidance card with all its steps. Call it with an id that `ask` or `explain_error` named.

        Do not call it to search, or with a guessed id: an id that is not there is no proof that there is no guidance.
        """
        snapshot = current()
        card = snapshot.cards.get(id)
        if card is None:
            raise NotFoundError(f"There is no card {id!r}.", "Use an id that `ask` returned.")
        whole = WholeCard(
            card=_for_agent(card, snapshot.resources),
            symptoms=card.phrasings[:5],
            see_also=list(card.see_also),
            route=card.route.kind,
            attach=list(card.route.attach),
        )
        return fitted_card(whole, max_tokens)

    return get_guidance


def _for_agent(card: Card, links: Mapping[str, Link]) -> AgentCard:
    steps, sources = numbered(
        [(s.text, [(links[c].title, links[c].url) for c in s.cites if c in links], s.when) for s in card.steps]
    )
    return AgentCard(
        id=card.id,
        title=card.title,
        url=card_address([links[id] for id in card.links if id in links], card),
        probability=1.0,
        summary=card.summary,
        steps=steps,
        sources=sources,
        ask_for=[a.question for a in card.ask_for],
        why=[],
        reviewed=card.reviewed.isoformat(),
    )
