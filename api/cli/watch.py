"""`nekb watch`: each new thread's triage, sent where a team will see it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.errors import BadInputError
from kb.home import nekb_home

if TYPE_CHECKING:
    from api.triage.targets import Target
    from api.triage.watching import Watch


@click.command()
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Append JSON lines to this file.")
@click.option("--webhook", metavar="URL", envvar="NEKB_WEBHOOK", show_envvar=True, help="Post JSON there.")
@click.option("--slack", metavar="CHANNEL", help="Post to this channel (its id), with SLACK_BOT_TOKEN.")
@click.option(
    "--slack-webhook",
    metavar="URL",
    envvar="NEKB_SLACK_WEBHOOK",
    show_envvar=True,
    help="An incoming webhook of Slack.",
)
@click.option(
    "--every",
    type=click.IntRange(5, 1440),
    default=15,
    show_default=True,
    help="Minutes between two looks at the feed.",
)
@click.option(
    "--digest-at", type=click.IntRange(0, 23), default=8, show_default=True, help="Hour (UTC) of the day's digest."
)
@click.option("--once", is_flag=True, help="Look and send once, for a scheduler such as cron.")
def watch(
    file: Path | None, webhook: str | None, slack: str | None, slack_webhook: str | None,
    every: int, digest_at: int, once: bool,
) -> None:  # fmt: skip
    """Watch the tag's feed and send each new thread's triage on, once, and a digest a day.

    What the feed shows when a target is first used is not new. Nothing is ever posted to the forum.

    Exit status with --once: 0 all went well, 2 the feed, a target or the records could not be reached.
    """
    from api.cli.opening import open_or_build
    from api.triage.watching import only_watch

    targets = _targets(file, webhook, slack, slack_webhook)
    open_or_build()
    home = nekb_home()
    _log_to_stderr()
    with only_watch(home):
        watching = _watch(home, targets, digest_at)
        if once:
            sys.exit(_once(watching))
        click.echo(f"nekb watches the forum's feed every {every} minutes. Stop it with Ctrl-C.", err=True)
        try:
            watching.run(every * 60.0)
        except KeyboardInterrupt:
            click.echo("Stopped; the next start goes on from here.", err=True)


def _once(watching: Watch) -> int:
    """Look and send once; the exit status."""
    watching.look()
    watching.deliver()
    if watching.problem:
        click.echo(f"nekb: {watching.problem} [{watching.code}]", err=True)
    return 2 if watching.problem or watching.waiting() else 0


def _log_to_stderr() -> None:
    """JSON lines, so that what is sent where can be followed; no message's text is in them."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _targets(file: Path | None, webhook: str | None, slack: str | None, slack_webhook: str | None) -> list[Target]:
    from api.triage.targets import FileTarget, SlackTarget, SlackWebhookTarget, WebhookTarget

    found: list[Target] = []
    if file:
        found.append(FileTarget(file))
    if webhook:
        found.append(WebhookTarget(webhook))
    if slack_webhook:
        found.append(SlackWebhookTarget(slack_webhook))
    if slack:
        token = os.environ.get("SLACK_BOT_TOKEN")
        if not token:
            raise BadInputError("SLACK_BOT_TOKEN is not set.", "docs/triage.md says where it comes from.", code="slack")
        found.append(SlackTarget(slack, token, os.environ.get("SLACK_API_URL")))
    if not found:
        raise BadInputError("There is nowhere to send to.", "Name --file, --webhook, --slack or --slack-webhook.")
    return found


def _watch(home: Path, targets: list[Target], digest_at: int) -> Watch:
    from api.current import CurrentSnapshot
    from api.records.database import open_database
    from api.triage.reading import threads_of
    from api.triage.watching import FEED, Watch
    from ingest.single import fetch_page
    from kb.documents import Document
    from kb.triage import Triage, triage

    current = CurrentSnapshot(home)

    def read() -> list[Document]:
        return threads_of(fetch_page(home, FEED))

    def judge(document: Document) -> Triage:
        current.refresh()
        return triage(document, current.get())

    return Watch(open_database(home), targets, read, judge, digest_at)
