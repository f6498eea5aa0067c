"""The first tables. They are left alone where they stand: before there were revisions they were made without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are missing."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.String(80), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("revoked", sa.String(32)),
        if_not_exists=True,
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("card", sa.String(64)),
        sa.Column("helpful", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("expected", sa.String(64)),
        sa.Column("surface", sa.String(16), nullable=False),
        sa.Column("snapshot", sa.String(32)),
        if_not_exists=True,
    )
    op.create_index("ix_feedback_at", "feedback", ["at"], if_not_exists=True)
    op.create_table(
        "questions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("card", sa.String(64)),
        sa.Column("surface", sa.String(16), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_questions_at", "questions", ["at"], if_not_exists=True)
    op.create_table(
        "channel_facts",
        sa.Column("team", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(24), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("target", sa.String(80), nullable=False),
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_at", sa.String(32)),
        sa.Column("not_before", sa.String(32)),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("message", sa.Text),
        sa.UniqueConstraint("target", "item"),
        if_not_exists=True,
    )
    op.create_table(
        "requests",
        sa.Column("key", sa.String(160), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_requests_at", "requests", ["at"], if_not_exists=True)
