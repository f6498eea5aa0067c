"""What a person sees: `nekb ingest`, `doctor`, `reparse`, `status`, and the JSON beside each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.main import cli
from ingest.build import BuildReport
from ingest.importing import import_files
from ingest.settling import IngestReport
from kb.errors import NekbError
from tests.conftest import PAGES
from tests.ingest.pages import Thread

DUMP = PAGES / "tag-page.txt"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def nekb(*args: str | Path, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in args], input=stdin)


def as_json(*args: str | Path) -> Any:
    return json.loads(nekb(*args, "--json").stdout)


def test_a_page_is_taken_in_and_counted(data: Path) -> None:
    first = nekb("ingest", "--no-build", DUMP)
    assert (first.exit_code, first.stdout) == (0, "4 new, 0 changed, 0 unchanged documents.\n")
    again = as_json("ingest", "--no-build", DUMP)
    assert (again["outcome"], again["unchanged"], again["snapshot"]) == ("ok", 4, None)


def test_standard_input_is_taken_in(data: Path) -> None:
    assert "4 new" in nekb("ingest", "--no-build", "-", stdin=DUMP.read_bytes()).stdout


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"", "it is empty"), (b"%PDF-1.7", "a PDF"), (b"\x89PNG\r\n", "a picture"), (bytes(range(256)) * 9, "not a page"),
     (b"hm", "not a page")],
)  # fmt: skip
def test_rubbish_is_named_for_what_it_is_and_exits_2(data: Path, tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "x.html").write_bytes(content)
    result = nekb("ingest", "--no-build", tmp_path / "x.html")
    assert result.exit_code == 2
    assert "1 of no use" in result.stdout
    assert word in result.stderr
    assert "Traceback" not in result.output
    shown = nekb("doctor", tmp_path / "x.html")
    assert (shown.exit_code, word in shown.stdout) == (1, True)


def test_escapes_in_a_page_do_not_reach_the_terminal(data: Path, tmp_path: Path) -> None:
    thread = Thread(title="Bold \x1b[31m\x07 kettle")
    (tmp_path / "\x1b[2Jx.html").write_text(thread.html().replace("data-post-id", "x"), encoding="utf-8")
    for command in ("doctor", "ingest"):
        result = nekb(command, *(["--no-build"] if command == "ingest" else []), tmp_path / "\x1b[2Jx.html")
        assert "\x1b" not in result.output
        assert "\x07" not in result.output


def test_doctor_tells_of_what_it_cannot_read_and_of_nothing_that_it_keeps(data: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_text(Thread().html(), encoding="utf-8")
    assert nekb("doctor", pages).exit_code == 0
    (pages / "b.html").symlink_to(pages / "a.html")
    found = nekb("doctor", pages)
    assert (found.exit_code, "b.html: it is a link" in found.stderr) == (1, True)
    (tmp_path / "x.html").write_bytes(b"hm")
    assert "kept" not in nekb("doctor", tmp_path / "x.html").stdout


def test_an_address_that_is_refused_is_refused_before_anything_is_taken_in(data: Path) -> None:
    assert isinstance(nekb("ingest", DUMP, "https://evil.example/x").exception, NekbError)
    assert as_json("status")["documents"] == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", [b"\xff.html", b"\xff"])
def test_names_that_are_no_utf8_are_shown(data: Path, tmp_path: Path, name: bytes) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    (Path(path).mkdir if name == b"\xff" else Path(path).touch)()
    for command in (["ingest", "--no-build"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", *command, path], capture_output=True, check=False,
            env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        )  # fmt: skip
        assert "Traceback" not in done.stderr.decode()
        assert "\ufffd" in (done.stdout + done.stderr).decode()


def test_an_address_that_is_no_text_is_refused_in_a_sentence(data: Path) -> None:
    refused = nekb("ingest", "https://developer.apple.com/forums/thread/1\udcff").exception
    assert isinstance(refused, NekbError)
    assert refused.code == "address"


def test_drift_is_said_and_exits_2(data: Path, tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text(Thread().html().replace("data-post-id", "x"), encoding="utf-8")
    result = nekb("ingest", "--no-build", tmp_path / "x.html")
    assert result.exit_code == 2
    assert "nekb: drift:" in result.stderr
    assert "the pages are kept" in result.stderr


def test_doctor_shows_every_field_with_its_layer_and_keeps_nothing(data: Path, tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text(Thread().html(), encoding="utf-8")
    result = nekb("doctor", tmp_path / "x.html")
    assert result.exit_code == 0
    assert "created       data" in result.stdout
    found = as_json("doctor", tmp_path / "x.html")[0]
    layers = {f["name"]: f["layer"] for f in found["fields"]}
    assert (found["kind"], found["sound"], layers["accepted"], layers["apple"]) == ("thread", True, "data", "data")
    assert not data.exists()


def test_status_before_and_after(data: Path) -> None:
    assert nekb("status").exit_code == 0
    assert as_json("status")["documents"] == {}
    nekb("ingest", "--no-build", DUMP)
    assert as_json("status")["documents"]["held"] == 4
    assert "just now" in nekb("status").stdout


def test_reparse_reads_what_is_kept(data: Path) -> None:
    nekb("ingest", "--no-build", DUMP)
    assert as_json("reparse", "--no-build")["unchanged"] == 4


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("",),
        (DUMP, ""),
        ("missing.html",),
        ("https://evil.example/x",),
        ("--from", "tag", "x.html"),
        ("--from", "nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(data: Path, args: tuple[str, ...]) -> None:
    result = nekb("ingest", *args)
    assert result.exit_code != 0
    assert result.exit_code == 2 or isinstance(result.exception, NekbError)
    assert as_json("status")["documents"] == {}


def test_no_name_is_not_the_folder_that_one_is_in(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here.html").write_text(Thread().html(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for command in ("ingest", "doctor"):
        refused = nekb(command, "")
        assert "No file is named" in str(refused.exception)
        assert refused.stdout == ""


def test_what_was_taken_in_is_told_where_it_cannot_be_built(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "guidance").mkdir(parents=True)
    (data / "guidance" / "README.md").write_text("# notes\n")
    failed = nekb("ingest", DUMP)
    assert "README.md: front matter is missing" in str(failed.exception)
    assert failed.stdout == "4 new, 0 changed, 0 unchanged documents.\n"
    monkeypatch.setattr("api.cli.ingest.to_build", lambda _: True)
    for command in (("ingest", DUMP, "--json"), ("reparse", "--json")):
        again = nekb(*command)
        told = json.loads(again.stdout)
        assert (told["unchanged"], told["snapshot"]) == (4, None)
        assert isinstance(again.exception, NekbError)


def test_a_run_that_ended_before_it_built_is_built_by_the_next(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEKB_HOME", str(own_home))
    (tmp_path / "x.html").write_text(Thread().html(), encoding="utf-8")
    import_files(own_home, [tmp_path / "x.html"])
    built: list[Path] = []

    def build(home: Path, _: object, *, only_news: bool) -> BuildReport:
        built.append(home)
        return BuildReport("id", True, 1, 5, 9, 0.1, True, "id")

    monkeypatch.setattr("ingest.build.build", build)
    assert nekb("ingest", tmp_path / "x.html").exit_code == 0
    assert built == [own_home]


def test_a_summary_names_the_gate_and_what_to_do(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = IngestReport(stopped="developer.apple.com: it asked to verify that a human is there. Save the pages")
    monkeypatch.setattr("ingest.crawling.fetch_source", lambda *_: report)
    result = nekb("ingest", "--from", "tag", "--no-build")
    assert result.exit_code == 2
    assert "stopped: developer.apple.com" in result.stderr
