"""`nekb serve`: the query endpoint."""

from __future__ import annotations

import click

from kb.errors import BadInputError
from kb.home import nekb_home


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; beyond this machine keys are demanded."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes; they share the snapshot."
)
@click.option("--rate", default="120/minute", show_default=True, help="Requests of a key or a client.")
@click.option("--origin", "origins", multiple=True, help="A web origin that may call (CORS); none by default.")
@click.option(
    "--public-name",
    "hosts",
    multiple=True,
    help="A name under which this server is reached from elsewhere; keys are demanded then.",
)
def serve(host: str, port: int, workers: int, rate: str, origins: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    """Answer over HTTP: POST /v1/ask and more."""
    from api.cli.opening import open_or_build
    from api.http.listening import check_name, check_origin, listening, shown
    from api.http.server import serve as run
    from api.http.settings import ServeSettings, is_loopback
    from api.records.database import open_database
    from api.records.keys import list_keys
    from api.records.retention import retention_days

    _check_rate(rate)
    retention_days()
    origins, hosts = tuple(map(check_origin, origins)), tuple(map(check_name, hosts))
    home = nekb_home()
    sockets = listening(host, port)
    open_or_build()
    records = open_database(home)
    guarded = not is_loopback(host) or bool(hosts)
    if guarded and not any(k.revoked is None for k in list_keys(records)):
        raise BadInputError(
            f"{hosts[0] if hosts else host} can be reached from other machines and there is no API key yet.",
            "Make one with `nekb keys create NAME`, or listen on 127.0.0.1 without a public name.",
            code="no_keys",
        )
    click.echo(f"nekb answers on http://{shown(host, port)}{' (with a key)' if guarded else ''}", err=True)
    run(ServeSettings(home, host, port, guarded, rate, origins=origins, hosts=hosts), workers, sockets)


def _check_rate(rate: str) -> None:
    """Raises `BadInputError` for a rate that cannot be read, or lets nobody in."""
    from limits import parse

    try:
        item = parse(rate)
    except ValueError:
        item = None
    if item is None or item.amount < 1 or item.get_expiry() < 1:
        raise BadInputError(f"{rate!r} is no rate.", "Write a number and a time, such as 120/minute.")
