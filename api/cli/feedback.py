"""`nekb feedback`: say whether an answer helped; take the votes out as evaluation questions."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from api.cli.new_file import write_new
from api.cli.spoken import Spoken, said
from kb.errors import BadInputError
from kb.home import nekb_home


@click.group()
def feedback() -> None:
    """Say whether an answer helped, or take the votes out as evaluation questions. No ranking changes by a vote."""


@feedback.command("give", cls=Spoken)
@click.argument("text", nargs=-1, required=True)
@click.option("--helpful/--not-helpful", required=True, help="Whether the first card was the right one.")
@click.option("--card", metavar="ID", help="The card the vote is about; the first of the answer where it is left out.")
@click.option("--expected", metavar="ID", help="The card that would have been right.")
@click.option("--reason", help="In a sentence, what was missing.")
def give(text: tuple[str, ...], helpful: bool, card: str | None, expected: str | None, reason: str | None) -> None:
    """Keep a vote on the answer to TEXT; `-` reads standard input."""
    from api.cli.ask import read_stdin
    from api.cli.opening import open_or_build
    from api.records.database import open_database
    from api.records.feedback import keep_feedback
    from kb import ask

    query = read_stdin() if text == ("-",) else said(text)
    snapshot = open_or_build()
    for id in (card, expected):
        if id is not None and id not in snapshot.cards:
            raise BadInputError(f"There is no card {id!r}.", "`nekb guidance list` lists them.", code="unknown_card")
    shown = ask(query, snapshot=snapshot).guidance
    first = shown[0].id if shown else None
    keep_feedback(
        open_database(nekb_home()),
        query=query,
        helpful=helpful,
        surface="cli",
        card=card or first,
        reason=reason,
        expected=expected,
        snapshot=snapshot.manifest.id,
    )
    click.echo("Kept. `nekb feedback export` writes the votes as evaluation questions.")


@feedback.command("export")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
def export(file: Path) -> None:
    """Write the votes that say which card is right as labelled questions (JSON lines), for `nekb eval`."""
    from api.records.database import open_database
    from api.records.feedback import evaluation_lines

    lines = [line + "\n" for line in evaluation_lines(open_database(nekb_home()))]
    if str(file) == "-":
        sys.stdout.writelines(lines)
    else:
        write_new(file, "".join(lines))
        click.echo(f"{len(lines)} questions in {file}.", err=True)
