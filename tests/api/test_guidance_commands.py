"""`nekb guidance` and `nekb error` as a person meets them: readable, and helpful where a name is unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli.error import error
from api.cli.guidance import guidance
from ingest.build import build
from kb import ask
from kb.errors import NekbError
from kb.guidance.parse import read_cards


@pytest.fixture
def nekb_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEKB_HOME", str(home))
    return home


def run(command: str) -> Result:
    name, *rest = command.split()
    return CliRunner().invoke({"guidance": guidance, "error": error}[name], rest)


def refusal(command: str) -> str:
    failure = run(command).exception
    assert isinstance(failure, NekbError), failure
    return str(failure)


def test_an_error_names_its_cards_with_their_titles(nekb_home: Path) -> None:
    shown = run("error NEHotspotConfigurationErrorDomain 8").stdout
    assert shown.startswith("NEHotspotConfigurationErrorDomain 8 NEHotspotConfigurationErrorInternal\n")
    assert "  -> hotspot-internal-error-8: NEHotspotConfigurationErrorInternal (code 8" in shown


def test_what_people_are_most_often_stuck_on_comes_first(nekb_home: Path) -> None:
    shown = json.loads(run("error 8 --json").stdout)
    assert shown[0]["domain"] == "NEHotspotConfigurationErrorDomain"
    assert len(shown) > 5


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("error NEHotspotConfigError 8", "Did you mean NEHotspotConfigurationError"),
        ("error NEVPNErrorDomain 99", "Known are 1 to 6"),
        ("error 987654", "No known domain has the code 987654"),
        ("error NEVPNErrorConfigurationStael", "Did you mean NEVPNErrorConfigurationStale"),
        ("guidance show vpn-lifecicle", "Did you mean vpn-lifecycle?"),
        ("guidance show relay", "Did you mean relay-config?"),
        ("guidance show nothing-like-it-at-all", "nekb guidance list"),
        ("guidance list --topic gardening", "Topics: app-proxy-transparent-proxy"),
        ("guidance new relay-config", "Choose another id"),
        ("guidance new none", "Choose another id"),
        (f"guidance new {'a' * 300}", "2 to 64 lower-case letters"),
        ("guidance new ../x", "2 to 64 lower-case letters"),
    ],
)
def test_an_unknown_name_is_refused_with_what_was_meant(nekb_home: Path, command: str, says: str) -> None:
    assert says in refusal(command)


def test_a_card_shows_its_conditions_in_words_and_where_to_go(nekb_home: Path) -> None:
    shown = run("guidance show multicast-local-network").stdout
    assert "(only: iOS or visionOS)" in " ".join(shown.split())
    assert "What it is: an entitlement to request" in shown
    assert "https://developer.apple.com/contact/request/networking-multicast" in shown
    assert "On the forum: App & System Services > Networking, tagged Network" in shown


def test_every_command_speaks_json(nekb_home: Path) -> None:
    assert {"id", "topic", "title", "origin"} == set(json.loads(run("guidance list --json").stdout)[0])
    assert json.loads(run("guidance show relay-config --json").stdout)["topic"] == "relay"
    assert json.loads(run("guidance check --json").stdout) == []


@pytest.mark.parametrize("id", ["123", "no", "null", "2026-01-01", "1-", "1e5", "plain-words"])
def test_the_template_of_any_id_passes_the_check(id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path))
    assert run(f"guidance new {id}").exit_code == 0
    assert json.loads(run("guidance check --json").stdout) == []


def test_a_card_called_like_the_class_of_no_card_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path))
    written = Path(json.loads(run("guidance new some-card --json").stdout)["path"])
    written.with_name("none.md").write_text(written.read_text().replace("some-card", "none"))
    (problem,) = json.loads(run("guidance check --json").stdout)
    assert (problem["card"], problem["field"]) == ("none", "id")


def written(home: Path, id: str, old: str = "", new: str = "") -> Path:
    """A card of one's own from the template, with one thing changed."""
    path = Path(json.loads(run(f"guidance new {id} --json").stdout)["path"])
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_check_lists_every_malformed_card_and_goes_on_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path))
    written(tmp_path, "one-card", "\ntopic: ", "\ntopic: not-")
    written(tmp_path, "two-card", "kind: fix", "kind: cook")
    written(tmp_path, "three-card", "see_also: []", "see_also: [one-card, no-such-card]")
    checked = run("guidance check --json")
    found = [(p["card"], p["field"]) for p in json.loads(checked.stdout)]
    assert found == [("one-card.md", "topic"), ("two-card.md", "route.kind"), ("three-card", "see_also")]
    assert checked.exit_code == 1
    assert "49 cards, 3 problems." in run("guidance check").stdout


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: ", 'title: ""  # ', r"title string should match pattern '\S'"),
        ("platforms: []", "platforms: [ios]", "platforms.0 input should be 'iOS', 'macOS'"),
    ],
)
def test_a_problem_names_the_values_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, says: str
) -> None:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path))
    written(tmp_path, "one-card", old, new)
    assert says in run("guidance check").stdout


def test_hidden_files_beside_the_cards_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path))
    card = written(tmp_path, "my-card")
    card.with_name("._my-card.md").write_bytes(b"\x00\x05\x16\x07")
    card.with_name(".#my-card.md").symlink_to("somebody@their-machine.4711")
    assert json.loads(run("guidance check --json").stdout) == []
    assert [c.id for c in read_cards(tmp_path / "guidance")] == ["my-card"]


def test_a_mistyped_option_is_no_name_that_is_not_known(nekb_home: Path) -> None:
    refused = run("error --jsn 8")
    assert refused.exit_code == 2
    assert "Did you mean '--json'?" in refused.stderr
    assert run("error -65555").exit_code == 0


@pytest.mark.slow
def test_a_card_of_ones_own_is_found_after_the_next_build(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_HOME", str(own_home))
    written = Path(json.loads(run("guidance new zebra-gateway-handshake --json").stdout)["path"])
    text = written.read_text(encoding="utf-8")
    text = text.replace('short: ["zebra gateway handshake"]', "short: [zebra gateway handshake, ZEBRA-4711 refused]")
    written.write_text(text.replace("terms: []", "terms: [ZEBRA-4711]"), encoding="utf-8")
    assert run("guidance check").exit_code == 0
    build(own_home)
    answer = ask("our packet tunnel logs ZEBRA-4711, zebra gateway handshake refused")
    assert "zebra-gateway-handshake" in [g.id for g in answer.guidance]
    assert "zebra-gateway-handshake" in run("guidance list").stdout
