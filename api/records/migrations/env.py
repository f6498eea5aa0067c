"""What alembic runs: the revisions on the connection that `api.records.database` holds, inside its transaction."""

from __future__ import annotations

from alembic import context

from api.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
