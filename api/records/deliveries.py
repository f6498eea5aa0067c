"""What was sent where: each new thread and each digest, once a target, across restarts.

An item is `queued`, then `sending` (the intent, committed with the very message before anything leaves), then `sent`.
What a kill leaves at `sending` is in doubt, and the target decides what to do about it. `seen` items were there before
the watch began and are never sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, RowMapping, func, insert, select, update

from api.records.clock import now
from api.records.tables import deliveries

FINISHED = ("seen", "sent")
LONGEST_WAIT = 3_600  # seconds until a failed item is tried again; one that waits longer was noted by a wrong clock


@dataclass(frozen=True)
class Delivery:
    """One item for one target. `item` names it and is its idempotency key; `content` is what it is made from.

    `message` is what is sent, made once; `at` is when the item was first seen, `tried_at` the earliest attempt of
    which nobody knows whether it arrived (ISO 8601, UTC). `number` counts upwards.
    """

    number: int
    target: str
    item: str
    state: str
    at: str
    attempts: int
    tried_at: str | None
    content: dict[str, Any]
    message: dict[str, Any] | None

    @property
    def in_doubt(self) -> bool:
        """Whether an earlier attempt may have arrived."""
        return self.state == "sending"


def note(engine: Engine, target: str, items: Mapping[str, dict[str, Any]], state: str = "queued") -> list[str]:
    """Remember items that this target does not know yet, all of them or none; return those."""
    known = select(deliveries.c.item).where(deliveries.c.target == target, deliveries.c.item.in_(list(items)))
    with engine.begin() as db:
        held = {row.item for row in db.execute(known)}
        new = [item for item in items if item not in held]
        rows = [
            {"target": target, "item": item, "state": state, "at": now(), "attempts": 0, "content": _json(items[item])}
            for item in new
        ]
        if rows:
            db.execute(insert(deliveries), rows)
    return new


def knows(engine: Engine, target: str) -> bool:
    """Whether anything was ever noted for a target."""
    with engine.connect() as db:
        return db.execute(select(deliveries.c.item).where(deliveries.c.target == target).limit(1)).first() is not None


def known_of(engine: Engine, target: str, items: Iterable[str]) -> set[str]:
    """Those of the items that a target knows."""
    query = select(deliveries.c.item).where(deliveries.c.target == target, deliveries.c.item.in_(list(items)))
    with engine.connect() as db:
        return {row.item for row in db.execute(query)}


def due(engine: Engine, target: str) -> list[Delivery]:
    """What is still to be sent to a target and may be tried now, oldest first."""
    when = deliveries.c.not_before
    query = (
        select(deliveries)
        .where(deliveries.c.target == target, deliveries.c.state.not_in(FINISHED))
        .where(when.is_(None) | (when <= now()) | (when > now(LONGEST_WAIT)))
        .order_by(deliveries.c.number)
    )
    with engine.connect() as db:
        return [_delivery(row) for row in db.execute(query).mappings()]


def unsent(engine: Engine, target: str) -> int:
    """How much is still to be sent to a target, now or later."""
    query = select(func.count()).where(deliveries.c.target == target, deliveries.c.state.not_in(FINISHED))
    with engine.connect() as db:
        return int(db.execute(query).scalar_one())


def after(engine: Engine, last: Delivery) -> list[Delivery]:
    """What was queued for the same target after an item, oldest first, whatever became of it."""
    query = (
        select(deliveries)
        .where(deliveries.c.target == last.target, deliveries.c.number > last.number, deliveries.c.state != "seen")
        .order_by(deliveries.c.number)
    )
    with engine.connect() as db:
        return [_delivery(row) for row in db.execute(query).mappings()]


def last_of(engine: Engine, target: str, prefix: str) -> Delivery | None:
    """The newest item of a target whose name begins so."""
    query = (
        select(deliveries)
        .where(deliveries.c.target == target, deliveries.c.item.startswith(prefix, autoescape=True))
        .order_by(deliveries.c.number.desc())
        .limit(1)
    )
    with engine.connect() as db:
        row = db.execute(query).mappings().first()
    return _delivery(row) if row else None


def intend(engine: Engine, delivery: Delivery, message: dict[str, Any]) -> None:
    """Commit that the message is about to be sent. In doubt, the time of the first doubtful attempt stays."""
    tried_at = delivery.tried_at if delivery.in_doubt else now()
    _set(engine, delivery, state="sending", message=_json(message), tried_at=tried_at, attempts=delivery.attempts + 1)


def sent(engine: Engine, delivery: Delivery) -> None:
    """It arrived."""
    _set(engine, delivery, state="sent")


def failed(engine: Engine, delivery: Delivery, *, arrived: bool, not_before: str) -> None:
    """It did not arrive (`arrived` false), or may have (`arrived` true); try again from a moment on."""
    _set(engine, delivery, state="sending" if arrived else "queued", not_before=not_before)


def _set(engine: Engine, delivery: Delivery, **values: object) -> None:
    where = (deliveries.c.target == delivery.target, deliveries.c.item == delivery.item)
    with engine.begin() as db:
        db.execute(update(deliveries).where(*where).values(**values))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        number=row["number"],
        target=row["target"],
        item=row["item"],
        state=row["state"],
        at=row["at"],
        attempts=row["attempts"],
        tried_at=row["tried_at"],
        content=json.loads(row["content"]),
        message=json.loads(row["message"]) if row["message"] else None,
    )
