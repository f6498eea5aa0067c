"""Phrasings: read by card, taught to every card that they would help, compared with only where people tell them so."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.build.model import find_model
from ingest.build.run import _guidance_passages, _not_compared
from ingest.chunking import phrasing_passages
from ingest.phrasings import Phrasing, read_phrasings
from kb.encoder import ASKED_TOKENS
from kb.errors import GuidanceError
from kb.guidance.parse import read_cards
from kb.home import shipped_data
from kb.matching.classifier import NONE
from kb.signals.compiling import compile_tables
from kb.snapshot import Snapshot

DATA = shipped_data()
MODEL = find_model()
CARDS = read_cards(DATA / "guidance")
VPN, WIFI = "vpn-routing", "filing-wifi-bug-report"


def written(folder: Path, kind: str, name: str, *lines: dict[str, Any]) -> Path:
    target = folder / "phrasings" / kind
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def test_a_line_says_which_cards_it_teaches_and_where_it_comes_from(tmp_path: Path) -> None:
    written(tmp_path, "told", VPN, {"text": "a", "also": [WIFI], "source": "https://example.org/1"}, {"text": "b"})
    written(tmp_path, "thought-up", "out-of-scope", {"text": "c"})
    written(tmp_path, "retold", VPN, {"text": "d", "retells": "https://example.org/1"})
    assert read_phrasings(tmp_path, CARDS) == [
        Phrasing(VPN, "d", reported=True, told=False),
        Phrasing(NONE, "c", told=False),
        Phrasing(VPN, "a", (WIFI,), reported=True),
        Phrasing(VPN, "b"),
    ]


@pytest.mark.parametrize(("name", "also"), [("no-card", []), (VPN, ["no-card"])])
def test_a_card_that_is_not_there_is_told(tmp_path: Path, name: str, also: list[str]) -> None:
    written(tmp_path, "told", name, {"text": "a", "also": also})
    with pytest.raises(GuidanceError, match="no-card"):
        read_phrasings(tmp_path, CARDS)


def test_what_is_said_twice_of_a_card_is_one_passage() -> None:
    made = phrasing_passages([Phrasing(VPN, "a"), Phrasing(VPN, " a "), Phrasing(WIFI, "a")])
    assert [(p.owner, p.text) for p in made] == [(VPN, "a"), (WIFI, "a")]


def test_a_question_is_compared_with_what_people_tell_and_with_no_tidier_words() -> None:
    said = [Phrasing(VPN, "lan dead w/ vpn on"), Phrasing(VPN, "LAN access is lost in a full tunnel.", told=False)]
    inputs: Any = SimpleNamespace(cards=CARDS, phrasings=said, tables=compile_tables(DATA))
    compared = [p.text for p in _guidance_passages(inputs, MODEL) if p.kind == "phrasing"]
    assert said[0].text in compared
    assert said[1].text not in compared
    assert [p.text for p in _not_compared(inputs)] == [said[1].text]


def test_every_card_has_reports_among_its_phrasings_or_rough_ones() -> None:
    told = Counter(p.id for p in read_phrasings(DATA, CARDS) if p.told)
    assert [card.id for card in CARDS if told[card.id] < 40] == []
    assert told[NONE] > 1000


def test_what_is_retold_is_a_report_that_is_told() -> None:
    told, retold = (
        {
            (path.stem, json.loads(line).get(field))
            for path in (DATA / "phrasings" / kind).glob("*.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines()
        }
        for kind, field in (("told", "source"), ("retold", "retells"))
    )
    assert len(retold) > 2000
    assert retold - told == set()


def test_as_much_of_a_phrasing_is_embedded_as_of_a_question(snapshot: Snapshot) -> None:
    text = "startTunnel fails, extension 4711 exits; " * 60
    begun = MODEL.beginning(text, ASKED_TOKENS)
    assert text.startswith(begun)
    assert len(begun) < len(text)
    assert snapshot.encoder.encode(begun).tolist() == snapshot.encoder.encode(text, ASKED_TOKENS).tolist()
    assert MODEL.beginning("code 8 hotspot", ASKED_TOKENS) == "code 8 hotspot"
