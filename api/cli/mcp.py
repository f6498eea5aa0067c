"""`nekb mcp`: the MCP server over standard input and output."""

from __future__ import annotations

import logging
import signal

import click

from kb.home import nekb_home


@click.command()
def mcp() -> None:
    """Serve coding agents over stdio (Model Context Protocol)."""
    from api.cli.opening import open_or_build
    from api.current import CurrentSnapshot
    from api.mcp.server import mcp_server

    open_or_build()
    current = CurrentSnapshot(nekb_home())
    logging.getLogger().setLevel(logging.WARNING)
    # Ctrl+C ends it at once, as it does `cat`: a thread waits for the next line, and Python would wait for the thread.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        mcp_server(current.fresh).run("stdio")
    except BaseExceptionGroup as failures:
        _, others = failures.split(BrokenPipeError)
        if others is not None:
            raise
        raise BrokenPipeError from failures  # the agent went away
