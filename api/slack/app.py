"""The Slack app: acknowledge at once, answer through the `response_url` or in the thread, say so when it fails."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond, AsyncSay
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from api.records.channels import channel_defaults, set_channel_default
from api.records.feedback import keep_feedback
from api.records.questions import remember
from api.slack.blocks import answer_blocks, error_blocks, fallback, unpack
from api.slack.mrkdwn import escaped
from kb.answer import Answer
from kb.asking import ask
from kb.errors import BadInputError, NekbError
from kb.snapshot import Snapshot

RATE = "20/minute"  # questions of one person
USAGE = (
    "Write what you see: `/nekb code 8 hotspot`, an error, or lines of a log. "
    "`/nekb set platform macOS` makes that the default of this channel, `/nekb set platform none` removes it."
)
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
_SET = re.compile(r"^set\s+(platform|distribution|supervision)\s+(\S+)$", re.IGNORECASE)
_VALUES = {
    "platform": ("iOS", "macOS", "tvOS", "visionOS", "watchOS"),
    "distribution": ("xcode", "testflight", "app-store", "ad-hoc", "enterprise", "developer-id"),
    "supervision": ("supervised", "managed", "unmanaged"),
}
logger = logging.getLogger("nekb.slack")


@dataclass(frozen=True)
class SlackSettings:
    """Secrets of the Slack app; they are never shown. `signing_secret` is not needed in Socket Mode."""

    bot_token: str
    signing_secret: str | None = None
    app_token: str | None = None
    api_base: str | None = None


class Desk:
    """What the handlers share: the snapshot that answers, the records, the rate of each person."""

    def __init__(self, current: Callable[[], Snapshot], engine: Engine) -> None:
        self._current = current
        self.engine = engine
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = parse(RATE)

    async def answer(self, text: str, given: Mapping[str, str], user: str) -> Answer:
        """The answer, made outside the event loop. Raises `NekbError` for what cannot be read or comes too often."""
        if not self._limiter.hit(self._rate, user):
            raise BadInputError("That is more than 20 questions in a minute.", "Wait a little.", code="rate")
        answer = await asyncio.to_thread(ask, unescaped(text), self._current(), limit=5, given=given)
        remember(self.engine, answer, "slack")
        return answer

    def defaults(self, context: Mapping[str, Any]) -> dict[str, str]:
        """The facts that a channel always means."""
        return channel_defaults(self.engine, str(context.get("team_id")), str(context.get("channel_id")))


def unescaped(text: str) -> str:
    """What the person typed: Slack sends `&`, `<` and `>` as entities and wraps links."""
    text = re.sub(r"<(https?://[^|>]+)(?:\|[^>]*)?>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


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
        text = str(command.get("text", "")).strip()
        change = _SET.match(text)
        if not text or text.lower() == "help":
            await respond(text=USAGE)
        elif change:
            await respond(text=_set_default(desk, context, change[1].lower(), change[2]))
        else:
            await _private(respond, desk, text, desk.defaults(context), str(context.get("user_id")))

    @app.shortcut("nekb_ask_message")
    async def message(ack: AsyncAck, respond: AsyncRespond, shortcut: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        text = str(shortcut.get("message", {}).get("text", ""))
        await _private(respond, desk, text, desk.defaults(context), str(context.get("user_id")))

    @app.event("app_mention")
    async def mention(event: dict[str, Any], say: AsyncSay, context: dict[str, Any]) -> None:
        thread = event.get("thread_ts") or event.get("ts")
        text = _MENTION.sub(" ", str(event.get("text", ""))).strip()
        given = desk.defaults(context)
        blocks, words = await _made(desk, text, given, str(event.get("user")))
        await say(blocks=blocks, text=words, thread_ts=thread, unfurl_links=False, unfurl_media=False)


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
        blocks, words = await _made(desk, query, given, str(context.get("user_id")), shared=True)
        await respond(
            blocks=blocks,
            text=words,
            response_type="in_channel",
            replace_original=False,
            unfurl_links=False,
            unfurl_media=False,
        )


def _feedback(app: AsyncApp, desk: Desk) -> None:
    @app.action("nekb_feedback")
    async def vote(
        ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any], body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        await ack()
        value = str(action.get("value", ""))
        query, _ = unpack(value)
        state = _state(value)
        if not query:
            return
        if state.get("v"):
            await asyncio.to_thread(
                keep_feedback, desk.engine, query=query, helpful=True, surface="slack", card=_card(state)
            )
            await respond(text="Thank you.", replace_original=False)
        else:
            await client.views_open(trigger_id=str(body.get("trigger_id")), view=_reason_view(value))

    @app.view("nekb_reason")
    async def reason(ack: AsyncAck, view: dict[str, Any]) -> None:
        await ack()
        value = str(view.get("private_metadata", ""))
        query, _ = unpack(value)
        given = view.get("state", {}).get("values", {}).get("reason", {}).get("text", {}).get("value")
        if query:
            await asyncio.to_thread(
                keep_feedback,
                desk.engine,
                query=query,
                helpful=False,
                surface="slack",
                card=_card(_state(value)),
                reason=given,
            )


async def _private(respond: AsyncRespond, desk: Desk, text: str, given: dict[str, str], user: str) -> None:
    blocks, words = await _made(desk, text, given, user)
    await respond(blocks=blocks, text=words, response_type="ephemeral", unfurl_links=False, unfurl_media=False)


async def _again(
    respond: AsyncRespond, desk: Desk, action: dict[str, Any], context: dict[str, Any], *, every_step: bool
) -> None:
    query, given = unpack(str(action.get("value", "")))
    blocks, words = await _made(desk, query, given, str(context.get("user_id")), every_step=every_step)
    await respond(blocks=blocks, text=words, replace_original=True, unfurl_links=False, unfurl_media=False)


async def _made(
    desk: Desk, text: str, given: dict[str, str], user: str, *, every_step: bool = False, shared: bool = False
) -> tuple[list[dict[str, Any]], str]:
    """Blocks and fallback words of the answer, or of the failure."""
    try:
        answer = await desk.answer(text, given, user)
        return answer_blocks(answer, given, every_step=every_step, shared=shared), fallback(answer)
    except NekbError as error:
        return error_blocks(error.sentence, error.remedy), escaped(error.sentence)
    except Exception:
        logger.exception("an answer failed")  # the traceback names no body
        return error_blocks(
            "nekb failed on this question.", "Try again; whoever runs it can see why in its log."
        ), "Failed."


def _set_default(desk: Desk, context: Mapping[str, Any], key: str, value: str) -> str:
    known = next((v for v in _VALUES[key] if v.lower() == value.lower()), None)
    if known is None and value.lower() != "none":
        return f"`{escaped(value)}` is none of {', '.join(_VALUES[key])}."
    set_channel_default(desk.engine, str(context.get("team_id")), str(context.get("channel_id")), key, known)
    return f"The {key} of this channel is {known}." if known else f"This channel has no {key} any more."


def _reason_view(value: str) -> dict[str, Any]:
    box = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 1500}
    return {
        "type": "modal",
        "callback_id": "nekb_reason",
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


def _state(value: str) -> dict[str, Any]:
    import json

    try:
        state = json.loads(value)
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}


def _card(state: Mapping[str, Any]) -> str | None:
    card = state.get("c")
    return str(card)[:64] if card else None
