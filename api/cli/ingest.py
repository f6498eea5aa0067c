"""`nekb ingest`: take in saved pages, or fetch new ones."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.text import one_line
from ingest.sources import sources
from kb.home import nekb_home

if TYPE_CHECKING:
    from ingest.build import BuildReport
    from ingest.progress import Progress
    from ingest.settling import IngestReport


@click.command()
@click.argument("what", nargs=-1)
@click.option(
    "--from", "source", type=click.Choice(list(sources())),
    help="Fetch what is new of a source; with addresses, only those.",
)  # fmt: skip
@click.option("--no-build", is_flag=True, help="Only keep and read; build later with `nekb build`.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def ingest(what: tuple[str, ...], source: str | None, no_build: bool, as_json: bool) -> None:
    """Take in WHAT, then build the snapshot.

    WHAT are saved pages (HTML, MHTML, web archive, RSS, text), folders or zips of them, `-` for standard input, or
    addresses to fetch.

    Exit status: 0 all went well; 2 something needs a look (drift, a page of no use, the forum's gate).
    """
    from api.cli.progress import Bars
    from ingest.settling import together

    files, addresses = _sorted_out(what, source)
    with Bars() as bars:
        reports = _run(files, addresses, source, bars)
    report = together(reports)
    build_and_tell(report, no_build=no_build, as_json=as_json)
    sys.exit(0 if report.outcome == "ok" else 2)


def _sorted_out(what: tuple[str, ...], source: str | None) -> tuple[list[Path], list[str]]:
    from ingest.files import require_named

    addresses = [w for w in what if w.lower().startswith(("http://", "https://"))]
    files = [Path(w) for w in what if w not in addresses]
    if source and files:
        raise click.UsageError("--from fetches addresses; import files without it.")
    if not what and not source:
        raise click.UsageError("Name files, folders, zips or addresses, or a source with --from.")
    for name in what:
        require_named(name)
    return files, addresses


def _run(files: list[Path], addresses: list[str], source: str | None, progress: Progress) -> list[IngestReport]:
    from ingest.sources import source_of

    reports = []
    for address in addresses:  # before anything is taken in: one that is refused would lose the report of the files
        source_of(address)
    if files:
        from ingest.importing import import_files

        reports.append(import_files(nekb_home(), files, progress))
    if addresses or source:
        from ingest.crawling import fetch_source

        reports.append(fetch_source(nekb_home(), source, addresses, progress))
    return reports


def build_and_tell(report: IngestReport, *, no_build: bool, as_json: bool) -> None:
    """Build, and tell what was taken in: that is kept, and told where the build fails, or is stopped, too."""
    from api.cli.progress import Bars
    from ingest.build import build

    built = None
    try:
        if not no_build and to_build(report):
            with Bars() as bars:
                built = build(nekb_home(), bars, only_news=True)
    finally:
        if as_json:
            told = {"outcome": report.outcome, "snapshot": built.id if built else None}
            click.echo(json.dumps(asdict(report) | told))
        else:
            show_report(report, built)


def to_build(report: IngestReport) -> bool:
    """Whether documents moved, in this run or in one that ended before it built; an up-to-date build is soon done."""
    from kb.snapshot import current_folder

    moved = report.new or report.changed or report.gone
    return bool(moved) or current_folder(nekb_home()) is not None


def show_report(report: IngestReport, built: BuildReport | None = None) -> None:
    """The summary on stdout; what a person should look at on stderr."""
    counts = f"{report.new} new, {report.changed} changed, {report.unchanged} unchanged documents"
    more = [
        (report.gone, "gone"), (report.folded, "folded into another"), (len(report.failed), "failed"),
        (len(report.drift), "drifted"), (len(report.unknown), "of no use"), (report.skipped, "other files passed over"),
    ]  # fmt: skip
    click.echo(counts + "".join(f", {n} {word}" for n, word in more if n) + ".")
    if report.fetched or report.not_modified or report.waiting:
        click.echo(f"{report.fetched} fetched, {report.not_modified} not modified, {report.waiting} still to fetch.")
    if built:
        _show_snapshot(built)
    told = set()
    for word, lines in (("drift", report.drift), ("failed", report.failed), ("warning", report.warnings)):
        for line in lines:
            told.add(line.partition(": ")[0])
            click.echo(f"nekb: {word}: {one_line(line)}", err=True)
    for address in report.unknown:
        if address not in told:
            click.echo(f"nekb: kept, and of no use, as before: {one_line(address)}", err=True)
    if report.drift:
        click.echo(
            "nekb: the pages are kept, and so are the documents of before; `nekb doctor FILE` shows one.", err=True
        )
    if report.stopped:
        click.echo(f"nekb: stopped: {one_line(report.stopped)}", err=True)


def _show_snapshot(built: BuildReport) -> None:
    """Which snapshot answers, where that is another one or one that a person may have forgotten."""
    if built.fresh or built.switched:
        click.echo(f"Snapshot {built.id} answers now: {built.documents} documents, {built.passages:,} passages.")
    elif built.id != built.newest:
        click.echo(f"Snapshot {built.id} answers on, to which you went back; `nekb build` publishes {built.newest}.")
