"""What an answer asks for: only what would change it, at most two facts, none twice, and nothing given breaks it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.answer import Answer
from kb.asking import ask
from kb.errors import BadInputError
from kb.guidance.when import VALUES
from kb.matching.question import GIVEN_KINDS
from kb.snapshot import Snapshot


def domains_asked(answer: Answer) -> list[str]:
    return next((m.options for m in answer.missing if m.signal == "error"), [])


@pytest.mark.parametrize("text", ["code 8", "it fails with error 5 after the update"])
def test_a_bare_code_asks_for_its_domain_and_each_option_resolves_it(snapshot: Snapshot, text: str) -> None:
    options = domains_asked(ask(text, snapshot))
    assert 2 <= len(options) <= 6
    for option in options:
        refined = ask(text, snapshot, given={"error": option})
        (error,) = [s for s in refined.signals if s.kind == "error"]
        assert error.domain == option
        assert error.symbol, "the code has the name that it has in this domain"
        assert refined.outcome != "no_match"
        assert not domains_asked(refined), "what was answered is not asked again"


def test_another_domain_gives_another_card(snapshot: Snapshot) -> None:
    first = {
        domain: ask("code 8", snapshot, given={"error": domain}).guidance[0].id
        for domain in ("NEHotspotConfigurationErrorDomain", "OSSystemExtensionErrorDomain", "NERelayClientErrorDomain")
    }
    assert first == {
        "NEHotspotConfigurationErrorDomain": "hotspot-internal-error-8",
        "OSSystemExtensionErrorDomain": "sysext-activation-errors",
        "NERelayClientErrorDomain": "relay-config",
    }


def test_domains_of_what_the_text_speaks_of_stand_first(snapshot: Snapshot) -> None:
    options = domains_asked(ask("error 4 url filter or content filter", snapshot))
    tables = snapshot.signals
    assert options
    topics = [domain.topic for name in options if (domain := tables.domain_named(name))]
    assert topics[0] in ("url-filter", "content-filter")


def test_only_public_domains_are_offered_before_enumerations(snapshot: Snapshot) -> None:
    tables = snapshot.signals
    for code in (1, 12):
        shown = [tables.domain_named(name) for name in domains_asked(ask(f"error {code}", snapshot))]
        kinds = [d.visibility for d in shown if d is not None]
        assert "private" not in kinds
        assert kinds == sorted(kinds, key=lambda k: k != "public")


def test_a_code_in_a_question_that_is_not_ours_is_not_asked_about(snapshot: Snapshot) -> None:
    text = (
        "Our Android app's VpnService stops with error 5 on a Samsung phone after the screen was off for a while; the"
        " foreground notification is still there and logcat has nothing of use. Which permission does Android want?"
    )
    assert ask(text, snapshot).missing == []


def test_a_code_that_no_domain_knows_is_not_asked_about(snapshot: Snapshot) -> None:
    assert not domains_asked(ask("error 7412", snapshot))


@pytest.mark.parametrize(
    "text", ["content filter", "code 8", "vpn extension is not signed right", "system extension error"]
)
def test_at_most_two_facts_are_asked_for_and_none_twice(snapshot: Snapshot, text: str) -> None:
    given: dict[str, str] = {}
    for _ in range(5):
        answer = ask(text, snapshot, given=given)
        assert len(answer.missing) <= 2
        assert not {m.signal for m in answer.missing} & given.keys()
        if not answer.missing:
            return
        given[answer.missing[0].signal] = answer.missing[0].options[0]
    pytest.fail("asks on and on")


def test_what_is_asked_for_changes_the_first_card(snapshot: Snapshot) -> None:
    for text in ("content filter", "error 8", "extension does not load", "profile lacks the entitlement"):
        answer = ask(text, snapshot)
        before = answer.guidance[0].id if answer.guidance else None
        for m in answer.missing:
            after = [ask(text, snapshot, given={m.signal: option}) for option in m.options]
            assert any(a.guidance and a.guidance[0].id != before for a in after), (text, m.signal)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(GIVEN_KINDS), value=st.text(max_size=60))
def test_any_given_value_is_read_or_refused_by_its_kind(snapshot: Snapshot, kind: str, value: str) -> None:
    try:
        assert ask("error 8 hotspot or vpn", snapshot, given={kind: value}).outcome
    except BadInputError:
        assert kind in (*VALUES, "error")


@pytest.mark.parametrize("value", ["macos", "MACOS", " macOS "])
def test_a_platform_is_read_in_any_case(snapshot: Snapshot, value: str) -> None:
    answer = ask("content filter permission", snapshot, given={"platform": value})
    assert [s.value for s in answer.signals if s.kind == "platform"] == ["macOS"]
