"""Passages: sizes in the model's tokens, nothing whole cut in two, sign-offs and quotes not embedded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.build.model import find_model
from ingest.chunking import PASSAGE_TOKENS, cut, document_passages, embeddable
from kb.documents import Document, Post

MODEL = find_model()
SENTENCE = "The tunnel starts, reads its settings and then waits for a packet that never comes."


def words(text: str) -> int:
    return len(text.split())


def test_a_passage_has_at_most_the_budget_of_the_models_tokens() -> None:
    passages = cut(" ".join([SENTENCE] * 60), MODEL.tokens)
    assert len(passages) > 3
    assert all(MODEL.tokens(p) <= PASSAGE_TOKENS for p in passages)


def test_no_sentence_is_cut() -> None:
    passages = cut(" ".join([SENTENCE] * 60), MODEL.tokens)
    assert all(p.endswith(".") and p.startswith("The tunnel") for p in passages)


def test_a_code_block_and_log_lines_stay_whole() -> None:
    block = "```swift\nlet a = 1\n\nlet b = 2. Then\n```"
    log = "2026-01-02 10:11:12 nehelper[1:2] Failed. Then it tried again. Then it died."
    passages = cut(f"{SENTENCE}\n{block}\n{log}\n{SENTENCE}", words, budget=12)
    assert any(block in p for p in passages)
    assert any(log in p for p in passages)


@given(
    st.lists(
        st.sampled_from(
            [SENTENCE, "Short one.", "Is it? Yes!", "日本語の文。次の文。", "```\nx\n```", "[12:00:01] x", ""]
        ),
        max_size=30,
    )
)
def test_nothing_is_lost(parts: list[str]) -> None:
    text = "\n".join(parts)
    kept = "".join(cut(text, words, budget=20))
    assert re.sub(r"\s+", "", kept) == re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    "body",
    [
        "It fails at once. Thanks in advance!",
        "It fails at once.\n\nBest regards, Sam",
        "It fails at once.\n\nlet myEmail = ",
    ],
)
def test_sign_offs_are_not_embedded(body: str) -> None:
    assert embeddable(body) == "It fails at once."


def test_a_sign_off_ends_a_post_and_takes_nothing_but_its_line() -> None:
    pasted = 'let myEmail = "kettle"\nlet tunnel = Tunnel()\nIt fails with code 8.'
    assert embeddable(pasted) == pasted
    fenced = f"Look:\n\n```\n{pasted}\n```\n\nWhat now?"
    assert embeddable(fenced) == fenced


def test_code_at_the_end_of_a_post_is_no_sign_off() -> None:
    body = "It fails.\n\n```\nprint(thanks)\nlet myEmail = 1\nthanks\n```"
    assert embeddable(body) == body


def passages_of(*posts: Post) -> str:
    passages = document_passages(Document("t1", "test", "thread", "Tunnel sleeps", posts), words)
    return "\n".join(p.text for p in passages)


def test_what_a_question_quotes_is_found() -> None:
    shown = "Error Domain=KettleErrorDomain Code=42"
    found = passages_of(Post("question", f"It fails:\n\n> {shown}\n>\n> > Boiled dry\n\nWhy?"))
    assert found == f"It fails:\n{shown}\nBoiled dry\nWhy?"


def test_a_quote_of_an_earlier_post_is_not_embedded_again_and_any_other_is() -> None:
    asked = Post("question", "It sleeps. The *tunnel* says that it boiled dry. What now?")
    said = "> The tunnel says that it boiled dry.\n\nWake it."
    assert passages_of(asked, Post("reply", said)) == f"{asked.body}\nWake it."
    new = "> The technote says that a kettle is filled first.\n> The tunnel boiled the tunnel"
    assert passages_of(asked, Post("reply", new)).endswith(new.replace("> ", ""))
    assert passages_of(Post("reply", said)).startswith("The tunnel says")


def test_a_post_that_is_only_a_thank_you_is_still_found() -> None:
    assert embeddable("Thanks!") == "Thanks!"


def test_question_and_answers_are_apart_and_carry_the_title() -> None:
    document = Document(
        id="t1",
        source="test",
        kind="thread",
        title="Tunnel sleeps",
        posts=(Post("question", "It sleeps."), Post("reply", "Wake it.", apple=True, accepted=True)),
    )
    passages = document_passages(document, MODEL.tokens)
    assert [(p.kind, p.context) for p in passages] == [
        ("question", "Tunnel sleeps"),
        ("reply", "Tunnel sleeps › accepted answer"),
    ]
