"""`nekb doctor`: what one saved page says, field by field."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.text import one_line
from kb.home import nekb_home

if TYPE_CHECKING:
    from ingest.examining import Examination


@click.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(file: str, as_json: bool) -> None:
    """Show what nekb reads in FILE: its kind, every field, the layer that gave it, how far that is to be trusted.

    Nothing is kept. Exit status: 0 the page is sound, 1 it is not, or one of several cannot be read.
    """
    from ingest.examining import examine
    from ingest.files import require_named

    require_named(file)
    found, unreadable = examine(Path(file), nekb_home())
    if as_json:
        click.echo(json.dumps([e.to_json() for e in found], indent=2, ensure_ascii=False))
    else:
        for examination in found:
            _show(examination)
    for line in unreadable:
        click.echo(f"nekb: {one_line(line)}", err=True)
    sys.exit(0 if all(e.sound for e in found) and not unreadable else 1)


def _show(examination: Examination) -> None:
    raw = examination.to_json()
    host = "" if raw["verified"] else "  (no source's host: its marks are not believed)"
    click.echo(one_line(f"{raw['name']}: {raw['kind']}"))
    click.echo(one_line(f"  address  {raw['address'] or 'unknown'}{host}"))
    click.echo(one_line(f"  taken    {raw['taken']}  encoding {raw['encoding']}"))
    posts = sum(d["posts"] for d in raw["documents"])
    click.echo(f"  gives    {len(raw['documents'])} documents, {posts} posts, {raw['rows']} links onward")
    if raw["next_page"]:
        click.echo(one_line(f"  next     {raw['next_page']}"))
    if raw["fields"]:
        click.echo(f"\n  {'field':<13} {'layer':<11} {'confidence':>10} {'has it':>9}  sample")
    for field in raw["fields"]:
        share = f"{field['filled']}/{field['items']}"
        sample = one_line(field["sample"])[:60]
        click.echo(
            f"  {field['name']:<13} {field['layer'] or '-':<11} {field['confidence']:>10.2f} {share:>9}  {sample}"
        )
    for problem in raw["problems"]:
        click.echo(one_line(f"  {problem['severity']}: {problem['what']}"))
    for note in raw["notes"]:
        click.echo(one_line(f"  note: {note}"))
    click.echo(f"  {'sound' if raw['sound'] else 'not sound'}\n")
