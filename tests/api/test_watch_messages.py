"""What a watch sends: within the limits of Slack, and harmless whatever a poster writes."""

from __future__ import annotations

import json

import pytest

from api.triage.messages import blocks, digest_message
from kb.documents import Document, Post
from kb.snapshot import Snapshot
from kb.triage import triage
from tests.api.slack_stub import check_blocks
from tests.api.watched import thread


@pytest.mark.parametrize("text", ["<!channel> @here *x* `y` ```z```", "<https://evil.example|ok>", "&lt;!here&gt;"])
def test_a_thread_of_a_hostile_poster_cannot_ping_or_link(snapshot: Snapshot, text: str) -> None:
    hostile = thread(1, f"{text} code 8 hotspot {text * 90}")
    hostile = Document(**{**hostile.__dict__, "posts": (Post("question", text * 500, author=text),)})
    made = triage(hostile, snapshot)
    shown = blocks({"key": "k", "kind": "thread", "seen_at": "", "triage": made.to_dict()})
    check_blocks(shown)
    for sign in ("<!", "@here", "<https://evil", "<@"):
        assert sign not in json.dumps(shown, ensure_ascii=False).replace("@\u200bhere", "")


def test_every_card_fits_a_triage_message(snapshot: Snapshot) -> None:
    for card in list(snapshot.cards.values())[::4]:
        made = triage(Document("t", "feed", "thread", card.title, (Post("question", card.phrasings[0]),)), snapshot)
        check_blocks(blocks({"key": "k", "kind": "thread", "seen_at": "", "triage": made.to_dict()}))


def test_a_long_digest_fits() -> None:
    threads = [{"title": "<!channel> " + "x" * 300, "url": "https://developer.apple.com/a", "topic": None}] * 300
    check_blocks(blocks(digest_message("d", {"until": "2026-11-20T07:00:00", "threads": threads, "problem": "p"})))


def test_a_digest_names_a_card_by_its_title() -> None:
    line = {"title": "t", "url": None, "topic": "relay", "card": "relay-card", "card_title": "Relays & errors"}
    for content, shown in ((line, "(relay → Relays &amp; errors)"), (line | {"card_title": None}, "→ relay-card)")):
        message = digest_message("d", {"until": "2026-11-20T07:00:00", "threads": [content], "problem": None})
        assert shown in blocks(message)[1]["text"]["text"]
