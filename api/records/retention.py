"""How long questions and votes are kept: set here and nowhere else."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import re

from sqlalchemy import Engine, delete

from api.records.tables import feedback, questions
from kb.errors import BadInputError

DAYS = 90
_EVERY = 3600.0  # seconds
logger = logging.getLogger("nekb.records")


def retention_days() -> int:
    """`NEKB_RETENTION_DAYS`, else 90. Raises `BadInputError` where it is no number of days."""
    raw = os.environ.get("NEKB_RETENTION_DAYS") or str(DAYS)
    if not re.fullmatch(r"[0-9]{1,5}", raw) or not 1 <= int(raw) <= 36_500:
        raise BadInputError(f"NEKB_RETENTION_DAYS is {raw[:80]!r}.", "Set it to a number of days, such as 90.")
    return int(raw)


def forget_old(engine: Engine) -> int:
    """Delete questions and votes that are older; how many there were."""
    border = since(retention_days())
    with engine.begin() as db:
        return sum(db.execute(delete(table).where(table.c.at < border)).rowcount for table in (questions, feedback))


async def keep_forgetting(engine: Engine) -> None:
    """Forget what is old now and once an hour, until cancelled. No failure ends it."""
    while True:
        try:
            await asyncio.to_thread(forget_old, engine)
        except Exception as error:  # whatever it was, the next hour may succeed
            logger.warning("old questions are not forgotten: %s", type(error).__name__)
        await asyncio.sleep(_EVERY)


def since(days: int) -> str:
    """The time so many days ago, as records write it."""
    return (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).replace(microsecond=0).isoformat()
