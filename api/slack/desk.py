"""What the handlers share: the snapshot that answers, the records, the rate of each person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.addresses import web_address
from api.records.channels import channel_defaults, set_channel_default
from api.records.database import unusable
from api.records.feedback import keep_feedback
from api.records.questions import remember
from api.slack.secrets import secret
from api.slack.state import facts, unpack
from kb.answer import Answer
from kb.asking import ask
from kb.errors import BadInputError, NekbError
from kb.guidance.references import with_titles
from kb.snapshot import Snapshot

RATE = "20/minute"  # questions of one person
VALUES = {
    "platform": ("iOS", "macOS", "tvOS", "visionOS", "watchOS"),
    "distribution": ("xcode", "testflight", "app-store", "ad-hoc", "enterprise", "developer-id"),
    "supervision": ("supervised", "managed", "unmanaged"),
}
_SECRETS = {"bot_token": "SLACK_BOT_TOKEN", "signing_secret": "SLACK_SIGNING_SECRET", "app_token": "SLACK_APP_TOKEN"}
logger = logging.getLogger("nekb.slack")


@dataclass(frozen=True)
class SlackSettings:
    """Secrets of the Slack app; they are never shown. `signing_secret` is not needed in Socket Mode."""

    bot_token: str
    signing_secret: str | None = None
    app_token: str | None = None
    api_base: str | None = None

    def __post_init__(self) -> None:
        """Take off the space around each.

        Raises `BadInputError` for a secret that is none, and an address of Slack's methods to which no token must go.
        """
        for name, variable in _SECRETS.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, secret(variable, value))
        if self.api_base is not None:
            object.__setattr__(self, "api_base", web_address(self.api_base))


@dataclass(frozen=True)
class Place:
    """Who asks where."""

    team: str
    channel: str
    user: str

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Place:
        """The place that a request of Slack's comes from."""
        return cls(*(str(context.get(key) or "") for key in ("team_id", "channel_id", "user_id")))


class Desk:
    """Answers questions out of Slack. Everything that reads a disk happens outside the event loop.

    `answered` is told of each answer.
    """

    def __init__(
        self, current: Callable[[], Snapshot], engine: Engine, answered: Callable[[Answer], None] = lambda _: None
    ) -> None:
        self._current = current
        self._answered = answered
        self.engine = engine
        # Two answers at a time: more of them would not be ready sooner, and acknowledging would wait for them.
        self._answering = ThreadPoolExecutor(2, thread_name_prefix="nekb-slack-answer")
        # Votes wait for a database that is held, and what a channel means is read meanwhile; the event loop's own
        # threads are left to its look-ups of hosts, without which no answer leaves.
        self._writing = ThreadPoolExecutor(2, thread_name_prefix="nekb-slack-writing")
        self._reading = ThreadPoolExecutor(2, thread_name_prefix="nekb-slack-reading")
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = parse(RATE)

    async def answer(self, text: str, given: Mapping[str, str], place: Place) -> Answer:
        """The answer, with cards named by title. Raises `NekbError` for what cannot be read or comes too often."""
        if not self._limiter.hit(self._rate, place.team, place.user):
            raise BadInputError("That is more than 20 questions in a minute.", "Wait a little.", code="rate")

        def made() -> Answer:
            snapshot = self._current()
            return with_titles(ask(text, snapshot, limit=5, given=given), snapshot.cards)

        answer = await asyncio.get_running_loop().run_in_executor(self._answering, made)
        remember(self.engine, answer, "slack")
        self._answered(answer)
        return answer

    async def defaults(self, place: Place) -> dict[str, str]:
        """The facts that a channel always means; none where the records are away, since a question needs none."""
        try:
            read = partial(channel_defaults, self.engine, place.team, place.channel)
            return await asyncio.get_running_loop().run_in_executor(self._reading, read)
        except SQLAlchemyError as error:
            logger.warning("what a channel always means could not be read: %s", type(error).__name__)
            return {}

    async def set_default(self, place: Place, key: str, value: str) -> str:
        """Set a fact of a channel, or remove it with `none`; what came of it, in words.

        Raises `NekbError` for a value that is not known, and where the records are away.
        """
        said = value.lower().replace(" ", "-")  # "App Store"
        known = next((v for v in VALUES[key] if v.lower() == said), None)
        if known is None and said != "none":
            raise BadInputError(f"{value or 'That'} is no {key}.", f"Write one of {', '.join(VALUES[key])}, or none.")
        what = f"The {key} of this channel"
        await self._keep(what, partial(set_channel_default, self.engine, place.team, place.channel, key, known))
        return f"The {key} of this channel is {known}." if known else f"This channel has no {key} any more."

    async def keep_vote(self, value: str, *, helpful: bool, reason: str | None = None) -> None:
        """Keep a vote on the answer whose button carried `value`. Raises `NekbError` where the records are away."""
        query, _ = unpack(value)
        card = facts(value).get("c")
        if not query:
            return
        vote = partial(
            keep_feedback,
            self.engine,
            query=query,
            helpful=helpful,
            surface="slack",
            card=str(card)[:64] if card else None,
            reason=reason,
        )
        await self._keep("The vote", vote)

    async def _keep(self, what: str, write: Callable[[], None]) -> None:
        """Write into the records; where they are busy or away, `what` is what the person is told was not kept."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._writing, write)
        except SQLAlchemyError as error:
            logger.warning("not kept in the records: %s", type(error).__name__)
            told = unusable(error, self.engine.url)
            raise NekbError(f"{what} could not be kept. {told.sentence}", told.remedy, code=told.code) from error
