"""What is taken out of a text before it is kept: secrets and persons, and nothing that helps to answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.records.redaction import redacted, shortened


@pytest.mark.parametrize("before", ["", "mailto:", "(", "two@", "x@y-", "a@b.c+"])
@pytest.mark.parametrize("mail", ["me@example.com", "a.b+c-d@mail.example.co.jp", f"{'long' * 200}@example.com"])
def test_no_mail_address_is_kept(before: str, mail: str) -> None:
    shown = redacted(f"ask {before}{mail} for it")
    assert "example" not in shown
    assert mail.partition("@")[0] not in shown
    assert shown.endswith("<mail> for it")


@given(st.text(alphabet="ab._-+@ ", max_size=30), st.text(alphabet="ab._-+@ ", max_size=30))
def test_no_mail_address_is_kept_whatever_stands_around(before: str, after: str) -> None:
    assert "me@host.example" not in redacted(f"{before}me@host.example{after}")


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("jwt eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl!", "eyJzdWIi"),
        ("id-eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "eyJzdWIi"),
        ("password: hunter2, and so on", "hunter2"),
        ('{"password": "hunter2"}', "hunter2"),
        ("psk 'hunter2'", "hunter2"),
        ("Authorization: Bearer opaque-word", "opaque-word"),
        ('"authorization": "Basic dXNlcjpwdw=="', "dXNlcjpwdw"),
        ("key sk-abcdefghij0123456789", "abcdefghij"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY----- then", "MIIabc"),
        ("from 10.0.0.17 to 00:1A:2b:3c:4d:5e", "10.0.0.17"),
        ("in /Users/jane/Library/Logs", "jane"),
        ("in C:\\Users\\jane\\Desktop", "jane"),
        ("my password is hunter2", "hunter2"),
        ('passphrase="correct horse, battery"', "battery"),
        (r'"password": "a \"quoted\" word"', "quoted"),
        ("secret key: hunter2", "hunter2"),
        ("password => hunter2", "hunter2"),
        ('initWithSSID:@"Home" passphrase:@"hunter2" isWEP:NO', "hunter2"),
        ('initWithSSID:@"Home of Jane" passphrase:p isWEP:NO', "Jane"),
        ('NEHotspotConfiguration(ssid: "Home")', "Home"),
        ("joined SSID 'Home of Jane'", "Jane"),
        ("SSID: Home\nBSSID: -", "Home"),
        ("<key>SSID_STR</key>\n<string>Home of Jane</string>", "Jane"),
        ("<key>Password</key>\n\t<string>two words</string>", "words"),
        ("<key>SharedSecret</key><data>\nAAECAw==\n</data>", "AAECAw"),
        (r"{\"client_secret\":\"hunter2\"}", "hunter2"),
        ("preSharedKey=hunter2", "hunter2"),
        ("access_token: hunter2", "hunter2"),
        ("PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "lXXJte14"),
        ("[Peer] yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "lXXJte14"),
        ("https://jane:hunter2@host.example/", "jane"),
        ("Cookie: session=hunter2; b=c", "hunter2"),
        ("github_pat_11ABCDEFG0abcdefghij", "abcdefghij"),
        ("jwt eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0.", "eyJzdWIi"),
        ("UDID 00008030-001A2B3C4D5E6F78", "001A2B3C"),
        ("device 2b6f0cc904d137be2e1730235f5664094b831186", "2b6f0cc9"),
        ("Serial Number: C02XG0FDJHD2", "C02XG0FD"),
        ("from 2001:db8:85a3::8a2e:370:7334.", "8a2e"),
        ("from 2001:0db8:85a3:0000:0000:8a2e:0370:7334: refused", "8a2e"),
        ("to [fe80::1c2d:3e4f:5a6b:7c8d%en0]:443", "7c8d"),
        ("IP6 2001:db8::17.53 > host", "db8"),
        ("ether 00-1A-2b-3c-4d-5e", "3c-4d"),
        ("write to jane@localhost", "jane"),
        ("of Jane’s iPhone", "Jane"),
        ("on Janes-MacBook-Pro", "Janes"),
    ],
)
def test_no_secret_is_kept(said: str, secret: str) -> None:
    assert secret not in redacted(said)


@pytest.mark.parametrize("run", ["ab01", "eyJ-", "eyJa.", "a@", "token ", "1.", "/Users/"])
def test_a_paste_of_a_megabyte_is_read_at_once(run: str) -> None:
    started = time.process_time()
    redacted(run * (1_000_000 // len(run)))
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "said",
    [
        "at 10:22:33.123456+0200 code 8",
        "std::add and Foo::bar of nw::path",
        "listens on [::1]:53, joins ff02::fb",
        "password: nil, passphrase=(null), token = <private>",
        "-[Manager connectToSSID:withPassphrase:isWEP:joinOnce:]",
        "NEHotspotConfigurationErrorApplicationIsNotInForeground 14",
        "passwordReference of NEVPNProtocolIKEv2, sharedSecretReference",
        "/System/Library/Frameworks/NetworkExtension.framework",
        "a serial queue, the SSID list, Apple's iPhone",
        "UUID 1B2C3D4E-5F60-7182-93A4-B5C6D7E8F901",
    ],
)
def test_what_helps_to_answer_is_kept(said: str) -> None:
    assert redacted(said) == said


@given(
    st.sampled_from(["mail jane@host.example", "pass eyJhbGciOi.eyJzdWIi.c2ln", "on C02XG0FDJHD2XYZ"]), st.integers(4)
)
def test_a_cut_leaves_no_half_of_a_word(text: str, most: int) -> None:
    kept = shortened(f"{text} and more", most)
    assert f"{text} and more ".startswith(f"{kept} ") or not kept
    assert len(kept) <= most


def test_a_text_without_spaces_loses_no_more_than_a_word_may_have() -> None:
    assert len(shortened("語" * 3_000, 2_000)) == 1_800
