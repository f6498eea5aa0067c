"""How ingestion stands: sources, ages, counts, drift, closed hosts, disk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from ingest.files import shown
from ingest.ledger import Ledger
from ingest.reading import PARSER_VERSION
from ingest.room import room_taken
from ingest.sources import sources
from ingest.store import SUPERSEDED, Store


def standing(home: Path) -> dict[str, Any]:
    """Everything that `nekb status` shows, as a plain object. Ages are in seconds."""
    if not (home / "store.db").exists():
        nothing: dict[str, Any] = {"documents": {}, "captures": {}, "to_read_again": 0, "drift": [], "closed_hosts": []}
        where = {"home": shown(home), "disk_bytes": room_taken(home), "snapshot": _snapshot(home)}
        return where | {"sources": _sources([], {})} | nothing
    with Store(home, reading=True) as store:
        ledger = Ledger(store)
        return {
            "home": shown(home),
            "sources": _sources(ledger.last_runs(), ledger.still_waiting()),
            "documents": _documents(store),
            "captures": dict(store.db.execute("select state, count(*) from captures group by state").fetchall()),
            "to_read_again": _count(store, "captures where parser != ? and state != 'kept'", PARSER_VERSION),
            "drift": _drift(store),
            "closed_hosts": [{"host": h, "until": u, "why": w} for h, u, w in ledger.closed_hosts()],
            "disk_bytes": room_taken(home),
            "snapshot": _snapshot(home),
        }


def _sources(runs: list[dict[str, Any]], waiting: dict[str, int]) -> list[dict[str, Any]]:
    by_name = {run["source"]: run for run in runs}
    names = [*sources(), *(n for n in by_name if n not in sources())]
    return [
        {
            "source": name,
            "last_run": by_name.get(name, {}).get("last_run"),
            "outcome": (by_name[name]["outcome"] or "interrupted") if name in by_name else None,
            "last_success": (success := by_name.get(name, {}).get("last_success")),
            "age_seconds": _age(success),
            "waiting": waiting.get(name, 0),
        }
        for name in names
    ]


def _documents(store: Store) -> dict[str, int]:
    held = "documents where gone_at is null and folded_into is null"
    return {
        "held": _count(store, held),
        "folded": _count(store, "documents where folded_into is not null"),
        "gone": _count(store, "documents where gone_at is not null"),
        **dict(store.db.execute(f"select json_extract(body, '$.kind'), count(*) from {held} group by 1").fetchall()),  # noqa: S608
    }


def _drift(store: Store) -> list[dict[str, Any]]:
    """The last captures that did not look as they should, newest first; not those of which a sound one came since."""
    sql = (
        "select address, kind, fetched_at, note from captures c where state in ('drifted', 'failed')"  # noqa: S608 - ours
        f" and not {SUPERSEDED} order by fetched_at desc, id desc limit 50"
    )
    return [dict(zip(("address", "kind", "seen", "note"), row, strict=True)) for row in store.db.execute(sql)]


def _count(store: Store, of: str, *values: object) -> int:
    return int(store.db.execute(f"select count(*) from {of}", values).fetchone()[0])  # noqa: S608 - our own words


def _age(moment: str | None) -> int | None:
    if moment is None:
        return None
    return max(0, int((dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(moment)).total_seconds()))


def _snapshot(home: Path) -> str | None:
    from kb.snapshot import current_folder

    folder = current_folder(home)
    return folder.name if folder else None
