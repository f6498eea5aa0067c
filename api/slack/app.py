"""The Slack app: acknowledge at once, answer through the `response_url` or in the thread, say so when it fails."""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncRespond, AsyncSay
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from api.slack.blocks import PUBLIC, QUOTED, answer_blocks, error_blocks, fallback
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
_SET = re.compile(r"^set\s+(platform|distribution|supervision)(?:\s+(\S+(?:\s\S+)?))?$", re.IGNORECASE)
_IS_SLACKS = "nekb_verified"
_QUIET: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
_Work = Callable[[AsyncArgs], Awaitable[None]]
logger = logging.getLogger("nekb.slack")


def slack_app(settings: SlackSettings, desk: Desk) -> AsyncApp:
    """The app with its handlers. It makes no call to Slack before a person asks."""
    logger.setLevel(logging.ERROR)  # Bolt warns that SLACK_BOT_TOKEN is ignored: it is, for `authorize` has it
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
    silence_bolt()
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


def _listener(work: _Work) -> _Work:
    """A listener that acknowledges at once, and tells whatever fails after that to the person.

    Nothing gets out of it: where a listener raises before Bolt has looked for the acknowledgement, Bolt forgets that
    there was one, and Slack waits three seconds for it and then says so to the person.
    """

    @functools.wraps(work)
    async def listener(args: AsyncArgs) -> None:
        await args.ack()
        try:
            await work(args)
        except Exception as error:
            await _tell(error, args.respond, args.say, args.body)

    return listener


def _questions(app: AsyncApp, desk: Desk) -> None:
    @app.command("/nekb")
    @_listener
    async def command(args: AsyncArgs) -> None:
        text, place = typed(str(args.payload.get("text", ""))).strip(), Place.of(args.context)
        if not text or text.lower() == "help":
            await args.respond(text=USAGE)
        elif change := _SET.match(text):
            await args.respond(text=await desk.set_default(place, change[1].lower(), change[2] or ""))
        else:
            await _private(args.respond, desk, text, place)

    @app.shortcut("nekb_ask_message")
    @_listener
    async def message(args: AsyncArgs) -> None:
        await _private(args.respond, desk, words_of(args.payload.get("message") or {}), Place.of(args.context))

    @app.event("app_mention")
    @_listener
    async def mention(args: AsyncArgs) -> None:
        event = args.payload
        thread, text = event.get("thread_ts") or event.get("ts"), without_mention(str(event.get("text") or ""))
        if not text or text.lower() == "help":
            await args.say(text=USAGE, thread_ts=thread, **_QUIET)
            return
        place = Place.of(args.context)
        message = await _answered(desk, place, text, await desk.defaults(place), public=True)
        await args.say(**message, thread_ts=thread, **_QUIET)


def _buttons(app: AsyncApp, desk: Desk) -> None:
    @app.action("nekb_show_all")
    @_listener
    async def show_all(args: AsyncArgs) -> None:
        await _again(args, desk, every_step=True)

    @app.action(re.compile(r"^nekb_refine_\d+$"))
    @_listener
    async def refine(args: AsyncArgs) -> None:
        await _again(args, desk, every_step=False)

    @app.action("nekb_share")
    @_listener
    async def share(args: AsyncArgs) -> None:
        query, given = unpack(str(args.payload.get("value", "")))
        message = await _answered(desk, Place.of(args.context), query, given, public=True, quoted=True)
        await _respond(args.respond, message, response_type="in_channel", replace_original=False)


def _feedback(app: AsyncApp, desk: Desk) -> None:
    @app.action("nekb_feedback")
    @_listener
    async def vote(args: AsyncArgs) -> None:
        value = str(args.payload.get("value", ""))
        if facts(value).get("v"):
            await desk.keep_vote(value, helpful=True)
            await args.respond(text="Thank you.", replace_original=False)
            return
        try:
            view = reason_view(value, args.respond.response_url)
            await args.client.views_open(trigger_id=str(args.body.get("trigger_id")), view=view)
        except SlackApiError as error:
            logger.warning("the form for a reason could not be opened: %s", error.response.get("error"))
            await desk.keep_vote(value, helpful=False)
            await args.respond(text="Thank you. The form for a reason could not be opened.", replace_original=False)

    @app.view("nekb_reason")
    @_listener
    async def reason(args: AsyncArgs) -> None:
        given = args.payload.get("state", {}).get("values", {}).get("reason", {}).get("text", {}).get("value")
        await desk.keep_vote(_voted(args), helpful=False, reason=given)

    @app.view_closed("nekb_reason")
    @_listener
    async def closed(args: AsyncArgs) -> None:
        await desk.keep_vote(_voted(args), helpful=False)


def _voted(args: AsyncArgs) -> str:
    """What the button carried that opened a form. A form has no address for answers: they go to the button's."""
    held = str(args.payload.get("private_metadata", ""))
    args.respond.response_url = facts(held).get("answer_to")
    return held


async def _private(respond: AsyncRespond, desk: Desk, text: str, place: Place) -> None:
    message = await _answered(desk, place, text, await desk.defaults(place))
    await _respond(respond, message, response_type="ephemeral")


async def _again(args: AsyncArgs, desk: Desk, *, every_step: bool) -> None:
    """The same question anew in the place of its answer, which keeps what stands around it."""
    value = str(args.payload.get("value", ""))
    query, given = unpack(value)
    public, quoted = (bool(facts(value).get(flag)) for flag in (PUBLIC, QUOTED))
    shown = {"every_step": every_step, "public": public, "quoted": quoted}
    await _respond(
        args.respond, await _answered(desk, Place.of(args.context), query, given, **shown), replace_original=True
    )


async def _answered(desk: Desk, place: Place, query: str, given: Mapping[str, str], **shown: bool) -> dict[str, Any]:
    """The answer to a question as a message: its blocks, and words for where none are shown."""
    answer = await desk.answer(query, given, place)
    return {"blocks": answer_blocks(answer, given, asked=query, **shown), "text": fallback(answer)}


async def _respond(respond: AsyncRespond, message: dict[str, Any], **how: Any) -> None:
    """Send the answer; where Slack does not take its blocks, say at least what it is."""
    got = await respond(**message, **how, **_QUIET)
    if got.status_code != 200:
        logger.warning("Slack did not take an answer: %s", got.status_code)
        await respond(
            text=f"{message['text']} (The whole answer could not be shown here.)", **{**how, "replace_original": False}
        )


async def _verified(context: dict[str, Any], next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
    """A middleware, which Bolt runs after its own: a request that comes to it is Slack's."""
    context[_IS_SLACKS] = True
    return await next()


async def _failed(
    error: Exception, respond: AsyncRespond, say: AsyncSay, body: dict[str, Any], context: dict[str, Any]
) -> None:
    """What fails before a listener is told only where the request is Slack's: the body says where the answer goes."""
    if context.get(_IS_SLACKS):
        await _tell(error, respond, say, body)
    else:
        _log(error)


async def _tell(error: Exception, respond: AsyncRespond, say: AsyncSay, body: Mapping[str, Any]) -> None:
    """Say to the person what failed, beside the answer where there is one; what is a defect of ours, to the log too."""
    if isinstance(error, NekbError):
        sentence, remedy, code = error.sentence, error.remedy, error.code
    else:
        _log(error)
        sentence, remedy, code = FAILED
    said: dict[str, Any] = {"blocks": error_blocks(sentence, remedy, code), "text": escaped(sentence)}
    event = body.get("event") or {}
    try:
        if respond.response_url:
            await respond(**said, response_type="ephemeral", replace_original=False, **_QUIET)
        elif event.get("channel"):
            thread = event.get("thread_ts") or event.get("ts")
            await say(**said, channel=event["channel"], thread_ts=thread, **_QUIET)
    except Exception as again:
        _log(again)


def _log(error: Exception) -> None:
    """Where it failed, without its message, which may quote what was asked."""
    frames, at = [], error.__traceback__
    while at is not None:
        frames.append(f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}")
        at = at.tb_next
    logger.error("a question failed: %s at %s", type(error).__name__, " > ".join(frames[-4:]))


def reason_view(value: str, answer_to: str | None) -> dict[str, Any]:
    """The form that asks what was wrong. `answer_to` is the address at which a failure may be told."""
    box = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 1500}
    return {
        "type": "modal",
        "callback_id": "nekb_reason",
        "notify_on_close": True,
        "private_metadata": json.dumps(facts(value) | {"answer_to": answer_to}, ensure_ascii=False),
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
