"""Facts given beside a question: whatever their text, they refine it and never break it."""

from __future__ import annotations

import pytest

from kb.asking import ask
from kb.errors import BadInputError
from kb.matching.question import Question, check_given
from kb.snapshot import Snapshot


@pytest.mark.parametrize(
    ("fact", "meant"),
    [
        ("NEVPNConectionErrorDomain", "Did you mean NEVPNConnectionErrorDomain"),
        ("NEVPNErrorDomain -", "Did you mean NEVPNErrorDomain"),
        ("NEVPNErrorDomain 99999999999999999999", ""),
        ("com.example.teapot", ""),
        ("8", ""),
        (" ", ""),
    ],
)
def test_an_error_domain_that_is_not_known_is_refused_and_makes_no_answer_surer(
    snapshot: Snapshot, fact: str, meant: str
) -> None:
    with pytest.raises(BadInputError, match="is no error domain") as refused:
        ask("code 8", snapshot, given={"error": fact})
    assert refused.value.remedy.startswith(meant)
    assert "into the question" in refused.value.remedy


def test_every_domain_of_the_tables_can_be_given_with_a_code_and_without(snapshot: Snapshot) -> None:
    for domain in snapshot.signals.domains.values():
        for name in (domain.name, domain.name.lower(), f" {domain.name}  "):
            check_given({"error": name}, snapshot.signals)
        code = min(domain.cases, default=99)
        given = Question("it fails", snapshot, {"error": f"{domain.name} {code}"})
        check_given(given.given, snapshot.signals)
        assert [(s.domain, s.code) for s in given.signals if s.kind == "error"] == [(domain.name, code)]


@pytest.mark.parametrize("fact", ["iOS abc", "iOS", "26", "macOS 26.", "iPadOS 26.1 beta", "\x00"])
def test_an_os_given_in_any_form_is_read(snapshot: Snapshot, fact: str) -> None:
    assert ask("content filter works from Xcode but not from TestFlight", snapshot, given={"os": fact}).guidance


@pytest.mark.parametrize(
    ("given", "platforms"),
    [("18.2", set()), ("ios 18.2", {"iOS"}), ("macOS 15", {"macOS"}), ("Android 14", set()), ("iPadOS 18", {"iOS"})],
)
def test_an_os_implies_a_platform_that_there_is(snapshot: Snapshot, given: str, platforms: set[str]) -> None:
    answer = ask("the captive portal does not open", snapshot, given={"os": given})
    assert {s.value for s in answer.signals if s.kind == "platform"} == platforms


def test_a_card_about_other_platforms_is_not_first_where_the_platform_is_given(snapshot: Snapshot) -> None:
    for query in ("content filter prompt missing", "NEFilterManager saveToPreferences fails with error 5"):
        answer = ask(query, snapshot, given={"platform": "macOS"})
        assert "macOS" in snapshot.cards[answer.guidance[0].id].applies_to.platforms


def test_a_domain_given_for_a_bare_code_keeps_the_code(snapshot: Snapshot) -> None:
    answer = ask("error code 4 connecting", snapshot, given={"error": "NEVPNErrorDomain"})
    assert [(s.domain, s.code) for s in answer.signals if s.kind == "error"] == [("NEVPNErrorDomain", 4)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("platform", "garbage"),
        ("distribution", "shop"),
        ("supervision", "x"),
        ("packaging", ""),
        ("simulator", "maybe"),
    ],
)
def test_a_value_that_its_kind_has_not_is_refused_with_those_it_has(snapshot: Snapshot, kind: str, value: str) -> None:
    with pytest.raises(BadInputError, match=f"is no {kind}") as refused:
        ask("code 8 hotspot", snapshot, given={kind: value})
    assert "Give one of" in refused.value.remedy


def test_a_known_value_is_read_in_any_case(snapshot: Snapshot) -> None:
    answer = ask("content filter", snapshot, given={"distribution": "TestFlight", "platform": "IOS"})
    assert {(s.kind, s.value) for s in answer.signals} >= {("distribution", "testflight"), ("platform", "iOS")}
