"""Migrations: bring a database's tables up to date, or take them back, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, NullPool, create_engine, inspect, make_url, text

from registry.dialect import blocking_url, prepare_writes

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0002"
"""The revision this code works with."""

VERSION_TABLE = "registry_version"
"""Where a database says at which revision it stands; its own name, for others migrate here too."""


def upgrade(url: str, revision: str = HEAD) -> None:
    """Bring a database up to a revision; one that is there already is left alone.

    Blocks: call it before the loop runs, or in a thread.
    """
    engine = open_for_migration(url)
    try:
        if _revision_of(engine) != revision:
            _migrate(engine, revision, down=False)
    finally:
        engine.dispose()


def downgrade(url: str, revision: str = "base") -> None:
    """Take a database back to a revision, by default to one without our tables. Blocks."""
    engine = open_for_migration(url)
    try:
        _migrate(engine, revision, down=True)
    finally:
        engine.dispose()


def current_revision(url: str) -> str | None:
    """Tell at which revision a database stands; None before the first. Blocks."""
    engine = open_for_migration(url)
    try:
        return _revision_of(engine)
    finally:
        engine.dispose()


def open_for_migration(url: str) -> Engine:
    """Open a database for a driver without asyncio, with the registry's own settings."""
    engine = create_engine(blocking_url(make_url(url)), poolclass=NullPool)
    prepare_writes(engine)
    return engine


def _revision_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
        revision: str | None = found.scalar_one_or_none()
    return revision


def _migrate(engine: Engine, revision: str, *, down: bool) -> None:
    from alembic import command  # noqa: PLC0415 - it takes most of a second, and only a new file needs it

    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
