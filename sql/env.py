"""Run the migrations on the connection that `sentiment_core.database.migrations.upgrade` passes."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    version_table_schema="sentiment",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
