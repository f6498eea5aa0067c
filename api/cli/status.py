"""`nekb status`: how ingestion stands."""

from __future__ import annotations

import json
from typing import Any

import click

from api.text import one_line
from kb.home import nekb_home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(as_json: bool) -> None:
    """Show the sources and their age, what is held, drift, closed hosts, disk used."""
    from ingest.standing import standing

    found = standing(nekb_home())
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(f"{found['home']}  {found['disk_bytes'] / 1e6:,.1f} MB  snapshot {found['snapshot'] or 'none yet'}\n")
    click.echo(f"{'source':<11} {'last success':<14} {'last run':<27} {'outcome':<12} to fetch")
    for source in found["sources"]:
        click.echo(
            f"{source['source']:<11} {_age(source['age_seconds']):<14} {source['last_run'] or '-':<27} "
            f"{source['outcome'] or '-':<12} {source['waiting']}"
        )
    click.echo("")
    _counts("documents", found["documents"])
    _counts("pages", found["captures"])
    if found.get("to_read_again"):
        click.echo(f"{found['to_read_again']} pages were read by an older parser; `nekb reparse` reads them again.")
    for host in found["closed_hosts"]:
        click.echo(
            one_line(f"{host['host']} is closed until {host['until']}: {host['why']}. Import saved pages meanwhile.")
        )
    for page in found["drift"]:
        click.echo(one_line(f"drift: {page['address']} ({page['kind']}, {page['seen']}): {page['note']}"))


def _counts(name: str, counts: dict[str, Any]) -> None:
    click.echo(f"{name}: " + (", ".join(f"{n:,} {word}" for word, n in counts.items()) or "none"))


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word} ago"
    return "just now"
