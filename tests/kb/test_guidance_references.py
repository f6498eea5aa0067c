"""Steps that name other steps: the numbers are those that the reader sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.guidance.parse import read_cards
from kb.guidance.references import named_steps, renumber
from kb.home import shipped_data


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("It stays: step 3.", {3}),
        ("see steps 2 to 4 or step 6", {2, 3, 4, 6}),
        ("DNS proxy, step 4 or 6", {4, 6}),
        ("Steps 1, 2 and 5", {1, 2, 5}),
        ("2: step 2. 3: step 3. 14 is step 8, 15 another", {2, 3, 8, 15}),
        ("a footstep 4 and iOS 26", set()),
        ("after step 2, 15 seconds later", {2}),
        ("step 3, 2 times", {3}),
        ("see step 100 of it", set()),
    ],
)
def test_the_steps_that_a_text_names(text: str, steps: set[int]) -> None:
    assert named_steps(text) == steps


def test_steps_keep_their_meaning_when_others_are_left_out() -> None:
    numbers = {1: 1, 3: 2, 4: 3, 6: 4}
    assert renumber("go to step 3", numbers) == "go to step 2"
    assert renumber("steps 2 to 4", numbers) == "steps 2 to 3"
    assert renumber("step 2 or 6", numbers) == "step 2 of the whole card or 4"
    assert renumber("no step at all, iOS 3", numbers) == "no step at all, iOS 3"


NAMED = st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True).map(sorted)
BETWEEN = st.sampled_from([", ", " or ", " and ", ", or "])


@given(st.text(max_size=40), st.sampled_from(["step", "Steps"]), NAMED, BETWEEN, st.text(max_size=40))
def test_nothing_changes_when_nothing_is_left_out(
    before: str, word: str, steps: list[int], between: str, after: str
) -> None:
    text = f"{before} {word} {between.join(map(str, steps))}. {after}"
    assert renumber(text, {n: n for n in range(100)}) == text
    assert named_steps(text) >= set(steps)


def test_every_step_that_a_shipped_card_names_is_there() -> None:
    for card in read_cards(shipped_data() / "guidance"):
        for text in (card.summary, *(s.text for s in card.steps)):
            assert named_steps(text) <= set(range(1, len(card.steps) + 1)), (card.id, text)
