"""`nekb snapshots`: which builds there are, going back to one, fetching one for a replica."""

from __future__ import annotations

import json
import os
import sys
import time

import click

from kb.errors import NekbError
from kb.home import nekb_home


@click.group()
def snapshots() -> None:
    """List, activate, prune and pull snapshots."""


@snapshots.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_snapshots(as_json: bool) -> None:
    """List the snapshots, newest first; the star marks the one that answers."""
    from ingest.build.snapshots import snapshots as standing

    found = standing(nekb_home())
    if as_json:
        rows = [
            {"id": s.id, "current": s.current, "bytes": s.bytes, "usable": s.manifest is not None}
            | (
                {"built_at": s.manifest.built_at, "collection": s.manifest.collection}
                if s.manifest
                else {"problem": s.problem}
            )
            for s in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for s in found:
        about = (
            f"{s.manifest.built_at}  {sum(s.manifest.passages.values()):>11,} passages  "
            f"{s.manifest.collection or 'vectors in a file'}"
            if s.manifest
            else s.problem
        )
        click.echo(f"{'*' if s.current else ' '} {s.id}  {s.bytes / 1e6:>10,.1f} MB  {about}")


@snapshots.command()
@click.argument("id")
def activate(id: str) -> None:
    """Let the snapshot ID answer, an earlier one too, until `nekb build` or until something new is ingested."""
    from ingest.build.snapshots import activate as switch
    from ingest.lock import only_writer

    home = nekb_home()
    with only_writer(home):
        manifest = switch(home, id)
    click.echo(f"Snapshot {manifest.id} of {manifest.built_at} answers now; running servers take it over in seconds.")


@snapshots.command()
@click.option("--keep", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many to keep.")
def prune(keep: int) -> None:
    """Remove the oldest snapshots, with their collections; never the one that answers."""
    from ingest.build.snapshots import prune as remove
    from ingest.lock import only_writer

    home = nekb_home()
    with only_writer(home):
        gone = remove(home, keep)
    click.echo(f"Removed {', '.join(gone)}." if gone else "Nothing to remove.")


@snapshots.command()
@click.argument("address")
@click.option("--every", type=click.IntRange(1, 86_400), help="Pull again after so many seconds, until stopped.")
def pull(address: str, every: int | None) -> None:
    """Fetch the snapshot that is current at ADDRESS, check every file, and let it answer.

    ADDRESS is https://HOST/v1/snapshots of a `nekb serve`, or a folder of files on any web server. A key goes into
    NEKB_SNAPSHOTS_KEY.
    """
    from ingest.pulling import pull as fetch

    while True:
        try:
            done = fetch(nekb_home(), address, os.environ.get("NEKB_SNAPSHOTS_KEY", ""))
        except (NekbError, OSError) as error:
            if every is None:
                raise
            click.echo(f"nekb: {error}", err=True)
        else:
            if done.fresh or every is None:
                state = "answers now" if done.fresh else "was here already"
                amount = f"{done.fetched / 1e6:.1f} MB fetched, {done.reused / 1e6:.1f} MB reused"
                click.echo(f"Snapshot {done.id} {state}; {amount}.")
        if every is None:
            return
        sys.stdout.flush()
        time.sleep(every)
