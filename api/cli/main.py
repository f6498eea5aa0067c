"""The entry point of `nekb`. Commands are imported when they are used: `nekb --help` imports none of them."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

# pydantic looks through every installed package for plugins, 20 ms, and nekb has none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")

import kb
from api.text import plain
from kb.errors import NekbError

# name -> (module, attribute, short help); the help stands here so that listing commands imports none of them.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "ask": ("api.cli.ask", "ask", "Answer a symptom: three words, a question, a pasted log."),
    "error": ("api.cli.error", "error", "Say what an error code means, in every domain that knows it."),
    "guidance": ("api.cli.guidance", "guidance", "List, show, check and write guidance cards."),
    "ingest": ("api.cli.ingest", "ingest", "Take in saved pages, or fetch new ones, then build."),
    "doctor": ("api.cli.doctor", "doctor", "Show what is read in one saved page, field by field."),
    "reparse": ("api.cli.reparse", "reparse", "Read every kept page again, offline."),
    "status": ("api.cli.status", "status", "Show sources, ages, counts, drift, closed hosts, disk."),
    "serve": ("api.cli.serve", "serve", "Answer over HTTP."),
    "slack": ("api.cli.slack", "slack", "Answer in Slack; print the app manifest."),
    "mcp": ("api.cli.mcp", "mcp", "Serve coding agents over stdio (MCP)."),
    "triage": ("api.cli.triage", "triage", "Judge a forum thread and draft a reply to edit."),
    "watch": ("api.cli.watch", "watch", "Send each new thread's triage to Slack, a webhook or a file."),
    "keys": ("api.cli.keys", "keys", "Make, list and revoke API keys."),
    "feedback": ("api.cli.feedback", "feedback", "Say whether an answer helped; export votes as questions."),
    "gaps": ("api.cli.gaps", "gaps", "Show what people ask that is not answered surely."),
    "eval": ("api.cli.evaluate", "evaluate", "Measure answers on labelled questions."),
    "build": ("api.cli.build", "build", "Build the snapshot that answers."),
    "snapshots": ("api.cli.snapshots", "snapshots", "List, activate, prune and pull snapshots."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it runs."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(kb.__version__, prog_name="nekb")
def cli() -> None:
    """The triage desk for Apple's Network Extension: a symptom in, the canonical guidance out.

    \b
    nekb ask "code 8 hotspot"
    log show --last 5m | nekb ask -

    Exit status: 0 something was found, 1 nothing was, 2 an error.
    """


def main(argv: list[str] | None = None) -> Any:
    """Run `nekb`; errors meant for people become a sentence and a remedy on stderr, exit status 2."""
    try:
        return cli.main(args=argv, prog_name="nekb", standalone_mode=True)
    except NekbError as error:
        click.echo(plain(f"nekb: {error.sentence}\n{error.remedy} [{error.code}]"), err=True)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
