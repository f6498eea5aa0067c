"""`nekb guidance`: list, show, check and write cards."""

from __future__ import annotations

import json
import sys

import click

from api.cli.new_file import write_new
from api.text import one_line
from kb.errors import BadInputError, NotFoundError
from kb.home import nekb_home, shipped_data
from kb.names import nearest


@click.group()
def guidance() -> None:
    """List, show, check and write guidance cards."""


@guidance.command("list")
@click.option("--topic", help="Only cards of this topic.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_cards(topic: str | None, as_json: bool) -> None:
    """Every card with its topic and title."""
    from api.cli.opening import open_or_build

    snapshot = open_or_build()
    topics = sorted({c.topic for c in snapshot.cards.values()})
    if topic is not None and topic not in topics:
        raise NotFoundError(f"There is no topic {topic!r}.", nearest(topic, topics) or f"Topics: {', '.join(topics)}.")
    cards = [c for c in snapshot.cards.values() if topic in (None, c.topic)]
    if as_json:
        click.echo(
            json.dumps(
                [{"id": c.id, "topic": c.topic, "title": c.title, "origin": c.origin} for c in cards],
                indent=2,
            )
        )
        return
    for card in sorted(cards, key=lambda c: (c.topic, c.id)):
        own = " (yours)" if card.origin == "user" else ""
        click.echo(f"{card.topic:<28} {card.id:<40} {one_line(card.title)}{own}")


@guidance.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(id: str, as_json: bool) -> None:
    """Show the card ID: summary, checklist, citations, symptoms."""
    from api.cli.opening import open_or_build
    from api.terminal import card_lines

    snapshot = open_or_build()
    card = snapshot.cards.get(id)
    if card is None:
        raise NotFoundError(
            f"There is no card {id!r}.", nearest(id, list(snapshot.cards)) or "`nekb guidance list` names them."
        )
    if as_json:
        click.echo(card.to_json(indent=2))
        return
    for line in card_lines(card, snapshot.resources):
        click.echo(line)


@guidance.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def check(as_json: bool) -> None:
    """Check every card and signal table; exit 1 where something is wrong."""
    from kb.guidance.check import problems
    from kb.guidance.parse import read_every_card
    from kb.resources import read_resources
    from kb.signals.compiling import compile_tables

    data = shipped_data()
    ours, ours_malformed = read_every_card(data / "guidance")
    own, own_malformed = read_every_card(nekb_home() / "guidance", origin="user")
    cards, malformed = ours + own, ours_malformed + own_malformed
    unread = [p.card.removesuffix(".md") for p in malformed]
    found = malformed + problems(cards, read_resources(data), compile_tables(data), unread)
    if as_json:
        click.echo(json.dumps([vars(p) for p in found], indent=2))
    else:
        for problem in found:
            click.echo(one_line(str(problem)))
        click.echo(f"{len(cards) + len(malformed)} cards, {len(found)} problems.")
    sys.exit(1 if found else 0)


@guidance.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def new(id: str, as_json: bool) -> None:
    """Write a template for a card of your own, ID, into NEKB_HOME/guidance/."""
    from kb.guidance.template import template

    text = template(id)
    if (shipped_data() / "guidance" / f"{id}.md").exists():
        raise BadInputError(f"The card {id!r} comes with nekb.", "Choose another id.", code="exists")
    folder = nekb_home() / "guidance"
    path = folder / f"{id}.md"
    folder.mkdir(parents=True, exist_ok=True)
    write_new(path, text, "Edit it, or choose another id.")
    if as_json:
        click.echo(json.dumps({"id": id, "path": str(path)}, indent=2))
        return
    click.echo(f"{path}\nEdit it, then run `nekb guidance check` and `nekb build`.")
