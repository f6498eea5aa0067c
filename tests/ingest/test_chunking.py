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
        "> somebody said so\nIt fails at once.",
    ],
)
def test_sign_offs_and_quotes_are_not_embedded(body: str) -> None:
    assert embeddable(body) == "It fails at once."


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
