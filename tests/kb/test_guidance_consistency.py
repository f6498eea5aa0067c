"""The check finds what a reader would trip over: names that lead nowhere, repetitions, contradictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kb.guidance.card import Card, NearMiss
from kb.guidance.consistency import inconsistencies
from kb.guidance.parse import read_cards
from kb.home import shipped_data
from kb.signals.compiling import compile_tables

SHIPPED = {card.id: card for card in read_cards(shipped_data() / "guidance")}
TABLES = compile_tables(shipped_data())
ID = "hotspot-internal-error-8"


def found(id: str = ID, **fields: Any) -> str:
    card = replace(SHIPPED[id], **fields)
    others = [c for c in SHIPPED.values() if c.id != id]
    return "\n".join(str(p) for p in inconsistencies([*others, card], TABLES))


def with_step(text: str, when: str | None = None, id: str = ID) -> str:
    steps = SHIPPED[id].steps
    return found(id, steps=[replace(steps[0], text=text, when=when), *steps[1:]])


def test_the_shipped_cards_contradict_nothing() -> None:
    assert found() == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("**Look.** Nothing: go to step 12.", "names step 12 of 8"),
        ("**Look.** Nothing: see step 1.", "names itself"),
        ("**Look.** Then see `filing-wifi-bug-reports`.", "which is no card"),
        (f"**Look.** Then see `{ID}`.", "sends the reader to the card itself"),
        (SHIPPED[ID].steps[1].text, "repeats step 1"),
    ],
)
def test_a_step_that_leads_nowhere_is_a_problem(text: str, says: str) -> None:
    assert says in with_step(text)


def test_a_value_in_backticks_is_not_taken_for_a_card() -> None:
    assert with_step("**Look** for `packet-tunnel-provider` and `network-authentication`.") == ""


@pytest.mark.parametrize("when", ["platform=macOS", "os>=macOS 13", "os>=iOS 16|macOS 13"])
def test_a_step_for_a_platform_that_the_card_is_not_about_is_a_problem(when: str) -> None:
    assert "is for macOS, which the card is not about" in with_step("**Look.**", when)


def test_a_code_that_its_domain_does_not_have_is_a_problem() -> None:
    signals = replace(SHIPPED[ID].signals, errors=["NEHotspotConfigurationErrorDomain 99"])
    assert "is a code that its domain does not have" in found(signals=signals)


def test_a_symptom_of_two_cards_is_a_problem() -> None:
    taken = SHIPPED["wifi-signal-strength"].symptoms["short"][0].upper() + "?"
    assert "is a symptom of" in found(symptoms=SHIPPED[ID].symptoms | {"short": [taken]})


def test_a_near_miss_has_to_make_sense_alone_and_be_no_symptom_of_the_card() -> None:
    short = NearMiss(text="the same error", card="vpn-lifecycle")
    assert "says too little alone" in found(near_misses=[short])
    own = NearMiss(text=SHIPPED[ID].symptoms["question"][0], card="vpn-lifecycle")
    assert "is a symptom of the card too" in found(near_misses=[own])


@pytest.mark.parametrize(
    ("route", "says"),
    [
        ({"kind": "file_bug", "attach": []}, "route.attach is empty"),
        ({"kind": "request_entitlement", "form": None}, "route.form is missing"),
        ({"otherwise": "ask_forum", "subtopic": None}, "route.subtopic is missing"),
    ],
)
def test_a_route_says_what_its_stop_needs(route: dict[str, Any], says: str) -> None:
    assert says in found(route=replace(SHIPPED[ID].route, **route))


def test_a_link_that_nothing_cites_is_a_problem() -> None:
    assert "names 'mullvad-iad', which nothing in the card cites" in found(links=["mullvad-iad"])


def test_a_card_of_a_user_may_still_be_short() -> None:
    own: Card = replace(SHIPPED[ID], id="mine", origin="user", near_misses=[], links=["tn3111"])
    assert [str(p) for p in inconsistencies([*SHIPPED.values(), own], TABLES)] == []
