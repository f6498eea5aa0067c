"""`nekb error`: what a code means, in every domain that knows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from api.cli.spoken import Spoken, said
from api.text import one_line

if TYPE_CHECKING:
    from kb.error_lookup import KnownError
    from kb.guidance.card import Card
    from kb.signals.tables import SilentApi


@click.command(cls=Spoken)
@click.argument("words", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def error(words: tuple[str, ...], as_json: bool) -> None:
    """Say what WORDS mean: `8`, `NEVPNErrorDomain 5`, `NEVPNErrorConfigurationStale`, or an error as it was printed.

    Of an API that fails without an error, such as `CNCopyCurrentNetworkInfo`, say what it does instead.
    """
    from api.cli.opening import open_or_build
    from kb.error_lookup import look_up, silent_apis

    snapshot = open_or_build()
    silent = silent_apis(said(words), snapshot.signals)
    found = [] if silent else look_up(list(words), snapshot.signals)
    if as_json:
        rows = [*(api.to_dict() for api in silent), *(known.to_dict() for known in found)]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    told: set[str] = set()
    parts = [_silent_lines(api, snapshot.cards) for api in silent]
    parts += [_lines(known, snapshot.cards, told) for known in found]
    click.echo("\n\n".join("\n".join(part) for part in parts))
    click.echo("\n`nekb guidance show ID` shows a card.")


def _silent_lines(api: SilentApi, cards: Mapping[str, Card]) -> Iterator[str]:
    yield f"{one_line(api.api)} fails without an error"
    yield f"  {one_line(api.behaviour)}{_unsure(api.confidence)}"
    yield from _card_lines(api.cards, cards)


def _lines(known: KnownError, cards: Mapping[str, Card], told: set[str]) -> Iterator[str]:
    """A case; with the first of a domain what holds for the whole domain, which `told` remembers."""
    name = known.case.symbol or known.case.swift or ""
    yield one_line(f"{known.domain.name} {known.case.code} {name}").rstrip()
    yield f"  {one_line(known.case.meaning)}{_unsure(known.case.confidence)}"
    if known.domain.notes and known.domain.id not in told:
        told.add(known.domain.id)
        yield f"  ({one_line(known.domain.notes).rstrip('.')}.)"
    yield from (f"  - {one_line(hint)}" for hint in known.case.hints)
    yield from _card_lines(known.case.cards, cards)


def _unsure(confidence: str) -> str:
    return "" if confidence.startswith("high") else f" ({confidence} confidence)"


def _card_lines(ids: list[str], cards: Mapping[str, Card]) -> Iterator[str]:
    for id in ids:
        title = f": {one_line(cards[id].title)}" if id in cards else ""
        yield f"  -> {id}{title}"
