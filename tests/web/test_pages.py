"""The pages without a browser: they answer without scripts, escape everything, and say what went wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import httpx
import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.http.settings import ServeSettings
from api.records.database import open_database
from api.records.feedback import evaluation_lines
from api.records.keys import create_key
from api.web import cookie
from api.web.markup import block, breakable, coded
from api.wording import SIGNALS
from kb.answer import SignalKind

PAGES = ("/", "/?query=code+8+hotspot", "/guidance", "/guidance/hotspot-internal-error-8")
ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</textarea><script>alert(1)</script>",
    "[x](javascript:alert(1)) hotspot",
    "{{ 7*7 }} {% raw %}",
    "code 8 hotspot \x1b]8;;https://evil.example\x07click\x1b]8;;\x07\x1b[31m \u202eabc",
    "hotspot\r\nSet-Cookie: a=b",
)


@pytest.fixture(scope="module")
def site(web_home: Path) -> Iterator[TestClient]:
    settings = ServeSettings(web_home, rate="100000/minute")
    with TestClient(create_app(settings), base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as client:
        yield client


def test_every_kind_of_signal_has_a_word(site: TestClient) -> None:
    assert SIGNALS.keys() == set(get_args(SignalKind))
    page = site.get("/", params={"query": "WKWebView traffic does not go through my NEPacketTunnelProvider"})
    assert page.status_code == 200
    assert SIGNALS["foreign"] in page.text


class _Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def harmless(page: str) -> None:
    """No script but ours, no handler, no style, no address that runs something."""
    for tag, attributes in _Outline(page).tags:
        assert tag not in ("iframe", "object", "embed", "style", "img", "base")
        assert tag != "script" or str(attributes.get("src")).startswith("/static/nekb.js?v=")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action", "formaction"):
            assert re.match(r"https?://|/|#|$", attributes.get(name) or ""), attributes
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202e]", page)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_allows_nothing_but_its_own_files(site: httpx.Client, address: str) -> None:
    answer = site.get(address)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    harmless(answer.text)


def test_an_answer_needs_no_script(site: httpx.Client) -> None:
    page = site.get("/", params={"query": "code 8 hotspot"}).text
    assert "NEHotspotConfigurationErrorInternal" in page
    assert page.count('type="checkbox"') == 8
    assert '<mark class="k-error"' in page
    assert "Draft a bug report" in page
    assert 'action="/feedback"' in page


def test_a_long_paste_is_answered_and_its_signals_are_marked(site: httpx.Client) -> None:
    noise = "2026-02-03 10:11:12.345 App[512:9001] tick, state is ok, nothing to see here\n" * 12_000
    text = noise + 'nehelper: Error Domain=NEHotspotConfigurationErrorDomain Code=8 "internal error."\n' + noise[:9_000]
    answer = site.post("/", files={"query": (None, text)})
    assert answer.status_code == 200
    assert "characters left out" in answer.text
    assert re.search(r"<mark[^>]*>NEHotspotConfigurationErrorDomain Code=8</mark>", answer.text)


def test_a_short_question_that_was_sent_as_a_form_gets_an_address_to_share(site: httpx.Client) -> None:
    sent = {"query": "code 8\r\nhotspot", "platform": ["", "iOS"], "os": "iOS 26.1", "drop": "os"}
    answer = site.post("/", data=sent, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?query=code+8%0Ahotspot&platform=iOS")
    long = site.post("/", data={"query": "code 8 hotspot " * 101}, follow_redirects=False)
    assert long.status_code == 200
    assert "data-share " not in long.text


def test_every_form_with_a_text_sends_it_as_a_body(site: httpx.Client) -> None:
    page = site.post("/", data={"query": "tick\n" * 400 + "error code 4 connecting", "os": "iOS 26.1"}).text
    buttons = [a for tag, a in _Outline(page).tags if tag == "button" and a.get("name")]
    assert {"drop", "error", "helpful"} <= {a["name"] for a in buttons}
    assert not [a for tag, a in _Outline(page).tags if "formmethod" in a]
    assert all(a["method"] == "post" for tag, a in _Outline(page).tags if tag == "form")


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "punycode", "latin-1"])
def test_a_form_in_another_encoding_is_refused(site: httpx.Client, charset: str) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\ncode 8 hotspot \\ud800\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    answer = site.post("/", content=form, headers={"Content-Type": kind})
    assert (answer.status_code, "Send it in UTF-8." in answer.text) == (422, True)
    plain = site.post("/", content=form, headers={"Content-Type": "multipart/form-data; boundary=x; charset=UTF-8"})
    assert plain.status_code == 200


def test_a_chosen_platform_refines_the_same_answer(site: httpx.Client) -> None:
    page = site.get("/", params={"query": "error code 4 connecting"}).text
    assert re.search(r'<button[^>]*form="ask"[^>]*name="error" value="NEVPNErrorDomain 4"', page)
    refined = site.get("/", params={"query": "error code 4 connecting", "error": "NEVPNErrorDomain 4"}).text
    assert "NEVPNErrorDomain 4" in refined
    assert "Which error domain" not in refined
    on_mac = site.get("/", params={"query": "code 8 hotspot", "platform": ["", "macOS"]}).text
    assert "<option selected>macOS</option>" in on_mac
    assert "you chose macOS" in on_mac


def test_a_title_shows_code_and_may_break_between_the_words_of_a_name() -> None:
    assert coded("`NEVPNManager` <b>`") == "<code>NEVPNManager</code> &lt;b&gt;`"
    assert breakable("NEHotspotConfiguration <Ab>") == "NEHotspot<wbr>Configuration &lt;Ab&gt;"
    assert breakable(coded("`aBc`")) == "<code>a<wbr>Bc</code>"


def test_an_address_with_thousands_of_names_holds_nobody_up(site: httpx.Client) -> None:
    started = time.process_time()
    assert site.get("/?query=code+8+hotspot&" + "&".join(f"{n:x}" for n in range(11_000))).status_code == 200
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_asked_cannot_become_part_of_the_page(site: httpx.Client, attack: str) -> None:
    text = f"code 8 hotspot {attack}"
    refused = site.get("/", params={"query": text, "platform": attack})
    assert refused.status_code == 422
    for answer in (
        refused,
        site.get("/", params={"query": text, "os": attack}),
        site.post("/", data={"query": text, "drop": attack}),
        site.get("/guidance/" + "".join(c for c in attack if c.isprintable() and c not in "/?#")),
    ):
        assert answer.status_code in (200, 404) or answer is refused
        assert "set-cookie" not in answer.headers
        harmless(answer.text)
        assert "<script>alert" not in answer.text
        assert "49 " not in answer.text[:400]


def test_a_failure_is_a_page_with_a_remedy(site: httpx.Client) -> None:
    empty = site.get("/", params={"query": "\x00\x00"})
    assert (empty.status_code, "Describe the symptom" in empty.text) == (422, True)
    missing = site.get("/guidance/no-such-card")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "The list of guidance shows them all." in missing.text
    assert site.get("/threads/none").status_code == 404
    assert site.get("/static/..%2fpages.py").status_code == 404
    assert site.post("/", content=b"x" * (3 << 20)).status_code == 413


def test_the_same_failure_is_a_problem_document_for_a_program(site: httpx.Client) -> None:
    answer = site.get("/guidance/no-such-card", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_vote_is_kept_without_scripts(site: httpx.Client, web_home: Path) -> None:
    vote = {
        "query": "code 8 hotspot",
        "card": "hotspot-internal-error-8",
        "helpful": "true",
        "reason": "it was signing",
    }
    answer = site.post("/feedback", data=vote)
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)
    assert any("hotspot-internal-error-8" in line for line in evaluation_lines(open_database(web_home)))
    assert site.post("/feedback", data=vote | {"card": "none"}).status_code == 422
    assert site.post("/feedback", data=vote | {"helpful": "perhaps"}).status_code == 422


@pytest.fixture
def locked(web_home: Path) -> Iterator[TestClient]:
    """A site that demands keys."""
    settings = ServeSettings(web_home, require_keys=True)
    with TestClient(create_app(settings), base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as client:
        yield client


def test_signing_in_leads_back_to_the_question(locked: TestClient, web_home: Path) -> None:
    _, key = create_key(open_database(web_home), "reader", ("ask",))
    asked = locked.get("/", params={"query": "code 8 “hotspot”", "os": "iOS 26.1"})
    assert asked.status_code == 401
    back = next(a["value"] for tag, a in _Outline(asked.text).tags if a.get("name") == "next")
    again = locked.post("/sign-in", data={"key": "nekb_wrong", "next": back})
    assert (again.status_code, f'value="{escape(str(back))}"' in again.text) == (401, True)
    answer = locked.post("/sign-in", data={"key": key, "next": back})
    assert (answer.status_code, "NEHotspotConfigurationErrorInternal" in answer.text) == (200, True)
    assert answer.url.path == "/"
    assert answer.url.params["query"] == "code 8 “hotspot”"


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "/\t/evil.example", "/\r\nSet-Cookie: a=b"],
)
def test_signing_in_leads_to_no_other_site(locked: TestClient, web_home: Path, address: str) -> None:
    _, key = create_key(open_database(web_home), "reader", ("ask",))
    answer = locked.post("/sign-in", data={"key": key, "next": address}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_key_that_is_good_for_nothing_can_be_changed(locked: TestClient, web_home: Path) -> None:
    _, key = create_key(open_database(web_home), "voter", ("feedback",))
    locked.cookies.set(cookie.NAME, key, domain="127.0.0.1", path="/")
    narrow = locked.get("/guidance")
    assert narrow.status_code == 403
    assert 'action="/sign-out"' in narrow.text
    assert 'name="next" value="/guidance"' in narrow.text
    assert "set-cookie" not in narrow.headers
    locked.cookies.set(cookie.NAME, "nekb_revoked", domain="127.0.0.1", path="/")
    stale = locked.get("/guidance")
    assert stale.status_code == 401
    assert 'action="/sign-in"' in stale.text
    assert not locked.cookies


def test_another_site_can_neither_vote_nor_read(site: httpx.Client) -> None:
    vote = {"query": "x", "helpful": "true"}
    assert site.post("/feedback", data=vote, headers={"Origin": "https://evil.example"}).status_code == 403
    assert site.post("/feedback", data=vote, headers={"Origin": "null"}).status_code == 403
    assert site.post("/feedback", data=vote, headers={"Origin": "http://127.0.0.1"}).status_code == 200
    rebound = site.get("/v1/guidance", headers={"Host": "evil.example", "Accept": "*/*"})
    assert (rebound.status_code, rebound.json()["code"]) == (421, "host")


def test_a_file_is_kept_only_under_the_address_of_what_it_holds(site: httpx.Client) -> None:
    """While servers are updated one after the other, an old one answers for a file that a new one's page names."""
    address = re.search(r'"(/static/nekb.css\?v=\w+)"', site.get("/").text)
    assert address
    assert "immutable" in site.get(address[1]).headers["cache-control"]
    for other in ("/static/nekb.css?v=0123456789ab", "/static/nekb.css", "/favicon.ico"):
        assert site.get(other).headers["cache-control"] == "no-cache"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[" * 200_000, ("[" + "*a " * 66) * 1_000, "[" * 1_000 + "<" * 199_000])
def test_no_post_keeps_a_page_waiting(text: str) -> None:
    """For the end of a link the reader looks to the end of the text, from each bracket: half a minute for these."""
    began = time.process_time()
    assert "<a" not in block(text)
    assert time.process_time() - began < 8


def test_a_long_list_of_links_has_them() -> None:
    text = "".join(f"- [Document {n}](https://developer.apple.com/documentation/{n})\n" for n in range(200))
    assert block(text).count("<a href") == 200
