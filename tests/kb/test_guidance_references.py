"""Steps that name other steps: the numbers are those that the reader sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.guidance.parse import read_cards
from kb.guidance.references import named_steps, renumber
from kb.guidance.when import applies, parse_when
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


def test_no_shipped_step_sends_the_reader_of_a_platform_to_one_that_is_left_out_for_it() -> None:
    for card in read_cards(shipped_data() / "guidance"):
        for platform in card.applies_to.platforms:
            named = {"platform": [platform]}
            stay = [n for n, s in enumerate(card.steps, 1) if s.when is None or applies(parse_when(s.when), named)]
            assert stay, (card.id, platform)
            for n in stay:
                assert named_steps(card.steps[n - 1].text) <= set(stay), (card.id, platform, n)


@pytest.mark.parametrize(
    ("id", "named", "says"),
    [
        ("content-filter-testflight-deployment", {"platform": ["visionOS"]}, "visionOS 1.1"),
        ("content-filter-testflight-deployment", {"platform": ["iOS"], "os": ["iOS 18"]}, "Older systems"),
        ("dns-proxy-vs-dns-settings", {"platform": ["visionOS"]}, "visionOS 1.1"),
        ("hotspot-helper-entitlement", {"platform": ["visionOS"], "os": ["visionOS 26"]}, "NEHotspotManager"),
        ("wifi-fundamentals-api-overview", {"platform": ["iOS"], "os": ["iOS 18"]}, "Wi-Fi Aware"),
    ],
)
def test_a_step_that_says_from_when_on_is_there_for_those_before(
    id: str, named: dict[str, list[str]], says: str
) -> None:
    """Who asks about an older system, or a rarer one, has to learn what it lacks."""
    card = next(c for c in read_cards(shipped_data() / "guidance") if c.id == id)
    shown = [s.text for s in card.steps if s.when is None or applies(parse_when(s.when), named)]
    assert any(says in text for text in shown)
