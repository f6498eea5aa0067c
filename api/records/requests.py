"""Requests that were dealt with, so that none is dealt with twice, by whichever process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from api.records.clock import now
from api.records.tables import requests

KEPT_HOURS = 24  # longer than Slack tries an event again


def first_times(engine: Engine, keys: Sequence[str]) -> set[str]:
    """Remember requests by their keys, all in one transaction; return those that nobody remembered before."""
    try:
        with engine.begin() as db:
            held = {row.key for row in db.execute(select(requests.c.key).where(requests.c.key.in_(keys)))}
            new = set(keys) - held
            if new:
                db.execute(insert(requests), [{"key": key, "at": now()} for key in new])
            return new
    except IntegrityError:  # another process came between
        if len(keys) == 1:
            return set()
        return {key for key in keys if first_times(engine, [key])}


def forget_old(engine: Engine) -> None:
    """Forget what is too old to come again."""
    before = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=KEPT_HOURS)).replace(microsecond=0).isoformat()
    with engine.begin() as db:
        db.execute(delete(requests).where(requests.c.at < before))
