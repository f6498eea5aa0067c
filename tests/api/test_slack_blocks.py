"""What is shown in Slack: within Block Kit's limits for every card, and harmless whatever comes from outside."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.slack.blocks import FIRST_STEPS, answer_blocks, error_blocks
from api.slack.mrkdwn import cut, escaped, from_markdown, link
from api.slack.state import pack, unpack
from api.slack.words import typed, without_mention, words_of
from kb.answer import Answer, Guidance, Missing, Step, Thread
from kb.asking import ask
from kb.guidance.condition import condition
from kb.guidance.references import with_titles
from kb.snapshot import Snapshot
from tests.api.slack_stub import check_blocks

HOSTILE = ["<!channel>", "<@U1>", "<!here|x>", "@here @channel", "*bold* `code` <http://evil|ok>", "&lt;!channel&gt;"]


@pytest.fixture(scope="module")
def answer(snapshot: Snapshot) -> Answer:
    return ask("code 8 hotspot", snapshot)


def whole(snapshot: Snapshot, id: str, answer: Answer) -> Answer:
    """An answer with a card and every step that it can have, whatever its condition, before its neighbours."""
    card, links = snapshot.cards[id], snapshot.resources
    shown = Guidance(
        id=card.id, title=card.title, url="https://developer.apple.com/x", score=0.9, topic=card.topic,
        summary=card.summary, links=[links[i] for i in card.links if i in links], why=[], route=card.route.kind,
        steps=[Step(text=s.text, links=[links[c] for c in s.cites if c in links], when=s.when) for s in card.steps],
        ask_for=[a.question for a in card.ask_for], reviewed=card.reviewed.isoformat(),
        facts_as_of=card.facts_as_of.isoformat(), recheck_after=list(card.recheck_after),
    )  # fmt: skip
    return with_titles(replace(answer, guidance=[shown, *answer.guidance]), snapshot.cards)


def test_every_card_of_the_catalogue_fits_block_kit_in_every_form(snapshot: Snapshot, answer: Answer) -> None:
    missing = [Missing(signal=k, question="?" * 300, options=["x" * 90] * 12) for k in ("error", "platform")]
    for id in snapshot.cards:
        made = replace(whole(snapshot, id, answer), missing=missing)
        for form in ({}, {"every_step": True}, {"public": True}, {"public": True, "quoted": True}):
            check_blocks(answer_blocks(made, {"platform": "macOS"}, asked="log line 0x1f \n" * 4_000, **form))


def test_show_all_shows_all_and_is_offered_only_where_there_is_more(snapshot: Snapshot, answer: Answer) -> None:
    for id, card in snapshot.cards.items():
        made = whole(snapshot, id, answer)
        first = json.dumps(answer_blocks(made, {}), ensure_ascii=False)
        everything = json.dumps(answer_blocks(made, {}, every_step=True), ensure_ascii=False)
        assert ("nekb_show_all" in first) == (len(card.steps) > FIRST_STEPS)
        assert "nekb_show_all" not in everything
        assert f"*{len(card.steps)}.*" in everything


def test_a_step_that_does_not_always_apply_says_when_it_does(snapshot: Snapshot, answer: Answer) -> None:
    conditions = 0
    for id, card in snapshot.cards.items():
        shown = json.dumps(answer_blocks(whole(snapshot, id, answer), {}, every_step=True), ensure_ascii=False)
        only = [f"_(only: {condition(step.when)})_" for step in card.steps if step.when]
        conditions += len(only)
        assert all(shown.count(words) >= only.count(words) for words in only)
    assert conditions
    step = Step(text="Restart the Mac.", links=[], when="platform=macOS; os>=macOS 13")
    one = replace(answer, guidance=[replace(answer.guidance[0], steps=[step])])
    assert "*1.* Restart the Mac. _(only: macOS, macOS 13 or later)_" in json.dumps(answer_blocks(one, {}))


def test_our_own_remedy_and_code_can_be_copied_and_the_sentence_formats_nothing() -> None:
    [block] = error_blocks("*beos* is no platform.", "Run `nekb build`.", "bad_input")
    assert block["text"]["text"] == f":warning: {escaped('*beos* is no platform.')} Run `nekb build`. [bad_input]"


def test_a_domain_that_is_asked_for_goes_on_with_its_code(snapshot: Snapshot) -> None:
    asked = ask("already associated code 13", snapshot)
    assert [m.signal for m in asked.missing][:1] == ["error"]
    blocks = answer_blocks(asked, {})
    values = [e["value"] for b in blocks if b.get("block_id") == "missing_error" for e in b["elements"]]
    assert values
    for value in values:
        query, facts = unpack(value)
        assert facts["error"].endswith(" 13")
        errors = [s for s in ask(query, snapshot, given=facts).signals if s.kind == "error"]
        assert [(s.domain, s.code) for s in errors] == [(facts["error"].rpartition(" ")[0], 13)]


def hostile(answer: Answer, text: str) -> list[dict[str, Any]]:
    thread = Thread(
        id="t", title=text or "x", url="https://developer.apple.com/x|y", score=0.9, excerpt=text,
        apple_replied=False, accepted=False, activity=text,
    )  # fmt: skip
    return answer_blocks(replace(answer, threads=[thread] * 5, query=text * 50), {"platform": text[:100]}, quoted=True)


@settings(deadline=None)
@given(text=st.text(max_size=300) | st.sampled_from(HOSTILE))
def test_nothing_from_outside_can_ping_or_link(text: str) -> None:
    for made in (escaped(text), link(text, "https://developer.apple.com/a", outside=True), from_markdown(text)):
        inside = made.replace("<https://developer.apple.com/a|", "", 1)
        assert "<!" not in inside
        assert "<@" not in inside
        assert "<http" not in inside
    for word in ("@here", "@channel", "@everyone"):
        assert word not in escaped(f"{text}{word}")


@settings(deadline=None)
@given(text=st.text(max_size=300) | st.sampled_from(HOSTILE))
def test_hostile_threads_and_questions_fit_block_kit_and_stay_words(text: str) -> None:
    made = hostile(_ANSWER[0], text)
    check_blocks(made)
    for block in made:
        for part in [block.get("text"), *block.get("elements", [])]:
            if isinstance(part, dict) and part.get("type") == "mrkdwn":
                assert "<!" not in part["text"]
                assert "<@" not in part["text"]
                assert "@here" not in part["text"]


_ANSWER: list[Answer] = []


@pytest.fixture(autouse=True, scope="module")
def _one_answer(answer: Answer) -> None:
    _ANSWER[:] = [answer]


PARTS = st.one_of(
    st.text(max_size=60).map(escaped),
    st.sampled_from([" ", "\n", "&amp;", "&lt;b&gt;", "word " * 9, "z" * 90]),
    st.builds(
        link, st.text(max_size=40) | st.just("foo bar"), st.sampled_from(["https://e.com", "https://e.com/?a=b&c=d|e"])
    ),
)


@settings(deadline=None)
@given(st.lists(PARTS, max_size=12), st.integers(min_value=10, max_value=100))
def test_a_cut_text_is_short_and_whole(parts: list[str], limit: int) -> None:
    text = "".join(parts)
    short = cut(text, limit)
    assert len(short) <= limit
    if len(text) > limit:
        assert text.startswith(short.removesuffix(" …"))
    for opening, closing in (("<", ">"), ("&", ";")):
        assert short.count(opening) <= short.count(closing)
        assert short.rfind(opening) <= short.rfind(closing)
    links = re.compile("<[^<>]*>")
    assert set(links.findall(short)) <= set(links.findall(text))
    assert not {"<", ">"} & set(links.sub("", short)), "half a link"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("<https://e.com|foo bar>" + "z" * 100, 60, "<https://e.com|foo bar> …"),
        ("see <https://e.com|foo bar baz> and more", 24, "see …"),
        ("one two three", 12, "one two …"),
        ("word &amp;&amp;&amp;", 12, "word …"),
        ("z" * 20, 10, "z" * 8 + " …"),
    ],
)
def test_a_text_is_cut_behind_a_word_or_a_link(text: str, limit: int, short: str) -> None:
    assert cut(text, limit) == short


@settings(deadline=None)
@given(query=st.text(max_size=3_000), fact=st.text(max_size=60))
def test_a_button_carries_any_question(query: str, fact: str) -> None:
    value = pack(query, {"platform": fact}, c="card", v=True)
    assert len(value) <= 2_000
    found, given = unpack(value)
    assert given == {"platform": fact}
    sound = query.encode("utf-8", "replace").decode()
    assert sound.startswith(found)


def test_a_log_of_many_lines_goes_on_whole() -> None:
    log = "".join(f"12:00:{n % 60:02} nesessionmanager[412]: [tunnel] session failed, code 60\n" for n in range(150))
    assert unpack(pack(log, {}))[0] == log


@settings(deadline=None)
@given(st.text(max_size=200))
def test_a_value_that_is_none_of_ours_is_no_question(value: str) -> None:
    assert unpack(value) == ("", {})


@pytest.mark.parametrize("value", ['{"z": "~~~~"}', "[1]", "null", '{"g": 7}', '{"z": 7}'])
def test_a_damaged_value_is_no_question(value: str) -> None:
    assert unpack(value) == ("", {})


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("a &lt;Error&gt; &amp;amp; b", "a <Error> &amp; b"),
        ("<http://NEVPNManager.net|NEVPNManager.net> <https://x.example/|x.example>", "NEVPNManager.net x.example"),
        ("<https://x.example/a|x.example> <mailto:a@b.c|a@b.c>", "https://x.example/a a@b.c"),
        ("<@U123> <@U123|ann> <#C1|general> <!here> <!subteam^S1|@team>", "@someone @ann #general @here @team"),
    ],
)
def test_what_was_typed_is_read_out_of_what_slack_sends(sent: str, meant: str) -> None:
    assert typed(sent) == meant


def test_a_mention_is_taken_off_and_a_message_is_read_whole() -> None:
    assert without_mention("<@U0> code 8 &amp; more") == "code 8 & more"
    assert words_of({"text": "a", "attachments": [{"fallback": "b"}, None, {"text": "c"}]}) == "a\nb\nc"
    assert words_of({"text": None, "attachments": None}) == ""


def test_what_is_shown_of_another_apps_post_is_read_out_of_its_blocks() -> None:
    rich = [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "See "}, {"url": "https://a.example"}]},
        {"type": "rich_text_list", "elements": [{"type": "rich_text_section", "elements": [{"text": "one"}]}] * 2},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "code\n8"}]},
    ]
    shown = [
        {"type": "header", "text": {"type": "plain_text", "text": "Alert"}},
        {"type": "section", "text": None, "fields": [{"type": "mrkdwn", "text": "a &lt; b"}, {"text": "c"}]},
        {"type": "rich_text", "elements": rich},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Dismiss"}}]},
        None,
        {"type": "divider"},
    ]
    said = "Alert\na < b\nc\nSee https://a.example\none\none\ncode\n8"
    assert words_of({"text": "", "blocks": shown}) == said
    assert words_of({"text": "New alert", "blocks": shown}) == said
    assert words_of({"text": "its own, longer", "blocks": [{"text": {"text": "short"}}]}) == "its own, longer"
    assert words_of({"attachments": [{"fallback": "[no preview]", "blocks": shown}]}) == said


def test_a_long_paste_that_slack_made_a_file_of_is_read_as_far_as_it_is_shown() -> None:
    snippet = {"mode": "snippet", "title": "log", "preview": "NEVPNErrorDomain code 5\na &lt; b", "lines": 900}
    picture = {"mode": "hosted", "title": "screenshot.png"}
    assert words_of({"text": "", "files": [snippet, picture]}) == "NEVPNErrorDomain code 5\na < b"
    assert words_of({"text": "Tunnel stops", "files": [None, snippet]}).startswith("Tunnel stops\nNEVPNErrorDomain")


def test_the_cells_of_a_table_are_read() -> None:
    rich = [{"type": "rich_text_section", "elements": [{"type": "text", "text": "5"}]}]
    rows = [[{"type": "raw_text", "text": "NEVPNErrorDomain"}, {"type": "rich_text", "elements": rich}], None]
    assert words_of({"text": "see", "blocks": [{"type": "table", "rows": rows}]}) == "NEVPNErrorDomain\n5"


@pytest.mark.parametrize("blocks", [None, {}, "x", [[]], [{"elements": {"a": 1}}], [{"text": {"text": {"text": 1}}}]])
def test_blocks_of_no_known_form_say_nothing(blocks: object) -> None:
    assert words_of({"text": "", "blocks": blocks}) == ""


def test_blocks_within_blocks_without_end_are_read_no_deeper_than_slack_makes_them() -> None:
    block: dict[str, Any] = {"text": "deep"}
    for _ in range(5_000):
        block = {"elements": [block]}
    assert words_of({"blocks": [block]}) == ""
