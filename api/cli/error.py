"""`nekb error`: what a code means, in every domain that knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from api.cli.spoken import Spoken
from api.text import one_line

if TYPE_CHECKING:
    from kb.error_lookup import KnownError
    from kb.guidance.card import Card


@click.command(cls=Spoken)
@click.argument("words", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def error(words: tuple[str, ...], as_json: bool) -> None:
    """Say what WORDS mean: `8`, `NEVPNErrorDomain 5`, `NEVPNErrorConfigurationStale`, or an error as it was printed."""
    from api.cli.opening import open_or_build
    from kb.error_lookup import look_up

    snapshot = open_or_build()
    found = look_up(list(words), snapshot.signals)
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "domain": k.domain.name,
                        "code": k.case.code,
                        "symbol": k.case.symbol,
                        "swift": k.case.swift,
                        "meaning": k.case.meaning,
                        "hints": k.case.hints,
                        "guidance": k.case.cards,
                        "topic": k.domain.topic,
                        "platforms": k.domain.platforms,
                        "visibility": k.domain.visibility,
                        "confidence": k.case.confidence,
                    }
                    for k in found
                ],
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    for at, known in enumerate(found):
        if at:
            click.echo()
        _show(known, snapshot.cards)
    click.echo("\n`nekb guidance show ID` shows a card.")


def _show(known: KnownError, cards: Mapping[str, Card]) -> None:
    name = known.case.symbol or known.case.swift or ""
    unsure = "" if known.case.confidence.startswith("high") else f" ({known.case.confidence} confidence)"
    click.echo(one_line(f"{known.domain.name} {known.case.code} {name}").rstrip())
    click.echo(f"  {one_line(known.case.meaning)}{unsure}")
    for hint in known.case.hints:
        click.echo(f"  - {one_line(hint)}")
    for id in known.case.cards:
        title = f": {one_line(cards[id].title)}" if id in cards else ""
        click.echo(f"  -> {id}{title}")
