"""Judging one thread: what it is about, what is like it, what is left out, what a person might answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.triage import triage as command
from api.triage.reading import threads_in
from api.triage.showing import triage_lines
from kb.asking import MAX_QUERY
from kb.documents import Document, Post
from kb.errors import BadInputError, NekbError
from kb.snapshot import Snapshot
from kb.triage import Triage, posters_words, triage
from tests.ingest.pages import Post as Shown
from tests.ingest.pages import Thread as Page

PAGES = Path(__file__).parents[1] / "pages"


def thread(title: str, body: str, **more: str) -> Document:
    return Document("thread-1", "feed", "thread", title, (Post("question", body, author="poster"),), **more)  # type: ignore[arg-type]


HOTSPOT = thread("Joining fails", "Error Domain=NEHotspotConfigurationErrorDomain Code=8 on iPhone17,1 with iOS 26.1")


def test_a_thread_gets_its_topic_card_route_and_a_draft_with_citations(snapshot: Snapshot) -> None:
    made = triage(HOTSPOT, snapshot)
    assert (made.topic, made.route, made.cards[0].id) == ("hotspot-wifi", "fix", "hotspot-internal-error-8")
    assert made.draft is not None
    body, _, sources = made.draft.partition("Sources:")
    steps = [line for line in body.splitlines() if line[:1].isdigit()]
    assert steps
    assert all("[" in step for step in steps)
    numbers = {int(line[1 : line.index("]")]) for line in sources.split("\n") if line.startswith("[")}
    assert numbers == set(range(1, len(numbers) + 1))
    assert Triage.from_json(made.to_json()) == made


def test_only_what_the_poster_did_not_say_is_left_out(snapshot: Snapshot) -> None:
    said = {item.signal for item in triage(HOTSPOT, snapshot).left_out}
    assert not said & {"os", "device", "error"}
    unsaid = {item.signal for item in triage(thread("Joining fails", "code 8 hotspot"), snapshot).left_out}
    assert {"os", "device"} <= unsaid


def test_a_question_told_again_is_a_likely_duplicate_and_the_thread_itself_is_not(snapshot: Snapshot) -> None:
    first = next(
        d for d in threads_in(str(PAGES / "tag-page.txt"), snapshot.folder, pytest.fail) if "Purple" in d.title
    )
    assert all(d.id != first.id for d in triage(first, snapshot).duplicates)
    words = (
        "After the Mac sleeps my packet tunnel, the purple tunnel, carries nothing. The handshake timed out with code"
        " 60 after wake, I expected that it reconnects."
    )
    told = thread("Purple tunnel quiet after sleep", words)
    likely = [d for d in triage(told, snapshot).duplicates if d.likely]
    assert [d.title for d in likely] == [first.title]
    assert likely[0].why


def test_what_is_not_ours_gets_no_draft(snapshot: Snapshot) -> None:
    made = triage(thread("Sourdough", "My bread does not rise."), snapshot)
    assert (made.outcome, made.topic, made.draft, made.cards, made.left_out) == ("no_match", None, None, [], [])


def test_what_the_poster_added_later_counts_and_what_others_wrote_does_not() -> None:
    posts = (
        Post("question", "It fails.", author="poster"),
        Post("reply", "Which error?", author="helper"),
        Post("reply", "NEVPNErrorDomain 1", author="poster"),
    )
    words = posters_words(Document("t", "feed", "thread", "Help", posts))
    assert "NEVPNErrorDomain 1" in words
    assert "Which error?" not in words


def test_a_hostile_title_formats_nothing_in_a_draft_or_a_terminal(snapshot: Snapshot) -> None:
    title = "code 8 hotspot ](http://evil.example) \x1b[31m<script>"
    made = triage(thread(title, "code 8 hotspot"), snapshot)
    assert "\x1b" not in "\n".join(triage_lines(made))
    assert "evil" not in (made.draft or "")


def test_where_no_question_is_held_no_reply_is_taken_for_one() -> None:
    replies = (Post("reply", "NEVPNErrorDomain 1", author="helper"), Post("reply", "Same here.", author="helper"))
    assert posters_words(Document("t", "forum", "thread", "Help", replies)) == "Help"


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_HOME", str(home))


def test_pasted_text_is_a_thread_whose_first_line_is_the_title(at_home: None) -> None:
    done = CliRunner().invoke(command, ["-", "--json"], input="Hotspot fails\ncode 8 hotspot \x1b[31m\n")
    made = Triage.from_json(done.output)
    assert (done.exit_code, made.thread.title, made.cards[0].id) == (0, "Hotspot fails", "hotspot-internal-error-8")


def test_a_file_of_several_threads_gives_one_object_a_line(at_home: None) -> None:
    done = CliRunner().invoke(command, [str(PAGES / "tag-page.txt"), "--json"])
    titles = [json.loads(line)["thread"]["title"] for line in done.output.splitlines()]
    assert len(titles) == len(set(titles)) == 4


def test_what_is_no_thread_is_told_in_a_sentence(tmp_path: Path, at_home: None) -> None:
    gate = tmp_path / "gate.html"
    gate.write_text("<html><title>Verify that you are human</title><h1>Verify you are human</h1></html>")
    for what in (str(gate), str(tmp_path / "none"), "https://example.com/forums/thread/1"):
        done = CliRunner().invoke(command, [what])
        assert isinstance(done.exception, NekbError)
    assert CliRunner().invoke(command, ["-"], input="my sourdough bread does not rise").exit_code == 1


GATE = "<html><title>Verify that you are human</title><h1>Verify you are human</h1></html>"


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_judged(tmp_path: Path, at_home: None) -> None:
    for name, text in {
        "a.txt": "",
        "b.html": GATE,
        "c.txt": "Hotspot fails\ncode 8 hotspot",
        "d.txt": "\x01" * 9,
    }.items():
        (tmp_path / name).write_text(text)
    done = CliRunner().invoke(command, [str(tmp_path), "--json"])
    [line] = done.stdout.splitlines()
    assert (done.exit_code, json.loads(line)["thread"]["title"]) == (0, "Hotspot fails")
    told = done.stderr.splitlines()
    assert [line.partition(": it ")[0] for line in told] == [
        f"nekb: passed over: {n}" for n in ("a.txt", "b.html", "d.txt")
    ]
    assert "human" in told[1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_first_line_of_pasted_text_is_its_title_however_lines_end(tmp_path: Path, end: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(end.join(["Tunnel stops", "", "code 5"]).encode())
    [found] = threads_in(str(file), tmp_path, pytest.fail)
    assert (found.title, found.posts[0].body) == ("Tunnel stops", "code 5")


def test_a_thread_that_is_too_long_to_judge_is_told_and_the_others_are_judged(tmp_path: Path, at_home: None) -> None:
    (tmp_path / "a.txt").write_text("a" * (MAX_QUERY - 1))  # its first words are its title, too
    (tmp_path / "b.txt").write_text("Hotspot fails\ncode 8 hotspot")
    done = CliRunner().invoke(command, [str(tmp_path), "--json"])
    [line] = done.stdout.splitlines()
    assert (done.exit_code, json.loads(line)["thread"]["title"]) == (0, "Hotspot fails")
    assert done.stderr.startswith("nekb: passed over: aaaa")
    alone = CliRunner().invoke(command, [str(tmp_path / "a.txt")])
    assert isinstance(alone.exception, BadInputError)
    assert alone.exception.code == "too_long"


def test_where_no_file_can_be_read_the_first_is_the_error(tmp_path: Path, at_home: None) -> None:
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.html").write_text(GATE)
    done = CliRunner().invoke(command, [str(tmp_path)])
    assert isinstance(done.exception, BadInputError)
    assert (done.exception.sentence, done.exception.code) == ("a.txt: it is empty.", "empty")
    assert "nekb ask" not in done.exception.remedy
    assert "b.html: it is the forum's" in done.stderr


def test_no_name_is_not_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_home: None
) -> None:
    (tmp_path / "a.txt").write_text("Hotspot fails\ncode 8 hotspot")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, [""])
    assert isinstance(done.exception, BadInputError)
    assert done.exception.sentence == "No file is named."


def _long_thread(folder: Path) -> tuple[Path, Path]:
    """The files of both pages of a thread; on the second the poster adds an error."""
    asked = Shown(1, "<p>My app cannot join the accessory's hotspot.</p>", "asker", question=True)
    replies = [Shown(100 + n, f"<p>Reply {n}: our proxy breaks DNS after sleep.</p>", "helper") for n in range(22)]
    replies.append(Shown(130, "<p>It is NEHotspotConfigurationErrorDomain code 8 on iOS 18.</p>", "asker"))
    pages = folder / "1.html", folder / "2.html"
    for number, (path, some) in enumerate(zip(pages, (replies[:20], replies[20:]), strict=True), 1):
        page = Page(900200, "Join fails", asked, some, page=number, pages=2, stated=23)
        path.write_text(f"<!-- saved from url=(0050){page.address} -->{page.html()}", encoding="utf-8")
    return pages


def test_a_thread_on_two_pages_is_judged_once_by_what_its_poster_wrote_on_both(tmp_path: Path, at_home: None) -> None:
    _long_thread(tmp_path)
    done = CliRunner().invoke(command, [str(tmp_path), "--json"])
    [line] = done.stdout.splitlines()
    made = Triage.from_json(line)
    assert (made.thread.id, made.thread.author) == ("thread-900200", "asker")
    assert made.cards[0].id == "hotspot-internal-error-8"
    assert not {"error", "os"} & {item.signal for item in made.left_out}


def test_a_later_page_alone_is_not_judged_and_it_is_said_what_is_missing(tmp_path: Path, at_home: None) -> None:
    first, second = _long_thread(tmp_path)
    first.unlink()
    done = CliRunner().invoke(command, [str(second), "--json"])
    assert isinstance(done.exception, BadInputError)
    assert "the question of this thread is not there" in done.exception.sentence
    assert done.stdout == ""
    (tmp_path / "a.txt").write_text("Hotspot fails\ncode 8 hotspot")
    beside = CliRunner().invoke(command, [str(tmp_path), "--json"])
    [line] = beside.stdout.splitlines()
    assert json.loads(line)["thread"]["title"] == "Hotspot fails"
    assert "passed over: Join fails: the question" in beside.stderr


def test_of_two_copies_of_a_page_the_later_one_is_judged(tmp_path: Path, at_home: None) -> None:
    first, second = _long_thread(tmp_path)
    second.write_text(first.read_text().replace("cannot join", "can never join"))
    for path, day in ((first, 2), (second, 1)):
        os.utime(path, (86_400 * day, 86_400 * day))
    [found] = threads_in(str(tmp_path), tmp_path, pytest.fail)
    assert found.question
    assert "cannot join" in found.question.body
