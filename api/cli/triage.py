"""`nekb triage`: what a moderator wants to know of one thread."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from api.text import one_line, plain
from kb.errors import BadInputError
from kb.home import nekb_home

if TYPE_CHECKING:
    from kb.triage import Triage


@click.command()
@click.argument("what", metavar="FILE|FOLDER|URL")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a thread, one a line.")
def triage(what: str, as_json: bool) -> None:
    """Judge a thread: topic, likely cards, likely duplicates, what was left out, the route, a draft reply.

    FILE is a saved thread page, a feed, or text whose first line is the title; `-` reads standard input. Of a FOLDER
    what cannot be read is told and passed over. A URL of the forum is fetched once, politely, and kept. Nothing is
    ever posted to the forum: the draft is for a person.

    Exit status: 0 guidance was found for a thread, 1 for none, 2 an error.
    """
    from api.cli.opening import open_or_build
    from api.triage.reading import threads_in
    from kb.triage import triage as judge

    def unread(line: str) -> None:
        click.echo(plain(f"nekb: passed over: {line}"), err=True)

    threads = threads_in(what, nekb_home(), unread)
    snapshot = open_or_build()
    outcomes: list[str] = []
    for thread in threads:
        try:
            judged = judge(thread, snapshot)
        except BadInputError as error:
            if len(threads) == 1:
                raise
            unread(f"{one_line(thread.title)[:200]}: {error.sentence}")
            continue
        _show(judged, as_json=as_json, first=not outcomes)
        outcomes.append(judged.outcome)
    if not outcomes:
        raise BadInputError("None of the threads can be read.", "Save their own pages, or paste their text.")
    sys.exit(1 if all(outcome == "no_match" for outcome in outcomes) else 0)


def _show(judged: Triage, *, as_json: bool, first: bool) -> None:
    if as_json:
        click.echo(judged.to_json())
        return
    from api.triage.showing import triage_lines

    click.echo("\n".join([*([] if first else ["", "=" * 72, ""]), *triage_lines(judged)]))
