"""The page in a real browser: asking, refining, ticking, copying, voting; no script needed; no axe violation."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, select

from api.records.database import open_database
from api.records.keys import create_key
from api.records.tables import feedback
from tests.api.conftest import running

pytestmark = pytest.mark.browser
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "narrow": {"viewport": {"width": 320, "height": 800}},
}
LOG = (
    "2026-02-03 10:11:12.345 App[512:9001] tick\n" * 200
    + 'apply failed: Error Domain=NEHotspotConfigurationErrorDomain Code=8 "internal error."\n'
    + "iPhone 15 Pro, iOS 26.1, TestFlight\n"
)
ADDRESSES = (
    "/",
    "/?query=code+8+hotspot",
    "/?query=error+code+4+connecting&os=iOS+26.1",
    "/?query=best+pizza+in+town",
    "/guidance",
    "/guidance/content-filter-testflight-deployment",
    "/guidance/no-such-card",
    "/threads/tag-getting-a-basic-url-filter-to-work",
    "/admin",
)


def announced(page: Any, text: str) -> None:
    """Wait until the page's status says so. Not by `wait_for_function`: it polls with eval, which the page forbids."""
    from playwright.sync_api import expect

    expect(page.locator("#status")).to_contain_text(text)


@contextlib.contextmanager
def opened(chromium: Any, site: httpx.Client) -> Iterator[tuple[Any, list[str]]]:
    """A page of a fresh profile and what its console complains of; a request to another site is a complaint as well."""
    context = chromium.new_context(
        **LOOKS["light"], base_url=str(site.base_url), permissions=["clipboard-read", "clipboard-write"]
    )
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    context.on("request", lambda r: None if r.url.startswith(str(site.base_url)) else complaints.append(r.url))
    yield shown, complaints
    context.close()


def paste(page: Any, text: str) -> None:
    """Put a text into the search box at once; typing megabytes of it takes the browser many seconds."""
    page.evaluate("text => { document.getElementById('query').value = text }", text)


@pytest.fixture
def page(chromium: Any, site: httpx.Client) -> Iterator[Any]:
    """A page of a fresh profile; what its console complains of fails the test, and so does a request elsewhere."""
    with opened(chromium, site) as (shown, complaints):
        yield shown
    assert not [c for c in complaints if "404" not in c]


def test_a_question_is_answered_without_a_reload_and_can_be_shared(page: Any) -> None:
    page.goto("/")
    page.evaluate("window.kept = true")
    page.keyboard.type("code 8 hotspot")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#card-title")
    assert "NEHotspotConfigurationErrorInternal" in page.inner_text("#card-title")
    assert page.evaluate("window.kept")
    assert page.evaluate("document.activeElement.id") == "card-title"
    announced(page, "NEHotspot")
    assert "query=code+8+hotspot" in page.url
    page.reload()
    assert "NEHotspotConfigurationErrorInternal" in page.inner_text("#card-title")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "query"


def test_a_long_paste_is_marked_and_drafted(page: Any) -> None:
    page.goto("/")
    page.fill("#query", LOG)
    page.click("#go")
    page.wait_for_selector("#card-title")
    assert page.url.endswith("/")
    assert page.inner_text("mark.k-error") == "NEHotspotConfigurationErrorDomain Code=8"
    assert page.input_value("#query") == LOG
    page.click("text=Draft a bug report")
    draft = page.input_value("#draft-1")
    assert "NEHotspotConfigurationErrorDomain 8 (NEHotspotConfigurationErrorInternal)" in draft
    assert "iOS 26.1" in draft
    assert "____" in draft
    page.click("details[open] >> text=Copy this text")
    announced(page, "copied")
    assert page.evaluate("navigator.clipboard.readText()") == draft


def test_a_jump_within_the_page_keeps_text_and_answer(page: Any) -> None:
    page.goto("/?query=code+8+hotspot")
    page.evaluate("window.kept = true")
    page.fill("#query", "not yet asked")
    page.focus(".skip")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.go_back()
    page.go_forward()
    assert page.evaluate("window.kept")
    assert page.input_value("#query") == "not yet asked"
    page.click("#go")
    page.wait_for_selector("#nothing")
    page.go_back()
    page.wait_for_selector("#card-title")


def test_a_long_paste_comes_back_with_its_answer(page: Any) -> None:
    page.goto("/?query=hotspot")
    page.select_option("#platform", "iOS")
    paste(page, LOG * 200)  # 1.9 MB
    page.click("#go")
    page.wait_for_selector("mark.k-error")
    assert page.url.endswith("/")
    page.reload()
    page.wait_for_selector("mark.k-error")
    assert page.input_value("#query") == LOG * 200
    assert page.input_value("#platform") == "iOS"
    page.click("text=Card’s own page")
    page.go_back()
    page.wait_for_selector("mark.k-error")
    page.evaluate("location.hash = 'main'")
    page.reload()
    page.wait_for_selector("mark.k-error")
    page.go_back()
    page.go_back()
    page.wait_for_selector("mark.k-error", state="detached")
    assert page.input_value("#query") == "hotspot"
    page.go_forward()
    page.wait_for_selector("mark.k-error")
    assert page.input_value("#query") == LOG * 200
    page.click("nav >> text=Ask")
    page.wait_for_selector(".examples")
    assert page.input_value("#query") == ""


def test_a_fact_that_was_given_comes_back_with_a_long_paste(page: Any) -> None:
    page.goto("/")
    page.fill("#query", "tick\n" * 400 + "error code 4 connecting")
    page.click("#go")
    page.click("button:has-text('NEVPNErrorDomain')")
    page.wait_for_selector("#facts .chip")
    page.reload()
    page.wait_for_selector("#facts .chip")
    assert "NEVPNErrorDomain 4" in page.inner_text("dl.signals")


def test_a_refusal_is_shown_as_the_server_says_it(chromium: Any, site: httpx.Client) -> None:
    with opened(chromium, site) as (page, complaints):
        page.goto("/")
        paste(page, "tick tick\n" * 250_000)
        page.click("#go")
        page.wait_for_selector("text=Send at most 2048 KiB")
        assert page.evaluate("document.activeElement.textContent") == "Too large"
        assert page.locator("#result a").count() == 0
        assert len(page.input_value("#query")) == 2_500_000
        page.fill("#query", "code 8 hotspot")
        page.context.set_offline(True)
        page.click("#go")
        page.wait_for_selector("text=The server did not answer")
        page.context.set_offline(False)
        page.click("#go")
        page.wait_for_selector("#card-title")
    assert len(complaints) == 2  # the browser's own lines on what was refused and what was away


@pytest.fixture
def locked(web_home: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """A site that demands keys."""
    create_key(open_database(web_home), "first", ("ask",))  # without one it would not start
    with running(web_home, tmp_path, "--public-name", "nekb.test") as client:
        yield client


def test_without_a_key_the_page_asks_for_one_and_goes_on(chromium: Any, locked: httpx.Client, web_home: Path) -> None:
    engine = open_database(web_home)
    keys = [create_key(engine, name, ("ask", "feedback"))[1] for name in ("one", "two")]
    with opened(chromium, locked) as (page, _):
        page.goto("/")
        page.fill("#key", keys[0])
        page.click("text=Sign in")
        page.wait_for_selector("#query")
        page.context.clear_cookies()
        page.fill("#query", LOG)
        page.click("#go")
        page.fill("#result #key", "nekb_wrong")
        page.click("#result >> text=Sign in")
        page.wait_for_selector("#result >> text=unknown or revoked")
        page.fill("#result #key", keys[1])
        page.click("#result >> text=Sign in")
        page.wait_for_selector("mark.k-error")
        assert page.input_value("#query") == LOG
        page.context.clear_cookies()
        page.click("text=It did not")
        page.fill("#result #key", keys[0])
        page.click("#result >> text=Sign in")
        page.wait_for_selector("text=Thank you")


def test_a_link_on_another_site_finds_its_reader_signed_in(chromium: Any, locked: httpx.Client, web_home: Path) -> None:
    _, key = create_key(open_database(web_home), "reader", ("ask",))
    with opened(chromium, locked) as (page, _):
        page.goto("/")
        page.fill("#key", key)
        page.click("text=Sign in")
        page.wait_for_selector("#query")
        address = f"{locked.base_url}/?query=code+8+hotspot"
        page.goto(f"data:text/html,<a href='{address}'>read this</a>")
        page.click("text=read this")
        page.wait_for_selector("#card-title")


def test_what_is_missing_refines_the_answer_and_can_be_taken_back(page: Any) -> None:
    page.goto("/?query=error+code+4+connecting")
    page.click("button:has-text('NEVPNErrorDomain')")
    page.wait_for_selector("#facts .chip")
    assert "NEVPNErrorDomain 4" in page.inner_text("dl.signals")
    assert "error=NEVPNErrorDomain+4" in page.url
    page.click("button[aria-label^='Remove Error']")
    page.wait_for_selector("#facts .chip", state="detached")
    assert "error=" not in page.url


def test_ticks_are_remembered_for_the_card(page: Any) -> None:
    page.goto("/?query=code+8+hotspot")
    page.check(".steps li:nth-child(2) input")
    assert "1 of 8 done" in page.inner_text(".progress")
    page.goto("/guidance/hotspot-internal-error-8")
    assert page.is_checked(".steps li:nth-child(2) input")
    page.click("text=Clear ticks")
    page.reload()
    assert not page.is_checked(".steps li:nth-child(2) input")


def test_copy_as_markdown_cites_every_step(page: Any) -> None:
    page.goto("/?query=code+8+hotspot")
    page.click("text=Copy as Markdown")
    announced(page, "copied")
    text = page.evaluate("navigator.clipboard.readText()")
    steps = [line for line in text.splitlines() if line[:1].isdigit()]
    assert len(steps) == 8
    assert all("](<https://" in line for line in steps)


def test_a_vote_says_thank_you(page: Any, web_home: Path) -> None:
    page.goto("/?query=code+8+hotspot")
    page.fill("#reason", "signing it was")
    page.press("#reason", "Enter")
    page.type("#reason", "after all")
    assert page.input_value("#reason") == "signing it was\nafter all"
    page.click("text=It helped")
    page.wait_for_selector("text=Thank you")
    assert b"signing it was" in b"".join(f.read_bytes() for f in web_home.glob("records.db*"))


def test_a_double_click_is_one_vote(page: Any, web_home: Path) -> None:
    def votes() -> int:
        with open_database(web_home).connect() as db:
            return int(db.execute(select(func.count()).select_from(feedback)).scalar_one())

    before = votes()
    page.goto("/?query=code+8+hotspot")
    page.get_by_role("button", name="It helped").dblclick()
    page.get_by_text("Thank you").wait_for()
    page.wait_for_load_state("networkidle")
    assert votes() == before + 1


def test_a_line_that_runs_from_right_to_left_is_shown_so(page: Any) -> None:
    page.goto("/?" + urlencode({"query": "لا يعمل VPN على iOS 17\nNEVPNErrorDomain Code=5 بعد التحديث"}))
    word, mark = page.evaluate(
        """() => {
            const pasted = document.querySelector('.pasted'), text = pasted.firstChild, word = document.createRange();
            word.setStart(text, text.data.indexOf('VPN'));
            word.setEnd(text, text.data.indexOf('VPN') + 3);
            return [word, pasted.querySelector('mark')].map((part) => part.getBoundingClientRect().left);
        }"""
    )
    assert mark < word  # what comes later in the sentence stands further left


def test_asking_and_reading_need_no_script(chromium: Any, site: httpx.Client) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=str(site.base_url))
    page = context.new_page()
    page.goto("/")
    page.fill("#query", "code 8 hotspot")
    page.click("#go")
    assert "NEHotspotConfigurationErrorInternal" in page.inner_text("#card-title")
    assert "query=code+8+hotspot" in page.url
    page.fill("#query", LOG + "noise " * 12_000)
    page.click("#go")
    assert page.url == f"{site.base_url}/"
    assert page.inner_text("mark.k-error") == "NEHotspotConfigurationErrorDomain Code=8"
    page.press("#reason", "Enter")
    assert "Answer" in page.inner_text("h1")
    page.click("text=It helped")
    assert "Thank you" in page.inner_text("h1")
    context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_violation(chromium: Any, site: httpx.Client, look: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(
        **LOOKS[look],
        base_url=str(site.base_url),
        bypass_csp=True,  # axe is injected into the page; the policy itself is held by other tests
    )
    page = context.new_page()
    for address in ADDRESSES:
        page.goto(address)
        for details in page.query_selector_all("details > summary"):
            details.click()
        found = Axe().run(page).response["violations"]
        assert not found, address + json.dumps([(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found])
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{address} scrolls sideways by {wider}"
    context.close()


def test_hostile_text_runs_nothing(page: Any) -> None:
    page.goto("/")
    page.evaluate("localStorage.setItem('nekb.ticks.hotspot-internal-error-8.2026-11-25', '{\"a\":')")
    attack = 'code 8 hotspot </textarea><img src=x onerror="window.hit=1"><script>window.hit=1</script>'
    page.fill("#query", attack)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#card-title")
    assert page.evaluate("window.hit") is None
    assert page.input_value("#query") == attack
    page.goto("/?query=" + "code+8+hotspot+%3Cscript%3Ewindow.hit%3D1%3C%2Fscript%3E")
    assert page.evaluate("window.hit") is None
