"""`nekb ingest`: take in saved pages."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from api.text import one_line
from kb.home import nekb_home


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--no-build", is_flag=True, help="Only keep and parse; build later with `nekb build`.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def ingest(files: tuple[Path, ...], no_build: bool, as_json: bool) -> None:
    """Take in FILES saved from the forum, then build the snapshot."""
    from api.cli.progress import Bars
    from ingest.build import build
    from ingest.importing import import_files

    with Bars() as bars:
        report = import_files(nekb_home(), files, bars)
        built = None if no_build or not (report.new or report.changed) else build(nekb_home(), bars)
    if as_json:
        click.echo(json.dumps(asdict(report) | {"snapshot": built.id if built else None}))
    else:
        click.echo(f"{report.new} new, {report.changed} changed, {report.unchanged} unchanged documents.")
        if built:
            click.echo(f"Snapshot {built.id}: {built.documents} documents, {built.passages:,} passages.")
    for warning in report.warnings:
        click.echo(f"nekb: {one_line(warning)}", err=True)
    if report.unknown:
        sys.exit(2)
