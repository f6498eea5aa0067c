"""Other languages: known words become English, the rest of another script waits apart, English stays as it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.home import shipped_data
from kb.signals.compiling import compile_tables
from kb.signals.glossary import in_english
from kb.signals.tables import SignalTables
from kb.yamltext import read_yaml

GLOSSARY = SignalTables.from_json(compile_tables(shipped_data())).glossary
SMALL = {
    "系统扩展": "system extension",
    "扩展": "extension",
    "内存": "memory limit",
    "памят": "memory limit",
    "túnel": "tunnel",
}


def test_words_are_put_in_place_and_in_order() -> None:
    read = in_english("iOS 扩展 50M 内存", SMALL)
    assert read.text == "iOS extension 50M memory limit"
    assert read.left == ""


def test_of_words_that_overlap_the_longest_counts() -> None:
    assert in_english("系统扩展", SMALL).text == "system extension"


def test_a_word_of_an_alphabet_is_taken_with_its_ending_and_only_from_its_beginning() -> None:
    assert in_english("нехватка памяти", SMALL).text == "memory limit"
    assert in_english("беспамятство", SMALL).text == "беспамятство"


def test_a_short_word_is_whole_and_a_long_one_may_be_a_part_of_a_compound() -> None:
    glossary = {"erweiterung": "extension", "netzwerk": "network", "red": "network"}
    assert in_english("die Netzwerkerweiterung wird nicht geladen", glossary).text == (
        "die network extension wird nicht geladen"
    )
    assert (
        in_english("je dois rediriger le flux vers la red", glossary).text
        == "je dois rediriger le flux vers la network"
    )


def test_what_the_glossary_lacks_is_left_for_the_search_of_words() -> None:
    read = in_english("打开 youtube 内存", SMALL)
    assert read.text == "youtube memory limit"
    assert read.left == "打开"
    assert read.whole == "youtube memory limit 打开"


def test_a_text_of_which_no_word_is_known_stays_whole() -> None:
    assert in_english("これは何ですか", SMALL).text == "これは何ですか"


@pytest.mark.parametrize(
    "text",
    [
        "the tunnel drops — naïve question, but the “filter” dies on the café's Wi-Fi",
        "per se, the proxy of Des Moines",
        "error 8 → NEHotspotConfigurationErrorDomain",
    ],
)
def test_english_with_odd_signs_is_left_alone(text: str) -> None:
    assert in_english(text, GLOSSARY) == (text, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("VPN 隧道连上之后没网", {"tunnel", "connect", "internet"}),
        ("システム拡張がユーザの承認待ちのまま", {"system", "extension", "approval"}),
        ("Der Tunnel startet nicht nach dem Neustart", {"start", "reboot"}),
        ("o túnel não inicia depois de reiniciar", {"tunnel", "start", "reboot"}),
        ("расширение падает при нехватке памяти", {"extension", "crash", "memory"}),
        ("kết nối vào thiết bị không có internet", {"connect", "accessory"}),
        ("la extensión de red no arranca en TestFlight", {"network", "extension", "start"}),
        ("die Netzwerkerweiterung startet nicht in TestFlight", {"network", "extension", "start"}),
        ("no aparece el aviso de red local en iOS 18", {"local", "network"}),
    ],
)
def test_the_fields_words_are_known_in_many_languages(text: str, words: set[str]) -> None:
    assert words <= set(in_english(text, GLOSSARY).text.split())


def test_no_foreign_word_stands_for_two_things() -> None:
    table = read_yaml((shipped_data() / "signals" / "glossary.yaml").read_text(encoding="utf-8"))["glossary"]
    words = [word for foreign in table.values() for word in foreign]
    assert len(words) > 1_000
    assert len({w.lower() for w in words}) == len(words)


def test_letters_whose_lower_case_is_longer_keep_the_places_true() -> None:
    assert in_english("İİ 50M 内存 sınır", {"内存": "memory limit"}).text == "İİ 50M memory limit sınır"


@given(st.text(max_size=200))
def test_what_was_put_into_english_holds_no_other_script(text: str) -> None:
    read = in_english(f"{text} 内存", GLOSSARY)
    assert "memory limit" in read.text
    assert not re.search(r"[\u0370-\u1dff\u2e80-\uffff]", read.text)


@given(st.lists(st.from_regex(r"[A-Za-z]{1,12}|-?[0-9]{1,5}|NE[A-Z][a-z]{2,9}", fullmatch=True), max_size=12))
def test_names_and_codes_survive_beside_another_script(words: list[str]) -> None:
    read = in_english(" ".join([*words, "内存"]), {"内存": "memory limit"})
    assert read.text.split() == [*words, "memory", "limit"]
