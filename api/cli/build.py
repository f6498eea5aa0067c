"""`nekb build`: make the snapshot that answers."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from kb.home import nekb_home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def build(as_json: bool) -> None:
    """Build the snapshot of what was ingested and of the guidance, and publish it."""
    from api.cli.progress import Bars
    from ingest.build import build as build_snapshot

    with Bars() as bars:
        report = build_snapshot(nekb_home(), bars)
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    done = "Built" if report.fresh else "Nothing changed; already built:"
    click.echo(
        f"{done} snapshot {report.id}: {report.cards} cards, {report.documents} documents, "
        f"{report.passages:,} passages, {report.seconds:.1f} s."
    )
