"""`nekb eval`: figures anybody can have of their own questions, floors that can be missed, errors instead of traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli.evaluate import evaluate
from kb.asking import ask
from kb.errors import BadInputError
from kb.evaluation.harness import nekb_system
from kb.evaluation.questions import read_questions
from kb.snapshot import Snapshot

QUESTIONS = (
    {"id": "ours", "query": "code 8 hotspot", "expect": ["hotspot-internal-error-8"], "split": "tune"},
    {"id": "foreign", "query": "iptables drops my docker bridge", "expect": [], "split": "rank"},
)


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A file with one question of ours and one that is not."""
    file = tmp_path / "asked.jsonl"
    file.write_text("\n".join(map(json.dumps, QUESTIONS)))
    return file


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("NEKB_HOME", str(home))
    return CliRunner()


def _eval(run: CliRunner, *arguments: str | Path) -> Result:
    return run.invoke(evaluate, [*map(str, arguments)], catch_exceptions=False)


def test_the_figures_are_json_that_others_can_read(run: CliRunner, asked: Path) -> None:
    out = _eval(run, asked, "--json", "--against", "bm25").stdout
    figures = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert figures["nekb"]["hit@1"]["value"] == 1.0
    assert figures["nekb"]["turned away"]["value"] == 1.0
    assert figures["nekb"]["questions"] == figures["bm25"]["questions"] == 2


@pytest.mark.parametrize(
    ("split", "there", "not_there"), [("tune", "hit@1", "turned away"), ("rank", "turned away", "hit@1")]
)
def test_a_figure_that_the_questions_do_not_give_is_left_out(
    run: CliRunner, asked: Path, split: str, there: str, not_there: str
) -> None:
    figures = json.loads(_eval(run, asked, "--json", "--split", split).stdout)["nekb"]
    assert there in figures
    assert not_there not in figures


@pytest.mark.parametrize(
    ("floors", "said"),
    [
        ({"hit@1": 1.0, "ECE": 1.0}, None),
        ({"hit@1": 1.1}, "hit@1 is 1.000, pinned at 1.100"),
        ({"wrongly turned away": -0.1}, "wrongly turned away is 0.000, pinned at -0.100"),
        ({"signals F1": 0.5}, "signals F1 is not among the figures"),
        ({"hit@one": 0.5}, "hit@one is not among the figures"),
    ],
    ids=["all held", "one missed", "a ceiling missed", "nobody labelled signals", "no such figure"],
)
def test_a_floor_that_is_missed_or_not_measured_ends_with_1(
    run: CliRunner, asked: Path, tmp_path: Path, floors: dict[str, float], said: str | None
) -> None:
    pinned = tmp_path / "floors.json"
    pinned.write_text(json.dumps(floors))
    result = _eval(run, asked, "--floors", pinned)
    assert result.exit_code == (0 if said is None else 1)
    assert said is None or f"below the floor: {said}" in result.stderr


@pytest.mark.parametrize(
    "text", ["", "{}", '{"id": "x", "query": "y"', '{"id": "x", "query": "y", "expect": ["no-card"]}']
)
def test_questions_that_cannot_be_measured_by_are_refused(run: CliRunner, tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(text)
    with pytest.raises(BadInputError):
        _eval(run, file)


def test_a_line_that_ask_would_refuse_is_named(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text("\n".join(json.dumps({"id": "x", "query": q, "expect": []}) for q in ("vpn", " \n")))
    with pytest.raises(BadInputError, match=r"bad\.jsonl, line 2: The question is empty"):
        _eval(run, file)


def test_a_line_without_what_is_right_is_named_and_no_question_out_of_scope(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"id": "x", "query": "y"}')
    with pytest.raises(BadInputError, match="line 1 is no labelled question"):
        _eval(run, file)


@pytest.mark.parametrize(
    "query",
    ["code 8", "hotspot", "code 8 hotspot", "fe\u0301nne\u0301tre VPN profile", "x \ud800 code 8 hotspot"],
)
def test_what_is_measured_is_what_ask_answers(snapshot: Snapshot, tmp_path: Path, query: str) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_text("\ufeff" + json.dumps({"id": "x", "query": query, "expect": []}), encoding="utf-8")
    (question,) = read_questions(file)
    judged, answer = nekb_system(snapshot)(question), ask(query, snapshot)
    assert question.query == answer.query
    assert judged.outcome == answer.outcome
    if answer.outcome != "no_match":
        assert judged.confidence == pytest.approx(answer.confidence, abs=1e-4)
        assert judged.ranked[0] == answer.guidance[0].id


def test_what_is_wrong_is_listed_beside_figures_that_are_json(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_text(json.dumps({"id": "off", "query": "code 8 hotspot", "expect": ["relay-config"]}))
    result = _eval(run, file, "--json", "--wrong")
    assert json.loads(result.stdout)["nekb"]["questions"] == 1
    assert "off [answered" in result.stderr
    assert "off [answered" in _eval(run, file, "--wrong").stdout


@pytest.mark.parametrize("text", [None, "{", "[0.9]", '{"hit@1": "high"}'])
def test_floors_that_are_none_are_refused(run: CliRunner, asked: Path, tmp_path: Path, text: str | None) -> None:
    pinned = tmp_path / "floors.json"
    if text is not None:
        pinned.write_text(text)
    with pytest.raises(BadInputError, match="floors"):
        _eval(run, asked, "--floors", pinned)


@pytest.mark.slow  # plots are an extra, which CI installs before these
def test_a_plot_that_cannot_be_written_costs_no_figure(run: CliRunner, asked: Path, tmp_path: Path) -> None:
    result = run.invoke(evaluate, [str(asked), "--plot", str(tmp_path / "nowhere" / "plot.png")])
    assert isinstance(result.exception, BadInputError)
    assert "expected calibration error" in result.stdout
    _eval(run, asked, "--plot", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
