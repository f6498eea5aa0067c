"""The draft reply: a step keeps its condition, and no name of ours stands in it that its readers cannot follow."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from kb.answer import Answer, Step
from kb.asking import ask
from kb.documents import Document, Post
from kb.drafting import draft_reply
from kb.snapshot import Snapshot
from kb.triage import triage


@pytest.fixture(scope="module")
def answer(snapshot: Snapshot) -> Answer:
    return ask("code 8 hotspot", snapshot)


def test_a_step_that_does_not_always_apply_says_when_it_does(answer: Answer) -> None:
    steps = [Step(text="Restart it.", links=answer.guidance[0].links[:1], when="platform=macOS;os>=macOS 13")]
    steps.append(Step(text="Ask again.", links=[]))
    draft = draft_reply(replace(answer, guidance=[replace(answer.guidance[0], steps=steps)]), [], [])
    assert "1. Restart it. _(only: macOS, macOS 13 or later)_ [1]\n2. Ask again.\n" in (draft or "")


def test_another_card_is_named_by_its_title(snapshot: Snapshot) -> None:
    named = 0
    for card in snapshot.cards.values():
        thread = Document("thread-1", "feed", "thread", card.title, (Post("question", card.phrasings[0]),))
        draft = triage(thread, snapshot).draft or ""
        assert not set(re.findall(r"`([^`]+)`", draft)) & set(snapshot.cards)
        named += sum(f"“{other.title}”" in draft for other in snapshot.cards.values())
    assert named
