"""`nekb reparse`: read every kept page again."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from kb.home import nekb_home


@click.command()
@click.option("--no-build", is_flag=True, help="Only read; build later with `nekb build`.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def reparse(no_build: bool, as_json: bool) -> None:
    """Read every kept page again, offline, then build: after nekb was updated, or its parser mended."""
    from api.cli.ingest import show_report, to_build
    from api.cli.progress import Bars
    from ingest.build import build
    from ingest.importing import read_again

    with Bars() as bars:
        report = read_again(nekb_home(), bars)
        built = None if no_build or not to_build([report]) else build(nekb_home(), bars, only_news=True)
    if as_json:
        click.echo(json.dumps(asdict(report) | {"outcome": report.outcome, "snapshot": built.id if built else None}))
    else:
        show_report(report, built)
    sys.exit(0 if report.outcome == "ok" else 2)
