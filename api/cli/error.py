"""`nekb error`: what a code means, in every domain that knows it."""

from __future__ import annotations

import json

import click

from api.text import one_line


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def error(words: tuple[str, ...], as_json: bool) -> None:
    """Say what WORDS mean: `8`, `NEVPNErrorDomain 5`, `NEVPNErrorConfigurationStale`."""
    from api.cli.opening import open_or_build
    from kb.error_lookup import look_up

    found = look_up(list(words), open_or_build().signals)
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
    for known in found:
        unsure = "" if known.case.confidence.startswith("high") else f" ({known.case.confidence} confidence)"
        name = known.case.symbol or known.case.swift or ""
        click.echo(one_line(f"{known.domain.name} {known.case.code}  {name}"))
        click.echo(f"  {one_line(known.case.meaning)}{unsure}")
        for hint in known.case.hints:
            click.echo(f"  - {one_line(hint)}")
        if known.case.cards:
            click.echo(f"  Guidance: {', '.join(known.case.cards)}")
