"""`nekb feedback`: a vote becomes an evaluation question and changes no answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.feedback import feedback
from kb.errors import BadInputError
from kb.evaluation.questions import read_questions


@pytest.fixture
def run(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("NEKB_HOME", str(own_home))
    return CliRunner()


def test_votes_become_questions_that_eval_reads(run: CliRunner, tmp_path: Path) -> None:
    for vote in (
        ["give", "code 8 hotspot", "--helpful"],
        ["give", "my tunnel is slow, mail me at dev@example.com", "--not-helpful", "--expected", "vpn-routing"],
        ["give", "something else", "--not-helpful", "--reason", "off the mark"],
    ):
        assert run.invoke(feedback, vote, catch_exceptions=False).exit_code == 0
    target = tmp_path / "votes.jsonl"
    assert run.invoke(feedback, ["export", str(target)], catch_exceptions=False).exit_code == 0
    questions = read_questions(target)
    assert [q.expect for q in questions] == [("hotspot-internal-error-8",), ("vpn-routing",)]
    assert "dev@example.com" not in questions[1].query


def test_an_unknown_card_is_refused_with_a_remedy(run: CliRunner) -> None:
    with pytest.raises(BadInputError, match="no card"):
        run.invoke(feedback, ["give", "x", "--helpful", "--card", "no-such-card"], catch_exceptions=False)


def test_a_file_that_is_there_or_cannot_be_written_is_refused(run: CliRunner, tmp_path: Path) -> None:
    kept = tmp_path / "votes.jsonl"
    kept.write_text("labelled by hand")
    for target in (kept, tmp_path / "no-such-folder" / "votes.jsonl", tmp_path):
        with pytest.raises(BadInputError, match="cannot be written"):
            run.invoke(feedback, ["export", str(target)], catch_exceptions=False)
    assert kept.read_text() == "labelled by hand"
