"""Alembic's entrance: migrates over the connection that Roomtone hands in, in its transaction.

To write a migration, change tables.py, add versions/NNNN_what.py and set HEAD in schema.py.
"""

from alembic import context

from roomtone.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
