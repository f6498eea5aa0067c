"""Where a watch sends: a file of JSON lines, a webhook, an incoming webhook of Slack, a channel of Slack.

Each says what it can promise when nekb was killed while sending. A file and a Slack channel can be read again, so an
item stands there once. A webhook can not: the message is sent again with the same idempotency key.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from api.addresses import web_address
from api.records.deliveries import Delivery
from api.slack.secrets import secret
from api.triage.messages import PERHAPS_AGAIN, blocks, fallback
from ingest.fetching.fetcher import retry_after
from kb import __version__
from kb.errors import BadInputError
from kb.surrogates import without_surrogates

SLACK_API = "https://slack.com/api/"
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
_TAIL = 4 << 20  # bytes of a file that are read again after a kill
_PAGES = 20  # of a channel's history, 200 messages each


class SendError(Exception):
    """It could not be sent. `arrived` says that it may have arrived all the same, `wait` how many seconds to wait."""

    def __init__(self, what: str, *, arrived: bool = False, wait: float | None = None) -> None:
        super().__init__(what)
        self.what, self.arrived, self.wait = what, arrived, wait


class Target(Protocol):
    """A place to send to. `key` names it in the records and holds no secret."""

    @property
    def key(self) -> str: ...

    def send(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Send a message. Raises `SendError`."""


@dataclass(frozen=True)
class FileTarget:
    """A file of JSON lines. Exactly once: after a kill the end of the file is read, and a torn line is written anew.

    Raises `BadInputError` for a pipe or a device, of which nothing can be read again.
    """

    path: Path

    def __post_init__(self) -> None:
        try:
            regular = stat.S_ISREG(self.path.stat().st_mode)
        except OSError:
            return  # there is none yet; whether it can be written shows when something is
        if not regular:
            raise BadInputError(
                f"{self.path} is no file: what was sent could not be read there again.",
                "Name a file, and follow it with `tail -F`.",
                code="file",
            )

    @property
    def key(self) -> str:
        """Its absolute path, or a hash of it where that is too long for the records, or no text."""
        name = f"file:{self.path.absolute()}"
        if len(name) <= 80 and name == without_surrogates(name):
            return name
        return f"file:#{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"

    def send(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Append one line and wait until the disk has it."""
        line = json.dumps(message, ensure_ascii=False).encode() + b"\n"
        try:
            with self.path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._append(file.fileno(), line, delivery)
        except OSError as error:
            raise SendError(f"{self.path} cannot be written: {error.strerror or error}", arrived=True) from error

    def _append(self, file: int, line: bytes, delivery: Delivery) -> None:
        size = os.fstat(file).st_size
        tail = os.pread(file, min(size, _TAIL), max(size - _TAIL, 0))
        whole, _, torn = tail.rpartition(b"\n")
        if delivery.in_doubt and _has(whole, delivery.item):
            return
        if torn and delivery.in_doubt and line.startswith(torn):
            os.ftruncate(file, size - len(torn))
        elif torn:
            line = b"\n" + line  # somebody else's last line, which lacks its end
        while line:
            line = line[os.write(file, line) :]
        os.fsync(file)


def _has(lines: bytes, item: str) -> bool:
    for line in reversed(lines.splitlines()):
        try:
            if json.loads(line).get("key") == item:
                return True
        except (ValueError, AttributeError):
            continue
    return False


class WebhookTarget:
    """Any webhook: the message as JSON, its key in the body and as `Idempotency-Key`.

    Exactly once where the receiver drops a key that it has seen; else once, and twice at worst after a kill.
    """

    def __init__(self, address: str, client: httpx.Client | None = None) -> None:
        self._address = web_address(address)
        self.key = f"webhook:{hashlib.sha256(self._address.encode()).hexdigest()[:16]}"
        self._client = client or _client()

    def send(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Post the message."""
        body = message | {"perhaps_again": delivery.in_doubt}
        post(self._client, self._address, body, {"idempotency-key": delivery.item})


class SlackWebhookTarget:
    """An incoming webhook of Slack. It can neither be asked what it has nor told a key: after a kill in the middle of
    a sending the message is sent again, and says so."""

    def __init__(self, address: str, client: httpx.Client | None = None) -> None:
        self._address = web_address(address)
        self.key = f"slack-webhook:{hashlib.sha256(self._address.encode()).hexdigest()[:16]}"
        self._client = client or _client()

    def send(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Post the blocks."""
        post(self._client, self._address, _said(message, perhaps_again=delivery.in_doubt), {})


class SlackTarget:
    """A channel of Slack, through the bot. Exactly once: each message carries its key as metadata, and after a kill
    the channel's history is asked for it, which needs `channels:history` (or `groups:history`)."""

    def __init__(self, channel: str, token: str, api: str | None = None, client: httpx.Client | None = None) -> None:
        if not re.fullmatch(r"[CG][A-Z0-9]{6,20}", channel):
            raise BadInputError(
                f"{channel} is no channel's id.",
                "It begins with C and stands at the end of the channel's details in Slack.",
                code="slack",
            )
        self._channel, self._api = channel, web_address(api or SLACK_API)
        self.key = f"slack:{channel}"
        self._client = client or _client()
        self._headers = {"authorization": f"Bearer {secret('SLACK_BOT_TOKEN', token)}"}

    def send(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Post the message, unless it is in the channel already."""
        unsure = False
        if delivery.in_doubt:
            there = self._is_there(delivery)
            if there:
                return
            unsure = there is None
        body = _said(message, perhaps_again=unsure) | {
            "channel": self._channel,
            "metadata": {"event_type": "nekb_watch", "event_payload": {"key": delivery.item}},
        }
        self._call("chat.postMessage", body)

    def _is_there(self, delivery: Delivery) -> bool | None:
        """Whether the channel has it; None where the history may not be read."""
        oldest = max(_seconds(delivery.tried_at or delivery.at) - 600, 0)  # two clocks
        if oldest > time.time():
            oldest = 0  # the clock was wrong then
        cursor: object = ""
        for _ in range(_PAGES):
            query = {"channel": self._channel, "oldest": str(oldest), "limit": "200", "include_all_metadata": "true"}
            try:
                page = self._call("conversations.history", query | {"cursor": str(cursor)}, form=True)
            except RefusedError:
                return None
            messages = page.get("messages")
            if not isinstance(messages, list):
                return None
            if any(_within(held, "metadata", "event_payload", "key") == delivery.item for held in messages):
                return True
            cursor = _within(page, "response_metadata", "next_cursor") or ""
            if not cursor:
                return False
        return None

    def _call(self, method: str, body: dict[str, Any], *, form: bool = False) -> dict[str, Any]:
        response = post(self._client, f"{self._api.rstrip('/')}/{method}", body, self._headers, form=form)
        try:
            said = response.json()
        except (ValueError, RecursionError) as error:
            raise SendError("Slack's answer was not JSON", arrived=True) from error
        if not isinstance(said, dict):
            raise SendError("Slack's answer was no object", arrived=True)
        if not said.get("ok"):
            raise RefusedError(f"Slack refused {method}: {str(said.get('error'))[:80]}")
        return dict(said)


def _within(held: object, *names: str) -> object:
    """What stands under these names, one within the other; None where one of them is missing."""
    for name in names:
        held = held.get(name) if isinstance(held, dict) else None
    return held


class RefusedError(SendError):
    """Slack understood and refused: nothing arrived."""


def _said(message: dict[str, Any], *, perhaps_again: bool) -> dict[str, Any]:
    text = fallback(message) + (f" ({PERHAPS_AGAIN})" if perhaps_again else "")
    return {
        "text": text,
        "blocks": blocks(message, perhaps_again=perhaps_again),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def post(
    client: httpx.Client, address: str, body: dict[str, Any], headers: dict[str, str], *, form: bool = False
) -> httpx.Response:
    """One POST. Raises `SendError`, which says whether the message may have arrived; it never names the address."""
    try:
        sent = client.post(address, headers=headers, data=body if form else None, json=None if form else body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise SendError(f"it could not be reached ({type(error).__name__})") from error
    except httpx.HTTPError as error:
        raise SendError(f"the connection broke ({type(error).__name__})", arrived=True) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SendError(f"the request cannot be made ({type(error).__name__})") from error
    if sent.status_code == 429:
        raise SendError("it asks to wait (429)", wait=retry_after(sent.headers.get("retry-after")) or 60.0)
    if sent.status_code >= 500:
        raise SendError(f"it answered {sent.status_code}", arrived=True)
    if not sent.is_success:
        raise SendError(f"it answered {sent.status_code}")
    return sent


def _client() -> httpx.Client:
    return httpx.Client(timeout=_TIMEOUT, headers={"user-agent": f"nekb/{__version__}"}, trust_env=False)


def _seconds(moment: str) -> int:
    import datetime as dt

    return int(dt.datetime.fromisoformat(moment).timestamp())
