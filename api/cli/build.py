"""`nekb build`: make the snapshot that answers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from kb.errors import BadInputError
from kb.home import nekb_home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--shard", metavar="I/N", help="Only embed part I of N and write it to a file; publish nothing.")
@click.option("--merge", is_flag=True, help="Build from the files of all parts.")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def build(as_json: bool, shard: str | None, merge: bool, files: tuple[Path, ...]) -> None:
    """Build the snapshot of what was ingested and of the guidance, and publish it.

    Where embedding takes too long for one machine, run `nekb build --shard I/N` on each of N machines with a copy of
    the store, and `nekb build --merge FILES` on one of them.
    """
    from api.cli.progress import Bars
    from ingest.build import build as build_snapshot

    if (shard is not None and merge) or bool(files) != merge:
        raise BadInputError("--merge takes the files of all parts, and nothing else does.", "See `nekb build --help`.")
    if shard is not None:
        _embed(shard, as_json)
        return
    with Bars() as bars:
        if merge:
            from ingest.build.shards import merge_parts

            merge_parts(nekb_home(), files)
        report = build_snapshot(nekb_home(), bars)
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    done = "Built" if report.fresh else "Nothing changed; already built:"
    click.echo(
        f"{done} snapshot {report.id}: {report.cards} cards, {report.documents} documents, "
        f"{report.passages:,} passages, {report.seconds:.1f} s.{' It answers now.' if report.switched else ''}"
    )


def _embed(shard: str, as_json: bool) -> None:
    from api.cli.progress import Bars
    from ingest.build.shards import Part, embed_part

    part = Part.read(shard)
    with Bars() as bars:
        path, count = embed_part(nekb_home(), part, bars)
    click.echo(json.dumps({"file": str(path), "texts": count}) if as_json else f"{path}: {count:,} texts.")
