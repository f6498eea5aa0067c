"""Drift: what sound pages of a kind looked like is what the next is held against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.drift import DriftWatch
from ingest.ledger import Ledger
from ingest.parsing.page import ParsedPage
from ingest.store import Store
from tests.ingest.pages import Thread, read


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[DriftWatch]:
    with Store(tmp_path) as store:
        yield DriftWatch(Ledger(store))


def thread(*changes: tuple[str, str], **more: object) -> ParsedPage:
    shown = Thread(**more)  # type: ignore[arg-type]
    text = shown.html()
    for old, new in changes:
        text = text.replace(old, new)
    return read(text, shown.address)


def said(page: ParsedPage) -> str:
    return "; ".join(p.what for p in page.problems)


def test_a_sound_page_after_sound_pages_is_no_drift(watch: DriftWatch) -> None:
    assert watch.judge(thread()).sound
    assert watch.judge(thread(number=2, title="Another", replies=[], stated=0)).sound


def test_a_later_page_and_one_without_navigation_are_no_drift(watch: DriftWatch) -> None:
    watch.judge(thread())
    assert watch.judge(thread(page=2, pages=2)).sound
    assert watch.judge(thread(("<nav", "<x-nav"), ("data-total-pages", "x"))).sound


def test_a_field_that_falls_a_layer_is_drift(watch: DriftWatch) -> None:
    watch.judge(thread())
    fallen = watch.judge(thread(('data-action="post-title"', "")))
    assert not fallen.sound
    assert "the field title fell from data to class" in said(fallen)


def test_a_field_that_was_always_there_and_is_not_is_drift(watch: DriftWatch) -> None:
    watch.judge(thread())
    missing = watch.judge(thread(("post-info-title", "pit")))
    assert not missing.sound
    assert "the field replies was always there" in said(missing)


def test_a_drifted_page_teaches_nothing(watch: DriftWatch) -> None:
    watch.judge(thread())
    for _ in range(3):
        assert not watch.judge(thread(('data-action="post-title"', ""))).sound


def test_what_was_learnt_is_there_in_the_next_run(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        watch = DriftWatch(Ledger(store))
        watch.judge(thread())
        watch.remember()
    with Store(tmp_path) as store:
        assert not DriftWatch(Ledger(store)).judge(thread(('data-action="post-title"', ""))).sound


def test_a_new_shape_is_told_once_with_what_is_new_in_it(watch: DriftWatch) -> None:
    assert watch.new_shape(thread()) == []
    odd = thread(('class="content-post-metadata"', 'class="content-post-metadata fancy"'))
    assert any("fancy" in feature for feature in watch.new_shape(odd))
    assert watch.new_shape(odd) == []
