"""`nekb reparse`: read every kept page again."""

from __future__ import annotations

import sys

import click

from kb.home import nekb_home


@click.command()
@click.option("--no-build", is_flag=True, help="Only read; build later with `nekb build`.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def reparse(no_build: bool, as_json: bool) -> None:
    """Read every kept page again, offline, then build: after nekb was updated, or its parser mended."""
    from api.cli.ingest import build_and_tell
    from api.cli.progress import Bars
    from ingest.importing import read_again

    with Bars() as bars:
        report = read_again(nekb_home(), bars)
    build_and_tell(report, no_build=no_build, as_json=as_json)
    sys.exit(0 if report.outcome == "ok" else 2)
