"""Cards: the format is held, and what is wrong is said with file, field and remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import GuidanceError, NekbError
from kb.guidance.card import Card
from kb.guidance.check import problems
from kb.guidance.parse import read_card, read_cards
from kb.guidance.template import template
from kb.guidance.when import applies, parse_when
from kb.home import shipped_data
from kb.resources import read_resources
from kb.signals.compiling import compile_tables

DATA = shipped_data()
SHIPPED = {card.id: card for card in read_cards(DATA / "guidance")}
RESOURCES = read_resources(DATA)
TABLES = compile_tables(DATA)


def test_every_shipped_card_passes_the_check() -> None:
    assert [str(p) for p in problems(list(SHIPPED.values()), RESOURCES, TABLES)] == []


def test_every_id_of_the_catalogue_has_a_card(shared: Path) -> None:
    rows = (shared / "guidance-catalogue.md").read_text(encoding="utf-8").splitlines()
    ids = {row.split("|")[1].strip() for row in rows if row.startswith("| ") and row.count("|") >= 4} - {"id", "---"}
    assert len(ids) == 46
    assert ids <= set(SHIPPED)


@pytest.mark.parametrize("id", sorted(SHIPPED))
def test_a_card_can_be_read_at_a_glance(id: str) -> None:
    card = SHIPPED[id]
    assert 60 <= len(card.summary) <= 900
    assert 3 <= len(card.steps) <= 12
    assert all(len(step.text) <= 900 for step in card.steps)
    assert len(card.symptoms) == 5
    assert len(card.phrasings) == len(set(card.phrasings))


def test_a_card_is_itself_after_a_snapshot_kept_it() -> None:
    for card in SHIPPED.values():
        assert Card.of(json.loads(card.to_json())) == card


def changed(id: str, **fields: Any) -> Card:
    return replace(SHIPPED[id], **fields)


def found(card: Card) -> str:
    others = [c for c in SHIPPED.values() if c.id != card.id]
    return "\n".join(str(p) for p in problems([*others, card], RESOURCES, TABLES))


def test_a_step_without_a_citation_is_a_problem() -> None:
    card = SHIPPED["hotspot-internal-error-8"]
    bare = replace(card.steps[0], cites=[])
    assert "step 1 cites nothing" in found(changed(card.id, steps=[bare, *card.steps[1:]]))


def test_a_link_that_is_in_no_list_is_a_problem() -> None:
    assert "[@nowhere] is in no resource list" in found(changed("hotspot-internal-error-8", links=["nowhere"]))


def test_an_unknown_neighbour_is_a_problem() -> None:
    assert "unknown card 'no-such-card'" in found(changed("hotspot-internal-error-8", see_also=["no-such-card"]))


def test_a_circle_of_see_also_is_a_problem() -> None:
    assert "goes in a circle" in found(changed("filing-wifi-bug-report", see_also=["hotspot-internal-error-8"]))


def test_a_single_report_stated_as_certain_is_a_problem() -> None:
    card = SHIPPED["include-all-networks"]
    sure = replace(card.steps[0], text="**Update** breaks all networking.", cites=["mullvad-iad"])
    assert "'mullvad-iad' as certain" in found(changed(card.id, steps=[sure]))
    hedged = replace(sure, text="**Update** is reported to break all networking.")
    assert "'mullvad-iad' as certain" not in found(changed(card.id, steps=[hedged]))


def test_a_code_of_low_confidence_stated_as_certain_is_a_problem() -> None:
    card = SHIPPED["debugging-ne-provider"]
    text = "**NEAgentErrorDomain 3** means that the bundle is wrong."
    assert "low confidence" in found(changed(card.id, steps=[replace(card.steps[0], text=text)]))


def test_an_api_of_no_table_is_a_problem() -> None:
    card = SHIPPED["hotspot-internal-error-8"]
    signals = replace(card.signals, apis=["NENoSuchManager"])
    assert "'NENoSuchManager' is in no signal table" in found(changed(card.id, signals=signals))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (("---\nid:", "id:"), "front matter is missing"),
        (("topic: hotspot-wifi", "topic: gardening"), "topic"),
        (("## Checklist", "## List"), "Checklist is missing"),
        (("id: hotspot-internal-error-8", "id: another"), "id is 'another'"),
        (("kind: fix", "kind: pray"), "route.kind"),
        (("reviewed: 2026-11-25", "reviewed: soon"), "reviewed"),
        (("topic: hotspot-wifi", "topic: [unclosed"), "is not YAML"),
        (("reviewed: 2026-11-25", "reviewed: 2026-02-30"), "is not YAML"),
        (("## Checklist\n", "## Checklist\n\nFirst this.\n"), "Checklist has text before its first step"),
        (("\n2. ", "\n2) "), "step 1 holds '2)'"),
        (("\n1. ", "\n1. {when: platform=iOS} "), "step 1 holds '{when'"),
        (("[@hotspot-config-entitlement]\n2.", "\n   {when: ; }\n2."), "step 1 has a condition that says nothing"),
    ],
)
def test_a_spoilt_file_is_named_with_its_field_and_a_remedy(tmp_path: Path, spoil: tuple[str, str], says: str) -> None:
    text = (DATA / "guidance" / "hotspot-internal-error-8.md").read_text(encoding="utf-8")
    path = tmp_path / "hotspot-internal-error-8.md"
    path.write_text(text.replace(spoil[0], spoil[1], 1), encoding="utf-8")
    with pytest.raises(GuidanceError) as caught:
        read_card(path)
    assert path.name in caught.value.sentence
    assert says in caught.value.sentence
    assert caught.value.remedy


def test_a_byte_order_mark_and_a_trailing_space_are_no_fault(tmp_path: Path) -> None:
    text = (DATA / "guidance" / "hotspot-internal-error-8.md").read_text(encoding="utf-8")
    path = tmp_path / "hotspot-internal-error-8.md"
    path.write_text("\ufeff" + text.replace("## Checklist\n", "## Checklist  \n"), encoding="utf-8")
    assert read_card(path) == SHIPPED["hotspot-internal-error-8"]


@given(st.binary(max_size=400))
def test_no_file_raises_anything_but_a_guidance_error(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any-card.md"
    path.write_bytes(body)
    with pytest.raises(GuidanceError):
        read_card(path)


def test_the_template_of_an_own_card_is_a_card(tmp_path: Path) -> None:
    path = tmp_path / "my-own-card.md"
    path.write_text(template("my-own-card"), encoding="utf-8")
    card = read_card(path, origin="user")
    assert "".join(str(p) for p in problems([*SHIPPED.values(), card], RESOURCES, TABLES)) == ""


@pytest.mark.parametrize("id", ["", "Has Space", "../evil", "a/b", "x" * 80])
def test_an_id_that_is_no_file_name_is_refused(id: str) -> None:
    with pytest.raises(NekbError):
        template(id)


@pytest.mark.parametrize(
    ("when", "named", "shown"),
    [
        ("platform=iOS", {}, True),
        ("platform=iOS", {"platform": ["iOS"]}, True),
        ("platform=iOS", {"platform": ["macOS"]}, False),
        ("platform=iOS|macOS", {"platform": ["macOS"]}, True),
        ("distribution=testflight|app-store", {"distribution": ["xcode"]}, False),
        ("platform=macOS; packaging=system-extension", {"platform": ["macOS"], "packaging": ["app-extension"]}, False),
        ("os>=iOS 26.4", {"os": ["iOS 26.4.1"]}, True),
        ("os>=iOS 26.4", {"os": ["iOS 26.3"]}, False),
        ("os>=iOS 26.4", {}, True),
        ("os<macOS 15", {"platform": ["macOS"], "os": ["macOS 14.6"]}, True),
        ("os<macOS 15", {"platform": ["iOS"]}, False),
        ("os>=iOS 16|macOS 13", {"platform": ["macOS"]}, True),
        ("os>=iOS 16|macOS 13", {"os": ["macOS 12.7"]}, False),
        ("os>=iOS 16|macOS 13", {"platform": ["iOS"], "os": ["iOS 15.2"]}, False),
    ],
)
def test_a_step_is_hidden_only_when_it_surely_does_not_apply(
    when: str, named: dict[str, list[str]], shown: bool
) -> None:
    assert applies(parse_when(when), named) is shown


@pytest.mark.parametrize(
    "when", ["planet=Mars", "platform=Android", "os~iOS 3", "os>=iOS 16|Android 9", f"os>=iOS {'9' * 5000}"]
)
def test_an_unknown_condition_is_refused(when: str) -> None:
    with pytest.raises(GuidanceError):
        parse_when(when)
