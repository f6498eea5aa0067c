"""What a Slack channel always means, such as its platform."""

from __future__ import annotations

from sqlalchemy import Engine, delete, insert, select

from api.records.tables import channel_facts


def channel_defaults(engine: Engine, team: str, channel: str) -> dict[str, str]:
    """The facts of a channel."""
    query = select(channel_facts.c.key, channel_facts.c.value).where(
        channel_facts.c.team == team, channel_facts.c.channel == channel
    )
    with engine.connect() as db:
        return {row.key: row.value for row in db.execute(query)}


def set_channel_default(engine: Engine, team: str, channel: str, key: str, value: str | None) -> None:
    """Set a fact of a channel, or with None remove it."""
    where = (channel_facts.c.team == team, channel_facts.c.channel == channel, channel_facts.c.key == key)
    with engine.begin() as db:
        db.execute(delete(channel_facts).where(*where))
        if value is not None:
            db.execute(insert(channel_facts).values(team=team, channel=channel, key=key, value=value))
