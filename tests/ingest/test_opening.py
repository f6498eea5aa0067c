"""Saved pages of every browser, in every encoding; and whose address is to be believed."""

from __future__ import annotations

import time

import pytest

from tests.ingest.pages import TAKEN, Thread, mhtml, page, read, single_file, web_archive

HTML = Thread().html()
BARE = HTML.replace('<link rel="canonical" href="/forums/thread/800001">', "")
ADDRESS = Thread().address


@pytest.mark.parametrize(
    "body",
    [
        HTML,
        mhtml(BARE, ADDRESS),
        web_archive(BARE, ADDRESS),
        single_file(BARE, ADDRESS),
        f"<!-- saved from url=(0047){ADDRESS} -->\n{BARE}",
        BARE.replace("<head>", f'<head><base href="{ADDRESS}">'),
    ],
    ids=["html", "mhtml", "webarchive", "single-file", "saved-from", "base"],
)
def test_however_it_was_saved_it_is_the_same_thread(body: str | bytes) -> None:
    parsed = read(body)
    assert parsed.sound
    document = parsed.parts[0].document
    assert (document.id, document.url, len(document.posts)) == ("thread-800001", ADDRESS, 3)


def test_the_date_of_an_mhtml_is_when_it_was_taken_in_utc() -> None:
    assert page(mhtml(HTML, ADDRESS)).taken == "2026-03-17T10:00:00+00:00"
    assert page(mhtml(HTML, ADDRESS).replace(b"2026", b"2126")).taken < "2100"
    assert page(mhtml(HTML, ADDRESS).replace(b"Tue, 17", b"Zzz, 99")).taken == TAKEN


def test_headers_that_are_no_mhtml_are_told_at_once() -> None:
    started = time.process_time()
    page(b"".join(b"x-header-%d: a value\r\n" % n for n in range(400)) + HTML.encode())
    assert time.process_time() - started < 2


def test_pictures_carried_in_the_page_are_not_parsed() -> None:
    assert "AAAA" not in page(single_file(HTML, ADDRESS)).text


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (lambda t: t.encode(), "utf-8"),
        (lambda t: b"\xef\xbb\xbf" + t.encode(), "utf-8"),
        (lambda t: t.encode("utf-16"), "utf-16le"),
        (lambda t: t.replace("utf-8", "windows-1252").encode("windows-1252"), "windows-1252"),
    ],
)
def test_text_is_decoded_by_mark_by_content_or_by_what_it_declares(encode, name: str) -> None:  # type: ignore[no-untyped-def]
    html = HTML.replace("purple tunnel", "“purple” tunnel’s end")
    opened = page(encode(html))
    assert "“purple” tunnel’s end" in opened.text
    assert opened.decoding.lower() == name


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-7", "undefined", "hex", "zlib", "\0x"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_what_no_browser_decodes_is_not_tried(charset: str, wrapped: bool) -> None:
    html = HTML.replace("purple tunnel", "\u201cpurple\u201d tunnel")
    if wrapped:
        body = mhtml(html, ADDRESS).replace(b"utf-8", charset.encode(), 1)
    else:
        body = html.replace("utf-8", charset, 1).encode() + b"\xff"
    opened = page(body)
    assert opened.decoding == ("utf-8" if wrapped else "utf-8 (damaged)")
    assert "\u201cpurple\u201d" in opened.text


def test_a_page_that_says_it_is_punycode_is_opened_in_time() -> None:
    body = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=punycode\r\n\r\n" + b"a" * 800_000
    began = time.perf_counter()
    assert page(body).decoding == "utf-8"
    assert time.perf_counter() - began < 5, "half a minute and more, were it believed"


@pytest.mark.parametrize(
    ("charset", "text"), [("koi8-u", "туннель"), ("Shift_JIS", "トンネル"), ("gb2312", "隧道"), ("iso-8859-2", "tłum")]
)
def test_what_browsers_decode_is_decoded(charset: str, text: str) -> None:
    html = HTML.replace("utf-8", charset, 1).replace("purple tunnel", text)
    assert text in page(html.encode(charset)).text


def test_text_that_was_encoded_twice_is_mended_and_told() -> None:
    html = HTML.replace("purple tunnel", "“purple” tunnel’s end — it’s quiet")
    browsers = {b: bytes([b]).decode("windows-1252", "ignore") or chr(b) for b in range(256)}
    twice = "".join(browsers[b] for b in html.encode()).encode()
    opened = page(twice)
    assert "“purple” tunnel’s end — it’s quiet" in opened.text
    assert opened.notes == ("its text was double-encoded; mended",)


@pytest.mark.parametrize(
    ("claim", "verified"),
    [
        ("https://developer.apple.com/forums/thread/1", True),
        ("https://forums.developer.apple.com/forums/thread/1", True),
        ("https://developer\u3002apple.com/forums/thread/1", True),
        ("https://developer.apple.com.evil.example/forums/thread/1", False),
        ("https://developer.666112.xyz/forums/thread/1", False),
        ("https://user@developer.apple.com/forums/thread/1", True),
    ],
)
def test_an_address_is_believed_only_of_a_source_after_idna(claim: str, verified: bool) -> None:
    opened = page(f"<html><head><link rel='canonical' href='{claim}'></head><body>x</body></html>")
    assert opened.verified == verified
    if "@" in claim:
        assert opened.address is None


def test_a_page_fetched_from_a_source_that_names_another_host_is_not_believed() -> None:
    assert not page("<head><link rel=canonical href=https://evil.example/x></head>", ADDRESS).verified


@pytest.mark.parametrize(
    "body", [b"bplist00\x00broken", b"<plist>WebMainResource", b"MIME-Version: 1.0\n\n",
     b"MIME-Version: 1.0\nContent-Type: \xff\n\nx",
             b"\x00" * 5000, bytes(range(256)) * 40]
)  # fmt: skip
def test_a_damaged_wrapping_is_opened_as_it_is(body: bytes) -> None:
    assert read(body).kind == "unknown"
