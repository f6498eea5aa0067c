"""The tables, for SQLite and PostgreSQL alike. Times are ISO 8601 in UTC, as text, so that both sort them alike."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", String(80), nullable=False),
    Column("created", String(32), nullable=False),
    Column("revoked", String(32)),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False, index=True),
    Column("query", Text, nullable=False),
    Column("card", String(64)),
    Column("helpful", Boolean, nullable=False),
    Column("reason", Text),
    Column("expected", String(64)),
    Column("surface", String(16), nullable=False),
    Column("snapshot", String(32)),
)

questions = Table(
    "questions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False, index=True),
    Column("query", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("card", String(64)),
    Column("surface", String(16), nullable=False),
)

channel_facts = Table(
    "channel_facts",
    metadata,
    Column("team", String(32), primary_key=True),
    Column("channel", String(32), primary_key=True),
    Column("key", String(24), primary_key=True),
    Column("value", String(64), nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("target", String(80), nullable=False),
    Column("item", String(80), nullable=False),
    Column("state", String(8), nullable=False),
    Column("at", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tried_at", String(32)),
    Column("not_before", String(32)),
    Column("content", Text, nullable=False),
    Column("message", Text),
    UniqueConstraint("target", "item"),
)

requests = Table(
    "requests",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("at", String(32), nullable=False, index=True),
)
