"""What people ask: unsure answers together by likeness, votes, cards, days; kept for a while and no longer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from api.cli.gaps import gaps as gaps_command
from api.http.app import create_app
from api.http.settings import ServeSettings
from api.records.database import open_database
from api.records.feedback import keep_feedback
from api.records.gaps import find_gaps
from api.records.keys import create_key
from api.records.retention import forget_old, since
from api.records.tables import questions
from api.web.plot import plot
from kb.evaluation.questions import read_questions
from kb.snapshot import Snapshot

UNSURE = (
    ("how do I turn off the weather widget", "no_match"),
    ("how to turn the weather widget off?", "no_match"),
    ("printer driver will not install", "no_match"),
    ("error code 4 <script>alert(1)</script> \x1b[31mred", "uncertain"),
)


@pytest.fixture(scope="module")
def asked_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which questions were asked and votes given."""
    copy = tmp_path_factory.mktemp("gaps") / "home"
    shutil.copytree(home, copy)
    engine = open_database(copy)
    rows = [(since(0), q, o, 0.3, "ne-resources" if o == "uncertain" else None) for q, o in UNSURE]
    rows += [(since(2), "code 8 hotspot", "answered", 0.99, "hotspot-internal-error-8")] * 3
    rows += [(since(200), "an old question", "no_match", 0.1, None)]
    with engine.begin() as db:
        for at, query, outcome, confidence, card in rows:
            row = {"at": at, "query": query, "outcome": outcome, "confidence": confidence, "card": card}
            db.execute(insert(questions).values(**row, surface="http"))
    keep_feedback(engine, query="q", helpful=False, card="ne-resources", reason="too <b>wide</b>", surface="web")
    return copy


@pytest.fixture(scope="module")
def engine(asked_home: Path) -> Engine:
    return open_database(asked_home)


def test_alike_questions_stand_together(engine: Engine, snapshot: Snapshot) -> None:
    found = find_gaps(engine, snapshot, 30)
    assert (found.asked, found.unsure) == (7, 4)
    assert sorted(len(g.questions) for g in found.groups) == [1, 1, 2]
    assert {q.query for q in found.groups[0].questions} == {UNSURE[0][0], UNSURE[1][0]}
    assert found.used[0] == ("hotspot-internal-error-8", 3)
    assert [(v.card, v.helpful, v.unhelpful) for v in found.votes] == [("ne-resources", 0, 1)]
    assert [(d.answered, d.uncertain, d.no_match) for d in found.by_day] == [(3, 0, 0), (0, 1, 3)]


def test_the_plot_holds_every_answer(engine: Engine, snapshot: Snapshot) -> None:
    drawn = plot(find_gaps(engine, snapshot, 30).by_day)
    assert drawn is not None
    tallest = max(b.height for b in drawn.bars)
    assert [(b.outcome, round(3 * b.height / tallest)) for b in drawn.bars] == [
        ("answered", 3),
        ("uncertain", 1),
        ("no_match", 3),
    ]
    assert plot(()) is None


def test_the_command_shows_and_exports(asked_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_HOME", str(asked_home))
    monkeypatch.setenv("NEKB_RETENTION_DAYS", "3000")
    shown = CliRunner().invoke(gaps_command, [])
    assert "7 questions, 4 without a sure answer (57 %)" in shown.output
    assert "\x1b" not in shown.output
    assert json.loads(CliRunner().invoke(gaps_command, ["--json"]).stdout)["unsure"] == 4
    file = tmp_path / "gaps.jsonl"
    assert CliRunner().invoke(gaps_command, ["--export", str(file)]).exit_code == 0
    assert len(file.read_text().splitlines()) == 3
    assert read_questions(file) == []  # nothing counts before somebody has labelled it
    file.write_text(file.read_text().replace('"ambiguous_scope": true', '"ambiguous_scope": false'))
    assert len(read_questions(file)) == 3
    again = CliRunner().invoke(gaps_command, ["--export", str(file)])
    assert again.exception is not None


def test_old_questions_are_forgotten(asked_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "home"
    shutil.copytree(asked_home, copy)
    engine = open_database(copy)
    assert forget_old(engine) == 1
    assert forget_old(engine) == 0
    monkeypatch.setenv("NEKB_RETENTION_DAYS", "1")
    assert forget_old(engine) == 3


@pytest.fixture
def site(asked_home: Path) -> Iterator[TestClient]:
    settings = ServeSettings(asked_home, require_keys=True)
    with TestClient(create_app(settings), base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as client:
        yield client


def test_only_an_admin_sees_what_people_ask(site: TestClient, engine: Engine) -> None:
    assert site.get("/admin").status_code == 401
    assert 'action="/sign-in"' in site.get("/").text
    _, ask = create_key(engine, "ask", ("ask",))
    _, admin = create_key(engine, "admin", ("admin",))
    assert site.post("/sign-in", data={"key": "nekb_wrong"}).status_code == 401
    signed = site.post("/sign-in", data={"key": ask}, follow_redirects=False)
    assert signed.status_code == 303
    assert {"HttpOnly", "SameSite=lax"} <= set(signed.headers["set-cookie"].split("; "))
    assert site.get("/").status_code == 200
    assert site.get("/admin").status_code == 403
    site.post("/sign-in", data={"key": admin})
    page = site.get("/admin").text
    assert "how do I turn off the weather widget" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>wide" not in page
    assert "\x1b" not in page
    assert page.count("<rect") == 6
    exported = site.get("/admin/gaps.jsonl").text
    assert len(exported.splitlines()) == 3
    site.post("/sign-out")
    assert site.get("/").status_code == 401
