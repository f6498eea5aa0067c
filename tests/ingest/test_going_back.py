"""Going back to an earlier snapshot: it answers until somebody builds, or until there is something new to build."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.main import cli
from kb.snapshot import current_folder
from tests.conftest import PAGES
from tests.ingest.pages import Thread

DUMP = PAGES / "tag-page.txt"


def nekb(*args: str | Path) -> str:
    done = CliRunner().invoke(cli, [str(a) for a in args])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def earlier(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of another snapshot of the data directory, which was activated."""
    monkeypatch.setenv("NEKB_HOME", str(own_home))
    folder = own_home / "snapshots" / ("0" * 16)
    shutil.copytree(current_folder(own_home) or own_home, folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"id": folder.name}))
    assert "answers now" in nekb("snapshots", "activate", folder.name)
    return folder.name


def answering(home: Path) -> str:
    folder = current_folder(home)
    assert folder is not None
    return folder.name


@pytest.mark.slow
def test_an_ingest_without_news_leaves_it_and_says_so(own_home: Path, earlier: str) -> None:
    for _ in range(2):
        said = nekb("ingest", DUMP)
        assert "0 new, 0 changed" in said
        assert f"Snapshot {earlier} answers on" in said
        assert answering(own_home) == earlier
    assert json.loads(nekb("reparse", "--json"))["snapshot"] == earlier


@pytest.mark.slow
def test_a_build_on_purpose_ends_it_and_says_so(own_home: Path, earlier: str) -> None:
    said = nekb("build")
    assert "Nothing changed" in said
    assert "It answers now." in said
    assert answering(own_home) != earlier
    assert "answers now" not in nekb("build")
    assert "Snapshot" not in nekb("ingest", DUMP)


def test_an_ingest_goes_on_with_a_build_that_was_killed_before_it_published(own_home: Path, earlier: str) -> None:
    (own_home / "built").unlink()
    said = nekb("ingest", DUMP)
    assert f"Snapshot {answering(own_home)} answers now" in said
    assert answering(own_home) != earlier


def test_one_that_is_damaged_is_not_left_to_answer(own_home: Path, earlier: str) -> None:
    (own_home / "snapshots" / earlier / "cards.json").write_bytes(b"[]")
    nekb("ingest", DUMP)
    assert answering(own_home) != earlier


@pytest.mark.slow
def test_an_ingest_with_news_ends_it_and_says_so(own_home: Path, earlier: str, tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text(Thread().html(), encoding="utf-8")
    said = nekb("ingest", tmp_path / "x.html")
    assert f"Snapshot {answering(own_home)} answers now" in said
    assert answering(own_home) != earlier
