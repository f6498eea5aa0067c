"""What is missing, where people see it: also below "nothing here", and a button's value resolves it."""

from __future__ import annotations

from api.slack.blocks import answer_blocks
from api.slack.state import unpack
from api.terminal import plain_lines
from kb.asking import ask
from kb.snapshot import Snapshot

BARE = "code 8"


def test_a_slack_button_carries_the_domain_that_resolves_the_code(snapshot: Snapshot) -> None:
    blocks = answer_blocks(ask(BARE, snapshot), {})
    buttons = [e for b in blocks if b.get("block_id") == "missing_error" for e in b["elements"]]
    assert len(buttons) >= 2
    for button in buttons:
        text, given = unpack(button["value"])
        refined = ask(text, snapshot, given=given)
        assert [(s.domain, s.code) for s in refined.signals if s.kind == "error"] == [(button["text"]["text"], 8)]
        assert not any(m.signal == "error" for m in refined.missing)


def test_a_terminal_says_what_to_type_also_where_nothing_was_found(snapshot: Snapshot) -> None:
    shown = "\n".join(plain_lines(ask(BARE, snapshot)))
    assert "--with error=" in shown
    assert "NEHotspotConfigurationErrorDomain" in shown
