"""From captures to documents: parts put together, duplicates folded, what was sound kept, files of a person told of."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from ingest.assembling import SeenPart, assemble
from ingest.captures import Capture
from ingest.importing import import_files, read_again
from ingest.links import canonical_weights, resolved, title_addresses
from ingest.parsing.page import Part
from ingest.settling import batches
from ingest.standing import standing
from ingest.store import Store
from kb.documents import Count, Document, Post
from kb.resources import Resource
from tests.conftest import PAGES
from tests.ingest.pages import HOST, Row, Thread, feed, listing, read
from tests.ingest.pages import Post as PagePost

LONG = " ".join(f"word{n} of the purple tunnel" for n in range(30))


def save(folder: Path, **pages: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
        time.sleep(0.01)
    return folder


def held(home: Path) -> dict[str, Document]:
    with Store(home) as store:
        return {d.id: d for d in store.documents()}


def test_a_listing_a_feed_and_a_page_make_one_thread(tmp_path: Path) -> None:
    pages = {
        "list": listing([Row(800_001, "Purple tunnel goes quiet", replies="2")]),
        "feed": feed(1),
        "thread": Thread().html(),
    }
    import_files(tmp_path / "home", [save(tmp_path / "pages", **pages)])
    (document,) = held(tmp_path / "home").values()
    assert (document.id, len(document.posts), document.activity) == ("thread-800001", 3, "1w")
    assert document.tags == ("Network Extension", "Wi-Fi")


def test_posts_of_all_pages_stand_once_in_their_order() -> None:
    def part(name: str, ids: list[str], day: str) -> SeenPart:
        posts = tuple(Post("question" if i == "1" else "reply", f"body {i}", id=i) for i in ids)
        return SeenPart(name, day, Document("d", "forum", "thread", "T", posts, replies=Count(name, 1, 1)))

    whole = assemble([part("page:2", ["3", "4"], "2026-02"), part("page:1", ["1", "2", "3"], "2026-01")])
    assert [p.id for p in whole.posts] == ["1", "2", "3", "4"]
    assert whole.replies == Count("page:2", 1, 1), "counters are those that were seen last"


def test_a_thread_that_apple_opened_is_a_resource(tmp_path: Path) -> None:
    thread = Thread(
        question=PagePost(1, "<p>An index of all things on kettles.</p>", "DTS Engineer", True, question=True)
    )
    import_files(tmp_path, [save(tmp_path / "pages", thread=thread.html())])
    assert held(tmp_path)["thread-800001"].kind == "resource"


def test_a_row_of_a_dump_is_folded_into_its_thread_and_no_reply_is_lost(tmp_path: Path) -> None:
    thread = Thread(title="Tunnel sleeps for ever", question=PagePost(1, f"<p>{LONG}</p>", question=True))
    header = "Posts under Network Extension tag\nPost\nReplies\nBoosts\nViews\nActivity"
    dump = f"{header}\nTunnel sleeps for ever\n{LONG}\n2\n0\n42\n6h\n"
    folder = save(tmp_path / "pages", thread=thread.html())
    (folder / "dump.txt").write_text(dump, encoding="utf-8")
    report = import_files(tmp_path / "home", [folder])
    assert (report.new, report.folded) == (2, 1)
    assert list(held(tmp_path / "home")) == ["thread-800001"]


def test_two_different_questions_are_not_folded(tmp_path: Path) -> None:
    other = Thread(
        number=2,
        title="Filter drops all",
        question=PagePost(1, "<p>The filter drops each flow at once.</p>", question=True),
    )
    report = import_files(tmp_path, [save(tmp_path / "pages", a=Thread().html(), b=other.html())])
    assert (report.new, report.folded) == (2, 0)


POLITE = " ".join(f"We read page {n} of the manual and signed the kettle as it says." for n in range(9))


WHISTLES = "On the shelf it whistles once and then no water comes out of it any more, whoever pours."


def asked(number: int, own: str) -> str:
    question = PagePost(number, f"<p>{POLITE}</p><p>{own}</p>", question=True)
    return Thread(number, "Kettle not working", question, replies=[]).html()


@pytest.mark.parametrize(
    ("other", "folded"),
    [
        ("On the desk the lid never opens, and the cord waits for somebody who plugs it in, day by day.", 0),
        (WHISTLES, 1),
    ],
    ids=["another question", "the same again"],
)
def test_two_threads_of_one_title_are_folded_only_where_they_ask_the_same(
    tmp_path: Path, other: str, folded: int
) -> None:
    report = import_files(tmp_path, [save(tmp_path / "pages", a=asked(1, WHISTLES), b=asked(2, other))])
    assert (report.new, report.folded) == (2, folded)


def test_threads_of_which_a_list_counts_replies_are_not_folded(tmp_path: Path) -> None:
    same = [Row(number, "Kettle not working", replies="22") for number in range(1, 13)]
    text = re.sub(r"kettle of row \d+", "kettle of mine", listing(same))
    report = import_files(tmp_path, [save(tmp_path / "pages", list=text)])
    assert (report.new, report.folded) == (12, 0)


def test_a_drifted_page_does_not_replace_what_a_sound_one_said(tmp_path: Path) -> None:
    import_files(tmp_path, [save(tmp_path / "a", thread=Thread().html())])
    worse = Thread().html().replace("data-post-id", "x").replace("purple tunnel carries", "green tunnel carries")
    report = import_files(tmp_path, [save(tmp_path / "b", thread=worse)])
    assert report.outcome == "drift"
    assert "purple" in held(tmp_path)["thread-800001"].posts[0].body
    assert import_files(tmp_path, [tmp_path / "b"]).outcome == "drift", "it is said again, not only the first time"


def test_a_page_that_was_saved_earlier_does_not_replace_a_later_one(tmp_path: Path) -> None:
    import_files(tmp_path, [save(tmp_path / "new", thread=Thread().html())])
    old = save(tmp_path / "old", thread=Thread().html().replace("purple tunnel carries", "green tunnel carries"))
    os.utime(old / "thread.html", (1.7e9, 1.7e9))
    import_files(tmp_path, [old])
    assert "purple" in held(tmp_path)["thread-800001"].posts[0].body


def test_captures_that_a_killed_run_kept_are_read_by_the_next(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.keep(Capture("file:left.html", "file", "2026-03-01T00:00:00+00:00", Thread().html().encode()))
    assert read_again(tmp_path).new == 1
    with Store(tmp_path) as store:
        store.keep(Capture("file:more.html", "file", "2026-03-01T00:00:00+00:00", Thread(number=5).html().encode()))
    assert import_files(tmp_path, [PAGES / "tag-page.txt"]).new == 5


def test_reading_again_changes_nothing_where_nothing_was_mended(tmp_path: Path) -> None:
    pages = {"list": listing([Row(n) for n in range(1, 15)]), "feed": feed(3), "thread": Thread().html()}
    import_files(tmp_path / "home", [save(tmp_path / "pages", **pages)])
    before = held(tmp_path / "home")
    report = read_again(tmp_path / "home")
    assert (report.outcome, report.new, report.changed) == ("ok", 0, 0)
    assert held(tmp_path / "home") == before


def test_rubbish_is_kept_told_and_of_no_use(tmp_path: Path) -> None:
    folder = save(
        tmp_path / "pages", empty="", pdf="%PDF-1.7", noise="\x00\x01\x02" * 100, shop="<html><body>x</body></html>"
    )
    report = import_files(tmp_path / "home", [folder])
    assert (report.outcome, len(report.unknown), report.new) == ("unknown", 4, 0)
    assert any("it is empty" in line for line in report.warnings)
    assert any("a PDF" in line for line in report.warnings)
    with Store(tmp_path / "home") as store:
        assert store.counts()["captures"] == 4


def test_standing_tells_of_sources_counts_and_drift(tmp_path: Path) -> None:
    assert standing(tmp_path)["sources"][0]["last_run"] is None
    worse = Thread(number=7).html().replace("data-post-id", "x")
    import_files(tmp_path, [save(tmp_path / "a", thread=Thread().html(), worse=worse)])
    found = standing(tmp_path)
    files = next(s for s in found["sources"] if s["source"] == "file")
    assert (files["outcome"], files["last_success"]) == ("drift", None)
    assert found["captures"] == {"drifted": 1, "parsed": 1}
    assert found["documents"]["held"] == 2
    assert found["drift"][0]["address"] == "file:worse.html"
    assert found["disk_bytes"] > 0
    assert set(found) == set(standing(tmp_path / "nowhere"))


def test_half_a_character_is_replaced_and_hinders_no_run(tmp_path: Path) -> None:
    topic = {"id": 5, "title": "Broken \ud800 kettle \U0001f600", "post_stream": {"stream": [1], "posts": [
        {"id": 1, "post_number": 1, "cooked": "<p>Hello</p>", "username": "a", "created_at": "2024-01-01T00:00:00Z"}
    ]}}  # fmt: skip
    folder = save(tmp_path / "pages", thread=Thread().html())
    (folder / "topic.json").write_text(json.dumps(topic), encoding="ascii")
    report = import_files(tmp_path / "home", [folder])
    assert (report.new, report.failed) == (2, [])
    titles = [d.title for d in held(tmp_path / "home").values()]
    assert "Broken \ufffd kettle \U0001f600" in titles
    assert read_again(tmp_path / "home").unchanged == 2


def test_a_capture_that_cannot_be_recorded_is_failed_and_the_others_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Store._put_part

    def fails(store: Store, part: Part, *rest: Any) -> bool:
        taken = put(store, part, *rest)
        if "number 2" in part.document.title:
            raise ValueError("no room for kettles")
        return taken

    monkeypatch.setattr(Store, "_put_part", fails)
    pages = {f"p{n}": Thread(number=n, title=f"Kettle number {n}").html() for n in (1, 2, 3)}
    report = import_files(tmp_path / "home", [save(tmp_path / "pages", **pages)])
    assert (report.new, report.outcome, len(report.failed)) == (2, "failed", 1)
    assert "no room for kettles" in report.failed[0]
    assert standing(tmp_path / "home")["captures"] == {"failed": 1, "parsed": 2}
    monkeypatch.setattr(Store, "_put_part", put)
    assert read_again(tmp_path / "home").new == 1


def test_drift_is_over_once_a_sound_page_of_the_address_came(tmp_path: Path) -> None:
    import_files(tmp_path, [save(tmp_path / "pages", thread=Thread().html().replace("data-post-id", "x"))])
    os.utime(tmp_path / "pages" / "thread.html", (1.7e9, 1.7e9))
    import_files(tmp_path, [tmp_path / "pages"])
    assert len(standing(tmp_path)["drift"]) == 1
    import_files(tmp_path, [save(tmp_path / "pages", thread=Thread().html())])
    assert standing(tmp_path)["drift"] == []


def saved(thread: Thread) -> str:
    """A page as a browser saves it, with where it was."""
    return f"<!-- saved from url=(0050){thread.address} -->{thread.html()}"


def test_drift_is_over_once_a_sound_page_of_the_thread_came_under_whatever_name(tmp_path: Path) -> None:
    bad = saved(Thread()).replace('data-post-id="3"', 'data-post-id="2"')
    folder, home = save(tmp_path / "pages", Purple=bad), tmp_path / "home"
    os.utime(folder / "Purple.html", (1.7e9, 1.7e9))
    assert import_files(home, [folder]).outcome == "drift"
    save(folder, **{"Purple (1)": saved(Thread())})
    import_files(home, [folder])
    assert standing(home)["drift"] == []
    assert (read_again(home).outcome, import_files(home, [folder]).outcome) == ("ok", "ok")


def test_a_sound_page_of_another_thread_or_another_page_hides_no_drift(tmp_path: Path) -> None:
    bad = saved(Thread()).replace('data-post-id="3"', 'data-post-id="2"')
    import_files(tmp_path, [save(tmp_path / "a", page=bad)])
    others = (Thread(number=800_777, title="Another"), Thread(page=2, pages=2))
    for at, other in enumerate(others):
        import_files(tmp_path, [save(tmp_path / f"b{at}", page=saved(other))])
    assert [d["address"] for d in standing(tmp_path)["drift"]] == ["file:page.html"]
    assert read_again(tmp_path).outcome == "drift"


def test_an_empty_folder_beside_good_pages_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    report = import_files(tmp_path / "home", [PAGES / "tag-page.txt", tmp_path / "empty"])
    assert (report.new, report.failed) == (4, [f"{tmp_path / 'empty'}: there is no page in it"])


def test_large_pages_are_held_a_few_at_a_time() -> None:
    sizes = [40 << 20, 40 << 20, 1, *[10] * 100]
    assert [len(batch) for batch in batches(sizes, lambda size: size)] == [2, 64, 37]


def test_what_apples_replies_point_at_most_is_canonical() -> None:
    note = f"{HOST}/documentation/technotes/tn3134"
    target = Document("doc", "docs", "technote", "TN3134", (Post("article", "x", apple=True),), url=note)
    answers = [
        Document(f"t{n}", "forum", "thread", f"T{n}", (Post("reply", f"See [TN3134]({note}) now.", apple=n < 3),))
        for n in range(5)
    ]
    assert canonical_weights([target, *answers]) == {note: 3}


def test_a_title_finds_its_address_when_the_page_comes_in() -> None:
    resource = Resource(
        id="r", title="Filing a Kettle Bug", url=None, kind="forum-post", topics=[], standing="canonical", summary="s"
    )
    apple = (Post("question", "x", apple=True),)
    document = Document("t", "forum", "resource", "Filing a Kettle  bug", apple, url=f"{HOST}/forums/thread/9")
    assert resolved({"r": resource}, [document])["r"].url == f"{HOST}/forums/thread/9"
    assert resolved({"r": resource}, [])["r"].url is None
    twin = Document("u", "forum", "resource", "Filing a Kettle bug", apple, url=f"{HOST}/forums/thread/8")
    assert title_addresses([document, twin]) == {}


@pytest.mark.parametrize("name", ["page:1", "listing"])
def test_a_document_is_as_sound_as_its_page(name: str) -> None:
    part = read(Thread().html(), Thread().address).parts[0]
    assert assemble([SeenPart(name, "2026", part.document)]).title == part.document.title
