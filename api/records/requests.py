"""Requests that were dealt with, so that none is dealt with twice, by whichever process."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from api.records.clock import now
from api.records.tables import requests

KEPT_HOURS = 24  # longer than Slack tries an event again


def first_time(engine: Engine, key: str) -> bool:
    """Remember a request by its key; False where it is remembered already."""
    try:
        with engine.begin() as db:
            db.execute(insert(requests).values(key=key, at=now()))
    except IntegrityError:
        return False
    return True


def forget_old(engine: Engine) -> None:
    """Forget what is too old to come again."""
    before = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=KEPT_HOURS)).replace(microsecond=0).isoformat()
    with engine.begin() as db:
        db.execute(delete(requests).where(requests.c.at < before))
