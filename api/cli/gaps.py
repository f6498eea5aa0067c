"""`nekb gaps`: what people ask that is not answered surely."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.new_file import write_new
from api.text import one_line
from kb.home import nekb_home

if TYPE_CHECKING:
    from api.records.gaps import Gaps

_WIDTH = 96


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far back to look.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the groups as an evaluation file to label; an existing file is left alone.",
)
def gaps(days: int, as_json: bool, export: Path | None) -> None:
    """Show questions with no match or low confidence, alike ones together; votes; the most used cards.

    Questions asked over HTTP, in Slack and on the page are kept on this machine, for NEKB_RETENTION_DAYS (90).
    """
    from api.cli.opening import open_or_build
    from api.records.database import open_database
    from api.records.gaps import find_gaps, gap_lines
    from api.records.retention import forget_old

    engine = open_database(nekb_home())
    forget_old(engine)
    found = find_gaps(engine, open_or_build(), days)
    if export is not None:
        lines = [line + "\n" for line in gap_lines(found)]
        write_new(export, "".join(lines))
        click.echo(f"{len(lines)} questions to label in {export}", err=True)
    elif as_json:
        click.echo(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(found)))


def _lines(found: Gaps) -> Iterator[str]:
    share = f" ({100 * found.unsure / found.asked:.0f} %)" if found.asked else ""
    yield f"Last {found.days} days: {found.asked} questions, {found.unsure} without a sure answer{share}"
    if found.groups:
        yield from ("", "Not answered surely")
        for group in found.groups[:30]:
            first, *others = group.questions
            more = f"  (+{len(others)} like it)" if others else ""
            yield f"{group.times:>5}  {first.outcome:<9}  {one_line(first.query)[:_WIDTH]}{more}"
    if found.votes:
        yield from ("", "Votes")
        for v in found.votes:
            yield f"  +{v.helpful} -{v.unhelpful}  {v.card or '(no card)'}"
            yield from (f"          {one_line(reason)[:_WIDTH]}" for reason in v.reasons)
    if found.used:
        yield from ("", "Most used cards")
        yield from (f"{times:>5}  {card}" for card, times in found.used)
    if found.by_day:
        yield from ("", "Day         answered  uncertain  no match")
        yield from (f"{d.day}  {d.answered:>8}  {d.uncertain:>9}  {d.no_match:>8}" for d in found.by_day)
