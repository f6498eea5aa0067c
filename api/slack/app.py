"""The Slack app: acknowledge at once, answer through the `response_url` or in the thread, say so when it fails."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond, AsyncSay
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from api.slack.blocks import answer_blocks, error_blocks, fallback
from api.slack.desk import Desk, Place, SlackSettings
from api.slack.mrkdwn import escaped
from api.slack.once import Once
from api.slack.state import facts, unpack
from api.slack.words import typed, without_mention, words_of
from kb.errors import NekbError

USAGE = (
    "Write what you see: `/nekb code 8 hotspot`, an error, or lines of a log. In a thread mention nekb instead, or "
    "take *Ask nekb about this message* from a message's menu. "
    "`/nekb set platform macOS` makes that the default of this channel, `/nekb set platform none` removes it."
)
FAILED = "nekb failed on this question.", "Try again; whoever runs it can see why in its log.", "internal"
_SET = re.compile(r"^set\s+(platform|distribution|supervision)\s+(\S+)$", re.IGNORECASE)
_IS_SLACKS = "nekb_verified"
_QUIET: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
logger = logging.getLogger("nekb.slack")


def slack_app(settings: SlackSettings, desk: Desk) -> AsyncApp:
    """The app with its handlers. It makes no call to Slack before a person asks."""
    silence_bolt()
    client = AsyncWebClient(token=settings.bot_token, base_url=settings.api_base or AsyncWebClient.BASE_URL)

    async def authorize(**context: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=context.get("enterprise_id"),
            team_id=context.get("team_id"),
            bot_token=settings.bot_token,
            bot_user_id="",
            bot_id="",
        )

    app = AsyncApp(
        signing_secret=settings.signing_secret or "socket-mode",
        authorize=authorize,
        client=client,
        logger=logger,
        attaching_function_token_enabled=False,
    )
    app.middleware(_verified)
    app.middleware(Once(desk.engine).__call__)
    app.error(_failed)
    _questions(app, desk)
    _buttons(app, desk)
    _feedback(app, desk)
    return app


def silence_bolt() -> None:
    """Bolt logs the body of a request whose signature is wrong, at information; a body is never logged here."""
    for name in ("slack_bolt", "slack_sdk", "nekb.slack"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _questions(app: AsyncApp, desk: Desk) -> None:
    @app.command("/nekb")
    async def command(ack: AsyncAck, respond: AsyncRespond, command: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        text, place = typed(str(command.get("text", ""))).strip(), Place.of(context)
        if not text or text.lower() == "help":
            await respond(text=USAGE)
        elif change := _SET.match(text):
            try:
                await respond(text=await desk.set_default(place, change[1].lower(), change[2]))
            except NekbError as error:
                await respond(text=escaped(f"{error} [{error.code}]"))
        else:
            await _private(respond, desk, text, place)

    @app.shortcut("nekb_ask_message")
    async def message(ack: AsyncAck, respond: AsyncRespond, shortcut: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        await _private(respond, desk, words_of(shortcut.get("message") or {}), Place.of(context))

    @app.event("app_mention")
    async def mention(event: dict[str, Any], say: AsyncSay, context: dict[str, Any]) -> None:
        thread, text = event.get("thread_ts") or event.get("ts"), without_mention(str(event.get("text", "")))
        if not text or text.lower() == "help":
            await say(text=USAGE, thread_ts=thread, **_QUIET)
            return
        place = Place.of(context)
        blocks, words, _ = await _made(desk, text, await desk.defaults(place), place, public=True)
        await say(blocks=blocks, text=words, thread_ts=thread, **_QUIET)


def _buttons(app: AsyncApp, desk: Desk) -> None:
    @app.action("nekb_show_all")
    async def show_all(ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        await _again(respond, desk, action, context, every_step=True)

    @app.action(re.compile(r"^nekb_refine_\d+$"))
    async def refine(ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        await _again(respond, desk, action, context, every_step=False)

    @app.action("nekb_share")
    async def share(ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        query, given = unpack(str(action.get("value", "")))
        blocks, words, failed = await _made(desk, query, given, Place.of(context), public=True, quoted=True)
        where = "ephemeral" if failed else "in_channel"
        await _respond(respond, blocks, words, response_type=where, replace_original=False)


def _feedback(app: AsyncApp, desk: Desk) -> None:
    @app.action("nekb_feedback")
    async def vote(
        ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any], body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        await ack()
        value = str(action.get("value", ""))
        if facts(value).get("v"):
            await desk.keep_vote(value, helpful=True)
            await respond(text="Thank you.", replace_original=False)
            return
        try:
            await client.views_open(trigger_id=str(body.get("trigger_id")), view=reason_view(value))
        except SlackApiError as error:
            logger.warning("the form for a reason could not be opened: %s", error.response.get("error"))
            await desk.keep_vote(value, helpful=False)
            await respond(text="Thank you. The form for a reason could not be opened.", replace_original=False)

    @app.view("nekb_reason")
    async def reason(ack: AsyncAck, view: dict[str, Any]) -> None:
        await ack()
        given = view.get("state", {}).get("values", {}).get("reason", {}).get("text", {}).get("value")
        await desk.keep_vote(str(view.get("private_metadata", "")), helpful=False, reason=given)

    @app.view_closed("nekb_reason")
    async def closed(ack: AsyncAck, view: dict[str, Any]) -> None:
        await ack()
        await desk.keep_vote(str(view.get("private_metadata", "")), helpful=False)


async def _private(respond: AsyncRespond, desk: Desk, text: str, place: Place) -> None:
    blocks, words, _ = await _made(desk, text, await desk.defaults(place), place)
    await _respond(respond, blocks, words, response_type="ephemeral")


async def _again(
    respond: AsyncRespond, desk: Desk, action: Mapping[str, Any], context: Mapping[str, Any], *, every_step: bool
) -> None:
    """The same question anew in the place of its answer. A failure is told beside it, and the answer stays."""
    value = str(action.get("value", ""))
    query, given = unpack(value)
    public = bool(facts(value).get("p"))
    blocks, words, failed = await _made(desk, query, given, Place.of(context), every_step=every_step, public=public)
    await _respond(respond, blocks, words, replace_original=not failed)


async def _made(
    desk: Desk, text: str, given: dict[str, str], place: Place, *,
    every_step: bool = False, public: bool = False, quoted: bool = False,
) -> tuple[list[dict[str, Any]], str, bool]:  # fmt: skip
    """Blocks and fallback words of the answer, or of the failure; and whether it is a failure."""
    try:
        answer = await desk.answer(text, given, place)
        blocks = answer_blocks(answer, given, asked=text, every_step=every_step, public=public, quoted=quoted)
        return blocks, fallback(answer), False
    except NekbError as error:
        return error_blocks(error.sentence, error.remedy, error.code), escaped(error.sentence), True
    except Exception as error:
        _log(error)
        return error_blocks(*FAILED), FAILED[0], True


async def _respond(respond: AsyncRespond, blocks: list[dict[str, Any]], words: str, **how: Any) -> None:
    """Send the answer; where Slack does not take its blocks, say at least what it is."""
    got = await respond(blocks=blocks, text=words, **how, **_QUIET)
    if got.status_code != 200:
        logger.warning("Slack did not take an answer: %s", got.status_code)
        await respond(text=f"{words} (The whole answer could not be shown here.)", **{**how, "replace_original": False})


async def _verified(context: dict[str, Any], next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
    """A middleware, which Bolt runs after its own: a request that comes to it is Slack's."""
    context[_IS_SLACKS] = True
    return await next()


async def _failed(
    error: Exception, respond: AsyncRespond, say: AsyncSay, body: dict[str, Any], context: dict[str, Any]
) -> None:
    """Whatever a handler did not catch: say so to the person, in the log without a word of the body.

    Only where the request is Slack's: the body says where the answer goes.
    """
    _log(error)
    if not context.get(_IS_SLACKS):
        return
    event = body.get("event") or {}
    try:
        if respond.response_url:
            await respond(blocks=error_blocks(*FAILED), text=FAILED[0], replace_original=False)
        elif event.get("channel"):
            thread = event.get("thread_ts") or event.get("ts")
            await say(blocks=error_blocks(*FAILED), text=FAILED[0], channel=event["channel"], thread_ts=thread)
    except Exception as again:
        _log(again)


def _log(error: Exception) -> None:
    """Where it failed, without its message, which may quote what was asked."""
    frames, at = [], error.__traceback__
    while at is not None:
        frames.append(f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}")
        at = at.tb_next
    logger.error("a question failed: %s at %s", type(error).__name__, " > ".join(frames[-4:]))


def reason_view(value: str) -> dict[str, Any]:
    """The form that asks what was wrong."""
    box = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 1500}
    return {
        "type": "modal",
        "callback_id": "nekb_reason",
        "notify_on_close": True,
        "private_metadata": value,
        "title": {"type": "plain_text", "text": "What was wrong?"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "reason",
                "optional": True,
                "element": box,
                "label": {"type": "plain_text", "text": "What would have been the right guidance?"},
            }
        ],
    }
