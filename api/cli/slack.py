"""`nekb slack`: Socket Mode for teams without a public address, and the app manifest."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from kb.errors import BadInputError, NekbError

if TYPE_CHECKING:
    from api.slack.desk import Desk, SlackSettings


@click.group(invoke_without_command=True)
@click.pass_context
def slack(context: click.Context) -> None:
    """Answer in Slack over Socket Mode; needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN.

    With a public address use `nekb serve` and SLACK_SIGNING_SECRET instead.
    """
    if context.invoked_subcommand is None:
        _socket_mode()


@slack.command()
@click.option(
    "--address", help="The server's public address, such as https://nekb.example.com; without it Socket Mode."
)
@click.option("--watch", is_flag=True, help="With the scopes that `nekb watch --slack` needs to send nothing twice.")
def manifest(address: str | None, watch: bool) -> None:
    """Print the app manifest to paste at api.slack.com/apps."""
    from api.slack.manifest import manifest as made

    click.echo(json.dumps(made(address, watch=watch), indent=2))


def _socket_mode() -> None:
    from api.cli.opening import open_or_build
    from api.current import CurrentSnapshot
    from api.records.database import open_database
    from api.records.retention import retention_days
    from api.slack.desk import Desk
    from kb.home import nekb_home

    settings = _settings()
    retention_days()
    open_or_build()
    current = CurrentSnapshot(nekb_home())
    current.refresh()  # everything is open before the first question, which Slack expects taken in three seconds
    _run(settings, Desk(current.fresh, open_database(nekb_home())))


def _settings() -> SlackSettings:
    """What the environment says. Raises `BadInputError` where a token is missing or none."""
    from api.slack.desk import SlackSettings

    bot, app_token = (os.environ.get(name) for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"))
    if not bot or not app_token:
        raise BadInputError(
            "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are not both set.",
            "docs/slack.md takes a new team to both.",
            code="slack",
        )
    return SlackSettings(bot, app_token=app_token, api_base=os.environ.get("SLACK_API_URL"))


def _run(settings: SlackSettings, desk: Desk) -> None:
    """Answer until stopped. Raises `NekbError` where Slack refuses a token, or cannot be reached at the start."""
    import asyncio

    from aiohttp import ClientError
    from slack_sdk.errors import SlackApiError

    from api.records.questions import flush

    try:
        asyncio.run(_answer(settings, desk))
    except SlackApiError as error:
        raise BadInputError(
            f"Slack refused a token: {error.response.get('error')}.",
            "SLACK_BOT_TOKEN begins with xoxb-; SLACK_APP_TOKEN with xapp-, and has the scope connections:write.",
            code="slack",
        ) from None
    except (ClientError, OSError) as error:
        raise NekbError(
            f"Slack cannot be reached ({type(error).__name__}).",
            "Check the network, then start it again.",
            code="slack",
        ) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("Stopped.", err=True)
    finally:
        flush()


async def _answer(settings: SlackSettings, desk: Desk) -> None:
    """Answer until the process is told to stop, by Ctrl-C or as a service is (SIGTERM)."""
    import asyncio
    import signal

    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler

    from api.records.retention import keep_forgetting
    from api.slack.app import slack_app

    here = asyncio.current_task()
    assert here is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, here.cancel)
    app, app_token = slack_app(settings, desk), settings.app_token
    assert app_token is not None  # without one nothing gets here
    await app.client.auth_test()  # a wrong token is said now: once it listens, the client tries again for ever
    await app.client.apps_connections_open(app_token=app_token)
    click.echo("nekb answers in Slack (Socket Mode). Stop it with Ctrl-C.", err=True)
    forgetting = asyncio.create_task(keep_forgetting(desk.engine))
    socket = AsyncSocketModeHandler(app, app_token)
    try:
        await socket.start_async()  # type: ignore[no-untyped-call]
    finally:
        forgetting.cancel()
        await socket.close_async()  # type: ignore[no-untyped-call]
