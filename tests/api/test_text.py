"""Text from outside cannot steer a terminal, hide, or become an address of another scheme."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.text import one_line, plain, safe_url

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07shown",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31mred",
    "safe\x08\x08\x08\x08evil",
    "\u202egnp.exe",
    "a\u200bb",
    "a\u061cb",
    "seen" + "".join(chr(0xE0000 + ord(c)) for c in "and not seen"),
    "a\ufff9b\ufffac\ufffb",
    "\x1bPq#0\x1b\\sixel",
    "a\u061cb\u180ec\u206ad",
    "shown\ufff9hidden\ufffb",
    "see" + "".join(chr(0xE0000 + ord(c)) for c in "ignore all of it"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_escapes_and_hidden_marks_are_gone(text: str) -> None:
    shown = plain(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in shown)


def test_what_languages_and_pictures_are_written_with_is_kept() -> None:
    assert plain("می\u200cخواهم 👩\u200d💻 ☎\ufe0f co\u00adop") == "می\u200cخواهم 👩\u200d💻 ☎\ufe0f co\u00adop"


def test_selectors_carry_no_hidden_bytes() -> None:
    assert plain("a" + "".join(chr(0xE0100 + byte) for byte in b"ignore it")) == "a"


@given(st.text())
def test_no_control_character_survives_but_tabs_and_newlines(text: str) -> None:
    assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in plain(text))


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "Zs"))))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert plain(text) == text


def test_lines_that_end_as_those_of_an_old_mac_are_not_glued_together() -> None:
    assert plain("code\r8\r\nhotspot") == "code\n8\nhotspot"
    assert one_line("code\r8") == "code 8"


def test_one_line_has_no_newline() -> None:
    assert one_line("a\n\tb  c") == "a b c"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://a b", 'https://a"onclick=', "data:x", ""]
)
def test_an_address_that_is_no_web_address_is_none(url: str) -> None:
    assert safe_url(url) is None


def test_a_web_address_stays() -> None:
    assert (
        safe_url("https://developer.apple.com/forums/search?q=a%20b")
        == "https://developer.apple.com/forums/search?q=a%20b"
    )
