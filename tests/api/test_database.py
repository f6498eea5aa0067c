"""Records on SQLite: migrations give what the tables say, once, whoever starts first."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from api.records import database
from api.records.feedback import evaluation_lines, keep_feedback
from api.records.keys import create_key, find_key, list_keys
from api.records.tables import api_keys, metadata
from kb.errors import BadInputError, NekbError

VOTE = {"query": "code 8 hotspot", "helpful": True, "surface": "cli"}


def difference(engine: Engine) -> list[object]:
    """What the tables say and the database does not have, or the other way round."""
    with engine.connect() as db:
        return list(compare_metadata(MigrationContext.configure(db), metadata))


def test_migrations_give_what_the_tables_say(tmp_path: Path) -> None:
    assert difference(database.open_database(tmp_path)) == []
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == database.HEAD


@pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")
def test_nobody_else_may_read_what_people_asked(tmp_path: Path) -> None:
    usual = os.umask(0o022)
    try:
        keep_feedback(database.open_database(tmp_path), **VOTE)
    finally:
        os.umask(usual)
    found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert found == dict.fromkeys(("records.db", "records.db-wal", "records.db-shm"), 0o600)


def test_permissions_that_somebody_gave_a_database_stay(tmp_path: Path) -> None:
    database._engine.__wrapped__(f"sqlite:///{tmp_path / 'records.db'}").dispose()
    (tmp_path / "records.db").chmod(0o640)
    database._engine.__wrapped__(f"sqlite:///{tmp_path / 'records.db'}").dispose()
    assert (tmp_path / "records.db").stat().st_mode & 0o777 == 0o640


def test_a_database_from_before_there_were_revisions_keeps_its_rows(tmp_path: Path) -> None:
    old = create_engine(f"sqlite:///{tmp_path / 'records.db'}")
    metadata.create_all(old)
    _, secret = create_key(old, "older", ("ask",))
    old.dispose()
    engine = database.open_database(tmp_path)
    assert find_key(engine, secret) is not None
    assert difference(engine) == []


def test_many_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    def start(_: int) -> int:
        return len(list_keys(database._engine.__wrapped__(f"sqlite:///{tmp_path / 'records.db'}")))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(start, range(6))) == [0] * 6


def test_of_many_that_open_a_new_file_at_once_none_is_refused(tmp_path: Path) -> None:
    def opened(file: Path) -> str:
        with contextlib.closing(sqlite3.connect(file)) as db:
            database._careful(db, None)
            return str(db.execute("pragma journal_mode").fetchone()[0])

    with ThreadPoolExecutor(8) as pool:
        for at in range(100):
            assert list(pool.map(opened, [tmp_path / f"{at}.db"] * 8)) == ["wal"] * 8


@pytest.mark.parametrize("name", ["really?", "a#b", "100%41"])
def test_a_data_directory_may_have_any_name(name: str, tmp_path: Path) -> None:
    home = tmp_path / "in" / name
    create_key(database.open_database(home), "team", ("ask",))
    assert (home / "records.db").exists()
    assert list((tmp_path / "in").iterdir()) == [home]


def test_keys_are_found_while_many_votes_wait_for_another_writer(tmp_path: Path) -> None:
    engine = database.open_database(tmp_path)
    _, secret = create_key(engine, "team", ("ask",))
    find_key(engine, secret)
    with contextlib.closing(sqlite3.connect(tmp_path / "records.db")) as other, ThreadPoolExecutor(20) as pool:
        other.execute("begin immediate")
        waiting = [pool.submit(keep_feedback, engine, **VOTE) for _ in range(20)]
        time.sleep(0.3)
        assert find_key(engine, secret) is not None
        assert not any(vote.done() for vote in waiting)
        other.rollback()
    assert [vote.exception() for vote in waiting] == [None] * 20


def test_what_holds_half_a_character_is_kept_with_a_mark_in_its_place(tmp_path: Path) -> None:
    engine = database.open_database(tmp_path)
    keep_feedback(engine, **VOTE | {"query": "code 8 \udcff hotspot", "reason": "bad \udcff"})
    create_key(engine, "caf\udce9", ("ask",))
    with engine.connect() as db:
        assert tuple(db.execute(text("select query, reason from feedback")).one()) == (
            "code 8 \ufffd hotspot",
            "bad \ufffd",
        )
    assert [key.name for key in list_keys(engine)] == ["caf\ufffd"]


@pytest.mark.parametrize("query", ["   ", "\x00", "\ufffd \n"])
def test_a_vote_on_nothing_is_refused_as_a_question_is(query: str, tmp_path: Path) -> None:
    engine = database.open_database(tmp_path)
    with pytest.raises(BadInputError) as refused:
        keep_feedback(engine, **VOTE | {"query": query, "card": "hotspot-internal-error-8"})
    assert refused.value.code == "empty"
    assert list(evaluation_lines(engine)) == []


def test_a_full_disk_is_told_as_one(hasty: Engine, tmp_path: Path) -> None:
    row = {"id": "a", "name": "x" * 99_999, "hash": "h", "scopes": "ask", "created": "2026-11-20"}
    with hasty.connect() as db:
        pages = db.execute(text("pragma page_count")).scalar_one()
        db.execute(text(f"pragma max_page_count = {pages}"))  # SQLite's own bound, told in the words of a full disk
        with pytest.raises(SQLAlchemyError) as full:
            db.execute(insert(api_keys).values(**row))
    told = database.unusable(full.value, database.database_url(tmp_path))
    assert (told.code, str(tmp_path / "records.db") in told.sentence) == ("disk_full", True)


def test_a_full_disk_of_a_server_is_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_DATABASE_URL", "postgresql://nekb:do-not-show@127.0.0.1:9/nekb")
    told = database.unusable(OSError("No space left on device"), database.database_url(tmp_path))
    assert (told.code, "do-not-show" in str(told)) == ("database", False)


def test_a_database_of_a_newer_nekb_is_left_alone(tmp_path: Path) -> None:
    engine = database._engine.__wrapped__(f"sqlite:///{tmp_path / 'records.db'}")
    engine.dispose()
    with sqlite3.connect(tmp_path / "records.db") as db:
        db.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(NekbError, match="newer nekb"):
        database.open_database(tmp_path)


def test_the_words_of_an_error_hold_nothing_of_what_was_written(tmp_path: Path) -> None:
    engine = database.open_database(tmp_path)
    row = {"id": "a", "name": "do-not-show", "hash": "do-not-show", "scopes": "ask", "created": "2026-11-20"}
    with pytest.raises(IntegrityError) as caught, engine.begin() as db:
        db.execute(insert(api_keys), [row, row])
    assert "do-not-show" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nekb:do-not-show@127.0.0.1:9/nekb",
        "postgresql://nekb:secret@x:do-not-show@127.0.0.1:9/nekb",
        "nonsense do-not-show",
        "db9://do-not-show@x/y",
    ],
)
def test_a_database_that_cannot_be_reached_is_said_without_its_address(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEKB_DATABASE_URL", url)
    with pytest.raises(NekbError) as caught:
        database.open_database(tmp_path)
    assert caught.value.code == "database"
    assert "do-not-show" not in "".join(traceback.format_exception(caught.value))


def test_an_error_of_the_database_says_nothing_of_what_was_to_be_kept(tmp_path: Path) -> None:
    engine = database.open_database(tmp_path)
    with engine.begin() as db:
        db.execute(text("drop table feedback"))
    vote = {"query": "do-not-show", "helpful": True, "surface": "cli", "card": None, "reason": None, "expected": None}
    with pytest.raises(SQLAlchemyError) as caught:
        keep_feedback(engine, **vote, snapshot="x")
    assert "do-not-show" not in str(caught.value)
