"""`nekb keys`: who may ask."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from api.text import one_line
from kb.home import nekb_home


@click.group()
def keys() -> None:
    """API keys of the server."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["ask", "feedback", "snapshots", "admin"]),
    default=("ask", "feedback"),
    show_default=True,
)
def create(name: str, scopes: tuple[str, ...]) -> None:
    """Make a key called NAME and show it, once."""
    from api.records.database import open_database
    from api.records.keys import create_key

    key, secret = create_key(open_database(nekb_home()), one_line(name), scopes)
    click.echo(f"{secret}\nKey {key.id} ({', '.join(key.scopes)}). It is not shown again.", err=False)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_all(as_json: bool) -> None:
    """Every key: id, name, scopes, dates."""
    from api.records.database import open_database
    from api.records.keys import list_keys

    found = list_keys(open_database(nekb_home()))
    if as_json:
        click.echo(json.dumps([asdict(k) for k in found], indent=2))
        return
    for k in found:
        state = f"revoked {k.revoked}" if k.revoked else "active"
        click.echo(f"{k.id}  {one_line(k.name):<24} {','.join(k.scopes):<20} {k.created}  {state}")


@keys.command()
@click.argument("id")
def revoke(id: str) -> None:
    """Revoke the key ID from now on."""
    from api.records.database import open_database
    from api.records.keys import revoke_key

    revoke_key(open_database(nekb_home()), id)
    click.echo(f"Key {id} is revoked.")
