"""`nekb mcp`: the MCP server over standard input and output."""

from __future__ import annotations

import logging

import click

from kb.home import nekb_home


@click.command()
def mcp() -> None:
    """Serve coding agents over stdio (Model Context Protocol)."""
    from api.cli.opening import open_or_build
    from api.http.current import CurrentSnapshot
    from api.mcp.server import mcp_server

    open_or_build()
    current = CurrentSnapshot(nekb_home())
    logging.getLogger().setLevel(logging.WARNING)
    mcp_server(current.fresh).run("stdio")
