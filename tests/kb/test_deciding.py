"""Deciding: what says nothing yet is not answered, and a bare code is not settled before its domain is known."""

from __future__ import annotations

import pytest

from kb.asking import ask
from kb.snapshot import Snapshot


@pytest.mark.parametrize(
    "text",
    [
        "please see the log in the attachment",
        "screenshots and logs will follow",
        "thanks, that helped",
        "siehe Log oben",
    ],
)
def test_a_message_that_asks_nothing_is_not_answered(snapshot: Snapshot, text: str) -> None:
    assert ask(text, snapshot).outcome != "answered"


def test_a_log_that_says_what_failed_is_answered_whatever_announces_it(snapshot: Snapshot) -> None:
    text = 'log attached:\nError Domain=NEHotspotConfigurationErrorDomain Code=8 "internal error."'
    answer = ask(text, snapshot)
    assert (answer.outcome, answer.guidance[0].id) == ("answered", "hotspot-internal-error-8")


def test_a_code_is_not_answered_before_its_domain_is_known(snapshot: Snapshot) -> None:
    bare = ask("code 8", snapshot)
    assert (bare.outcome, [m.signal for m in bare.missing]) == ("uncertain", ["error"])
    told = ask("code 8", snapshot, given={"error": "OSSystemExtensionErrorDomain"})
    assert (told.outcome, told.guidance[0].id) == ("answered", "sysext-activation-errors")
    assert told.confidence > bare.confidence


@pytest.mark.parametrize("text", ["hotspot", "dns", "multicast", "vpn"])
def test_a_word_of_the_field_alone_finds_something(snapshot: Snapshot, text: str) -> None:
    assert ask(text, snapshot).outcome == "uncertain"


@pytest.mark.parametrize("text", ["includeAllNetworks", "NEFilterErrorDomain 5", "jetsam"])
def test_a_name_alone_is_answered(snapshot: Snapshot, text: str) -> None:
    assert ask(text, snapshot).outcome == "answered"


@pytest.mark.parametrize("text", ["NWBrowser -65555", "kDNSServiceErr_PolicyDenied", "NSNetServicesErrorCode -72008"])
def test_a_code_of_bonjour_is_ours(snapshot: Snapshot, text: str) -> None:
    assert ask(text, snapshot).guidance[0].id == "multicast-local-network"
