"""The entry point of `nekb`. Commands are imported when they are used: `nekb --help` imports none of them."""

from __future__ import annotations

import importlib
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TextIO

import click

# pydantic looks through every installed package for plugins, 20 ms, and nekb has none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")

import kb
from api.text import plain
from kb.errors import NekbError, NotFoundError

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


def main(argv: list[str] | None = None) -> NoReturn:
    """Run `nekb` and end the process; errors meant for people become a sentence and a remedy on stderr.

    Exit status: that of the command; 1 for a name that is not known, 2 for any other error, 130 where the person
    stopped it, 141 where whoever read its output went away.
    """
    _open_streams()
    try:
        status = _status(argv)
    except BrokenPipeError:
        status = 141
    for stream in (sys.stdout, sys.stderr):
        _let_go(stream)
    if "ingest.build" in sys.modules:
        from ingest.build.beside import still_at_work

        if still_at_work():
            os._exit(status)
    sys.exit(status)


def _status(argv: list[str] | None) -> int:
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("nekb: stopped.", err=True)
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        told = _for_people(error)
        if told is None:
            raise
        click.echo(plain(f"nekb: {told.sentence}\n{told.remedy} [{told.code}]"), err=True)
        return 1 if isinstance(told, NotFoundError) else 2


def _run(argv: list[str]) -> int:
    """Run the command, not by click's own `main`: that ends with 1, nothing was found, for a closed pipe."""
    if "_NEKB_COMPLETE" in os.environ:
        cli.main(argv, prog_name="nekb")  # the shell asks what could be typed
    try:
        with cli.make_context("nekb", list(argv)) as context:
            cli.invoke(context)
        status = 0
    except click.exceptions.Exit as end:
        status = end.exit_code
    except SystemExit as end:
        status = int(end.code or 0)
    sys.stdout.flush()
    return status


def _for_people(error: Exception) -> NekbError | None:
    """What to tell a person of an error; None where it is a defect of ours."""
    if isinstance(error, NekbError):
        return error
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return NekbError(
            f"{where}{error.strerror or error}.",
            "Check that NEKB_HOME and the files named are there and yours, and that the disk has room.",
            code="system",
        )
    if "sqlalchemy" in sys.modules:
        from sqlalchemy.exc import SQLAlchemyError

        from api.records.database import database_url, unusable
        from kb.home import nekb_home

        return unusable(error, database_url(nekb_home())) if isinstance(error, SQLAlchemyError) else None
    return None


def _open_streams() -> None:
    """A standard stream that is closed reads and writes nothing, and no file that is opened gets its number.

    What the encoding of standard output has not is written as a question mark: a card is read all the same. (In the
    locale C Python would write the bytes of a file's name as they were, and stumble over every other character.)
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="replace")


def _let_go(stream: TextIO) -> None:
    """Write what is left, or drop it where it cannot be written: Python would complain as it ends, with status 120."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
