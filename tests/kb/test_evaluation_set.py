"""The labelled questions: whole, over all cards, split by whole families, strangers to what is learned from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from kb.evaluation.questions import read_questions
from kb.guidance.parse import read_cards
from kb.home import shipped_data

DATA = shipped_data()
FILE = DATA / "evaluation" / "questions.jsonl"
QUESTIONS = read_questions(FILE)
RAW, LANGUAGES, REPORTS, WIDER, USERS = (
    [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for file in (
        FILE,
        *map(FILE.with_name, ("languages.jsonl", "reports.jsonl", "wider-reports.jsonl", "users.jsonl")),
    )
)
CARDS = {card.id: card for card in read_cards(DATA / "guidance")}
STYLES = {"short", "question", "log", "wrapper", "slack", "nonnative"}
SPLITS = ("tune", "report")


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)


def plain(text: str) -> str:
    return " ".join(text.casefold().split())


def test_ids_and_queries_are_unique() -> None:
    assert [i for i, n in Counter(q.id for q in QUESTIONS).items() if n > 1] == []
    assert [i for i, n in Counter(plain(q.query) for q in QUESTIONS).items() if n > 1] == []
    assert len(QUESTIONS) == len(RAW) >= 400


def test_every_expected_card_exists_and_none_is_named_twice() -> None:
    for q in QUESTIONS:
        assert set(q.expect) <= set(CARDS), q.id
        assert len(set(q.expect)) == len(q.expect) <= 3, q.id


def test_every_card_is_best_for_at_least_five_questions() -> None:
    best = Counter(q.expect[0] for q in QUESTIONS if q.in_scope)
    assert [card for card in CARDS if best[card] < 5] == []


@pytest.mark.parametrize("split", SPLITS)
def test_each_split_holds_all_cards_styles_and_out_of_scope_kinds(split: str) -> None:
    part = [r for r in RAW if r["split"] == split]
    assert {r["expect"][0] for r in part if r["expect"]} == set(CARDS)
    assert {r["style"] for r in part} == STYLES
    assert {r.get("kind") for r in part if not r["expect"]} == {r.get("kind") for r in RAW if not r["expect"]}
    assert 0.4 * len(RAW) < len(part) < 0.6 * len(RAW)


def test_enough_questions_are_out_of_scope() -> None:
    strangers = [r for r in RAW if not r["expect"]]
    assert len(strangers) >= 110
    assert all(r["topic"] == "out-of-scope" and r["kind"] for r in strangers)


def test_a_topic_is_that_of_the_best_card() -> None:
    assert [q.id for q in QUESTIONS if q.in_scope and q.topic != CARDS[q.expect[0]].topic] == []


def test_variants_of_one_report_share_a_split() -> None:
    for key in ("family", "source"):
        splits: dict[str, set[str]] = {}
        for r in RAW:
            if key in r:
                splits.setdefault(r[key], set()).add(r["split"])
        assert [name for name, found in splits.items() if len(found) > 1] == []


def test_labelled_symbols_stand_in_the_text_or_behind_a_wrapper() -> None:
    for q in QUESTIONS:
        apis = (q.signals or {}).get("api", [])
        for name in [apis] if isinstance(apis, str) else apis:
            said = name.removeprefix("NE").casefold() in q.query.casefold()
            assert said or (q.style == "wrapper" and name.startswith("NE")), (q.id, name)


def learned_from() -> set[str]:
    """Every phrasing and every symptom."""
    learned = {
        plain(text)
        for path in sorted((DATA / "phrasings").glob("*/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
        for text in strings(json.loads(line))
    }
    for card in CARDS.values():
        learned |= {plain(text) for text in strings(card.symptoms)}
    assert len(learned) > 7000
    return learned


def test_no_question_is_a_phrasing_or_a_symptom_of_a_card() -> None:
    learned = learned_from()
    assert [q.id for q in QUESTIONS if plain(q.query) in learned] == []


def test_the_questions_in_other_languages_are_whole_and_strangers_to_the_others() -> None:
    asked = [plain(r["query"]) for r in (*LANGUAGES, *RAW)]
    assert len(set(asked)) == len(asked)
    assert len({r["id"] for r in (*LANGUAGES, *RAW)}) == len(asked)
    assert Counter(bool(r["expect"]) for r in LANGUAGES) == {True: 72, False: 24}
    assert {r["expect"][0] for r in LANGUAGES if r["expect"]} == set(CARDS)
    assert all(set(r["expect"]) <= set(CARDS) for r in LANGUAGES)


def test_many_languages_are_asked_in() -> None:
    spoken = Counter(r["language"] for r in LANGUAGES)
    assert len(spoken) >= 11
    assert min(spoken.values()) >= 3


def test_no_question_in_another_language_stands_among_what_is_learned_from() -> None:
    learned = "\n".join(learned_from())
    assert [r["id"] for r in LANGUAGES if plain(r["query"]) in learned] == []


def test_users_and_developers_who_speak_like_them_are_whole_and_strangers_to_what_is_learned_from() -> None:
    learned = learned_from()
    assert [r["id"] for r in USERS if plain(r["query"]) in learned] == []
    assert len({plain(r["query"]) for r in USERS}) == len({r["id"] for r in USERS}) == len(USERS)
    assert Counter(bool(r["expect"]) for r in USERS) == {True: 100, False: 100}
    assert all(set(r["expect"]) <= set(CARDS) for r in USERS)
    assert all(r["topic"] == (CARDS[r["expect"][0]].topic if r["expect"] else "out-of-scope") for r in USERS)
    assert len({r["expect"][0] for r in USERS if r["expect"]}) >= 40


def test_the_reports_are_whole_and_strangers_to_the_other_questions() -> None:
    asked = [plain(r["query"]) for r in (*REPORTS, *WIDER, *LANGUAGES, *RAW)]
    assert [text for text, n in Counter(asked).items() if n > 1] == []
    assert [id for id, n in Counter(r["id"] for r in (*REPORTS, *WIDER)).items() if n > 1] == []
    for reports in (REPORTS, WIDER):
        assert {r["style"] for r in reports} == STYLES
        assert all(set(r["expect"]) <= set(CARDS) for r in reports)
        assert all(r["topic"] == (CARDS[r["expect"][0]].topic if r["expect"] else "out-of-scope") for r in reports)
        inside = Counter((r["split"], bool(r["expect"])) for r in reports)
        assert inside["report", True] > 250
        assert inside["report", False] > 80
    assert {r["split"] for r in WIDER} == {"rank", "report"}


def test_no_report_is_learned_from_and_none_is_on_both_sides() -> None:
    learned = learned_from()
    reports = [*REPORTS, *WIDER]
    assert [r["id"] for r in reports if plain(r["query"]) in learned] == []
    assert [r["id"] for r in reports if plain(r.get("source", "-")) in learned] == []
    reported = {r["source"] for r in reports if r["split"] == "report" and "source" in r}
    fitted = {r["source"] for r in reports if r["split"] != "report" and "source" in r}
    assert fitted & reported == set()
    assert {r["source"] for r in RAW if "source" in r} & (fitted | reported) == set()


def test_two_further_readers_accept_what_the_labels_do_as_often_as_is_said() -> None:
    """The figures that docs/matching.md compares the ranking's with."""
    read = [json.loads(line) for line in FILE.with_name("readers.jsonl").read_text(encoding="utf-8").splitlines()]
    labels = {q["id"]: q for q in (*REPORTS, *WIDER)}
    assert all({*r["third"], *r["fourth"]} <= CARDS.keys() for r in read)
    reported = [r for r in read if labels[r["id"]]["split"] == "report"]
    assert len(reported) == 357 + 584
    for of, third, fourth in ((REPORTS, 0.964, 0.967), (WIDER, 0.956, 0.956)):
        ids = {q["id"] for q in of if q["expect"]}
        ours = [r for r in reported if r["id"] in ids]
        for reader, said in (("third", third), ("fourth", fourth)):
            right = sum(r[reader][:1] != [] and r[reader][0] in labels[r["id"]]["expect"] for r in ours)
            assert right / len(ours) == pytest.approx(said, abs=5e-4)
