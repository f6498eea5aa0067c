"""`nekb triage`: what a moderator wants to know of one thread."""

from __future__ import annotations

import sys

import click

from api.text import plain
from kb.home import nekb_home


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
    found = False
    for at, thread in enumerate(threads):
        judged = judge(thread, snapshot)
        found = found or judged.outcome != "no_match"
        if as_json:
            click.echo(judged.to_json())
        else:
            from api.triage.showing import triage_lines

            click.echo("\n".join([*(["", "=" * 72, ""] if at else []), *triage_lines(judged)]))
    sys.exit(0 if found else 1)
