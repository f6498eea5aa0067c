"""Opening a capture: bytes to text, what wraps a page taken off it, and the address that the page claims.

A browser saves a page as HTML, as MHTML (Chrome, Edge) or as a web archive (Safari). The address is the one it was
fetched from or, for a file, what the browser wrote into it; only after that what the page says of itself.
"""

from __future__ import annotations

import codecs
import email
import email.policy
import email.utils
import plistlib
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from html import unescape

from bs4.dammit import EncodingDetector

from ingest.addresses import APPLE, canonical, host_of, source_host
from ingest.captures import Capture, past
from ingest.parsing.page import Page

_SAVED_FROM = re.compile(r"<!-- saved from url=\(\d+\)(\S+) -->", re.IGNORECASE)
_SINGLE_FILE = re.compile(r"<!--\s*Page saved with SingleFile\s+url:\s*(\S+)", re.IGNORECASE)
_LINK_OR_BASE = re.compile(r"<(link|base)\b([^<>]{0,2000})>", re.IGNORECASE)
_IS_CANONICAL = re.compile(r"\brel\s*=\s*[\"']?canonical\b", re.IGNORECASE)
# A picture or a font that a single-file page carries inside itself.
_CARRIED = re.compile(r"data:[\w/+.-]{0,60}(?:;[\w=-]{1,40}){0,4};base64,[A-Za-z0-9+/=]{200,}")
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_MHTML = re.compile(rb"^(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*+)*?MIME-Version:", re.IGNORECASE)
_HEAD = 16_384
# What a page may be encoded in, by Python's names: what browsers know. Python's other codecs are none of a page's, and
# one of them, Punycode, takes minutes for it.
_CHARSETS = frozenset((
    "ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
    "big5", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "iso2022_jp", "shift_jis",
    "cp866", "cp874", "cp932", "cp949", "koi8-r", "koi8-u", "mac-cyrillic", "mac-roman",
    *(f"iso8859-{n}" for n in (*range(1, 12), *range(13, 17))), *(f"cp{n}" for n in range(1250, 1259)),
))  # fmt: skip
# UTF-8 that was read as Windows-1252 and written again: each of these pairs is the beginning of a common character.
_AS_BYTES = {ord(bytes([b]).decode("windows-1252", "ignore") or chr(b)): b for b in range(256)}
_MOJIBAKE = re.compile("â€[™˜œ\u009d“”¦–—]|Ã[©¨¼¶¤Ÿ±§]|Â[ \u00a0]")


@dataclass
class _Opened:
    body: bytes
    encoding: str | None = None
    addresses: list[str] = field(default_factory=list)
    taken: str | None = None


def open_capture(capture: Capture) -> Page:
    """A capture as a page."""
    opened = _unwrap(capture.body)
    if capture.address.startswith(("http://", "https://")):
        opened.addresses.insert(0, capture.address)
    text, decoding = _decode(opened)
    text, notes = _mend(_CARRIED.sub("data:,", text))
    claims = [*opened.addresses, *_claims(text)]
    address, verified = _believe(claims)
    taken = min(opened.taken or capture.fetched_at, capture.fetched_at)
    return Page(
        text=text, address=address, verified=verified, taken=taken,
        name=capture.address, decoding=decoding, notes=notes,
    )  # fmt: skip


def date_within(body: bytes) -> str | None:
    """When a saved page says that it was taken (ISO 8601, UTC); only MHTML says it."""
    return _unwrap(body).taken if _MHTML.match(body[:_HEAD]) else None


def _unwrap(body: bytes) -> _Opened:
    if body.startswith(b"bplist00") or (b"<plist" in body[:300] and b"WebMainResource" in body):
        return _web_archive(body) or _Opened(body)
    if _MHTML.match(body[:_HEAD]):
        return _mhtml(body) or _Opened(body)
    return _Opened(body)


def _mhtml(body: bytes) -> _Opened | None:
    """The first HTML part of a saved MHTML page, with its address and date."""
    message = email.message_from_bytes(body, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        try:
            if part.get_content_type() not in ("text/html", "application/xhtml+xml"):
                continue
            payload, charset = part.get_payload(decode=True), part.get_content_charset()
            addresses = [message["Snapshot-Content-Location"], part["Content-Location"]]
            taken = message["Date"]
        except Exception:  # noqa: S112 - the email module raises many kinds of error on hostile headers
            continue
        if isinstance(payload, bytes):
            claimed = [str(a).strip() for a in addresses if a and str(a).strip().startswith("http")]
            return _Opened(payload, charset, claimed, _date(taken))
    return None


def _date(raw: object) -> str | None:
    try:
        moment = email.utils.parsedate_to_datetime(str(raw)) if raw else None
        return past(moment) if moment else None
    except (ValueError, TypeError, OverflowError):
        return None


def _web_archive(body: bytes) -> _Opened | None:
    try:
        main = plistlib.loads(body)["WebMainResource"]
        data = main["WebResourceData"]
        address = str(main.get("WebResourceURL", ""))
        encoding = main.get("WebResourceTextEncodingName")
    except Exception:
        return None
    if not isinstance(data, bytes):
        return None
    return _Opened(data, str(encoding) if encoding else None, [address] if address.startswith("http") else [])


def _decode(opened: _Opened) -> tuple[str, str]:
    """Text, and how it was decoded: by byte order mark, by what wraps it, as valid UTF-8, by what it declares."""
    body, mark = EncodingDetector.strip_byte_order_mark(opened.body)
    declared = EncodingDetector.find_declared_encoding(body[:_HEAD], is_html=True)
    for encoding in (mark, opened.encoding, "utf-8", declared):
        if encoding and (text := _decoded(body, encoding)) is not None:
            return text, encoding
    text = body.decode("utf-8", errors="replace")
    if text.count("\ufffd") * 20 > len(text):
        return body.decode("windows-1252", errors="replace"), "windows-1252 (guessed)"
    return text, "utf-8 (damaged)"


def _decoded(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding) if codecs.lookup(encoding).name in _CHARSETS else None
    except (LookupError, ValueError):
        return None


def _mend(text: str) -> tuple[str, tuple[str, ...]]:
    """Undo UTF-8 that was taken for Windows-1252 once, where all of the text survives that."""
    if len(_MOJIBAKE.findall(text)) < 3:
        return text, ()
    try:
        return text.translate(_AS_BYTES).encode("latin-1").decode("utf-8"), ("its text was double-encoded; mended",)
    except UnicodeError:
        return text, ("its text looks double-encoded",)


def _claims(text: str) -> list[str]:
    head = text[: _HEAD * 8]
    claims = [unescape(m[1]) for pattern in (_SINGLE_FILE, _SAVED_FROM) if (m := pattern.search(head))]
    stated: dict[str, str] = {}
    for name, attributes in _LINK_OR_BASE.findall(head):
        if (name.lower() == "base" or _IS_CANONICAL.search(attributes)) and (href := _HREF.search(attributes)):
            stated.setdefault(name.lower(), unescape(next(filter(None, href.groups()), "")))
    return claims + [stated[name] for name in ("link", "base") if name in stated]


def _believe(claims: list[str]) -> tuple[str | None, bool]:
    """The first address among the claims, and False where any of them is of a host that is no source."""
    whole = [c for claim in claims if (c := canonical(claim, f"https://{APPLE}/"))]
    strangers = [c for c in whole if host_of(c) and not source_host(c)]
    if strangers:
        return strangers[0], False
    return (whole[0] if whole else None), True
