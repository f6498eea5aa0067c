"""`nekb error`: every case of the table is found by code, by domain and code, and by symbol."""

from __future__ import annotations

import pytest

from kb.error_lookup import find_errors, look_up, silent_apis
from kb.errors import NekbError, NotFoundError
from kb.home import shipped_data
from kb.signals import SignalTables
from kb.signals.compiling import compile_tables, table_cards
from kb.signals.tables import Case, Domain

TABLES = SignalTables.from_json(compile_tables(shipped_data()))
CASES = [(d, c) for d in TABLES.domains.values() for c in d.cases.values()]


@pytest.mark.parametrize(("domain", "case"), CASES, ids=[f"{d.id}-{c.code}" for d, c in CASES])
def test_every_case_is_found(domain: Domain, case: Case) -> None:
    by_domain = look_up([domain.name, str(case.code)], TABLES)
    assert [(k.domain.id, k.case.code) for k in by_domain] == [(domain.id, case.code)]
    assert (domain.id, case.code) in {(k.domain.id, k.case.code) for k in look_up([str(case.code)], TABLES)}
    if case.symbol:
        assert look_up([case.symbol], TABLES)[0].case.code == case.code


@pytest.mark.parametrize(
    "words",
    [
        ["NEVPNErrorDomain", "5"],
        ["NEVPNErrorDomain:5"],
        ["NEVPNErrorDomain", "code=5"],
        ["error NEVPNErrorDomain 5"],
        ["NEVPNError", "5"],
        ["5", "NEVPNErrorDomain"],
        ["(NEVPNErrorDomain error 5.)"],
        ["The operation couldn’t be completed. (NEVPNErrorDomain error 5.)"],
        ["Error", "Domain=NEVPNErrorDomain", "Code=5", '"(null)"'],
        ['Error Domain=NEVPNErrorDomain Code=5 "permission denied" UserInfo={NSLocalizedDescription=denied}'],
    ],
)
def test_spellings_of_the_same_question(words: list[str]) -> None:
    assert [(k.domain.name, k.case.code) for k in look_up(words, TABLES)] == [("NEVPNErrorDomain", 5)]


def test_of_an_error_that_was_printed_what_lies_beneath_is_told_too() -> None:
    printed = (
        "Error Domain=NEVPNErrorDomain Code=5 UserInfo={NSUnderlyingError=0x2 "
        "{Error Domain=NEConfigurationErrorDomain Code=10}}"
    )
    found = [(k.domain.name, k.case.code) for k in look_up([printed], TABLES)]
    assert found == [("NEVPNErrorDomain", 5), ("NEConfigurationErrorDomain", 10)]


@pytest.mark.parametrize("end", [".", ",", ").", ""])
def test_the_end_of_a_sentence_is_no_part_of_a_code(end: str) -> None:
    start = "(" if end.startswith(")") else ""
    found = look_up([f"{start}NEVPNErrorDomain error 5{end}"], TABLES)
    assert [(k.domain.name, k.case.code) for k in found] == [("NEVPNErrorDomain", 5)]


@pytest.mark.parametrize(
    ("name", "api"),
    [
        ("cncopycurrentnetworkinfo", "CNCopyCurrentNetworkInfo"),
        ("fetchCurrentWithCompletionHandler:", "NEHotspotNetwork.fetchCurrent"),
        ("NEHotspotHelper.register(options:queue:handler:)", "NEHotspotHelper.register"),
        ("NEHotspotHelper", None),
        ("NEVPNErrorConfigurationInvalid", None),
        ("8", None),
        ("", None),
    ],
)
def test_an_api_that_fails_without_an_error_is_found_in_every_spelling(name: str, api: str | None) -> None:
    assert [found.api for found in silent_apis(name, TABLES)] == ([api] if api else [])


def test_every_api_that_fails_without_an_error_is_found_and_the_check_sees_its_cards() -> None:
    assert TABLES.silent_apis
    named = set(table_cards(compile_tables(shipped_data())))
    for api in TABLES.silent_apis:
        assert silent_apis(api.api, TABLES) == [api]
        assert named >= {(api.api, card) for card in api.cards}


def test_a_public_domain_comes_before_a_private_one() -> None:
    order = [k.domain.visibility for k in look_up(["10"], TABLES)]
    assert order == sorted(order, key=["public", "private", "enum", "system"].index)


def test_known_codes_are_listed_where_some_are_missing() -> None:
    with pytest.raises(NotFoundError) as told:
        look_up(["AppleMobileFileIntegrityError", "1"], TABLES)
    assert "Known are -413:" in told.value.remedy
    with pytest.raises(NotFoundError) as told:
        look_up(["NEVPNErrorDomain", "99"], TABLES)
    assert "Known are 1 to 6:" in told.value.remedy


@pytest.mark.parametrize(
    "words",
    [
        [],
        [""],
        ["987654"],
        ["NoSuchDomain", "1"],
        ["NEVPNErrorDomain", "99"],
        ["💥"],
        [".internal", "99"],
        ["NEVPNErrorConfigurationInvalid", "5"],
        ["(NEVPNErrorDomain error 99.)"],
        ["error"],
        ["Code="],
    ],
)
def test_what_is_unknown_is_said_in_a_sentence(words: list[str]) -> None:
    with pytest.raises(NekbError) as caught:
        look_up(words, TABLES)
    assert caught.value.remedy


def test_named_parts_have_to_agree() -> None:
    symbol = "NEVPNErrorConfigurationInvalid"
    for parts in ({}, {"code": 1}, {"domain": "NEVPNErrorDomain"}, {"domain": "NEVPNErrorDomain", "code": 1}):
        assert [k.case.symbol for k in find_errors(TABLES, symbol=symbol, **parts)] == [symbol]
    for parts in ({"code": 3}, {"domain": "NETunnelProviderErrorDomain"}, {"domain": "NoSuchDomain"}):
        with pytest.raises(NotFoundError):
            find_errors(TABLES, symbol=symbol, **parts)
    assert len(find_errors(TABLES, domain="NEVPNErrorDomain")) > 1
    assert [k.case.code for k in find_errors(TABLES, domain="NEVPNErrorDomain", code=5)] == [5]
