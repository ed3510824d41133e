"""What Alembic runs: the revisions, on the connection that it was given (see running.py)."""

from alembic import context

from config.runtime.database.schema import metadata

attributes = context.config.attributes
tables = attributes.get("tables", frozenset())

context.configure(
    connection=attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a table in place; batch operations make it anew.
    render_as_batch=True,
    include_name=lambda name, kind, _: kind != "table" or name in tables,
    include_object=lambda item, name, kind, *_: kind != "table" or name in tables,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
