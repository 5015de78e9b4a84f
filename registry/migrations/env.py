"""How Alembic runs our migrations: on the connection it is given, inside its transaction."""

from __future__ import annotations

from alembic import context

import registry.catalogue_tables
import registry.history
import registry.measure_tables
import registry.subscription_tables  # noqa: F401 - complete the metadata
from registry.migrations import VERSION_TABLE
from registry.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)

with context.begin_transaction():
    context.run_migrations()
