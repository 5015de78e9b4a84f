"""Migrations: bring a database's tables up to date, or take them back, in this process."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from domain.errors import DataOpsError
from registry.dialect import SQLITE, blocking_url, prepare_writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config

REVISIONS = tuple(f"{number:04}" for number in range(1, 18))
"""Every revision this code knows, in their order."""

HEAD = REVISIONS[-1]
"""The revision this code works with."""

VERSION_TABLE = "registry_version"
"""Where a database says at which revision it stands; its own name, for others migrate here too."""


class DatabaseUnusable(DataOpsError):
    """A database cannot be reached, is none, or was made by a newer version."""


def upgrade(url: str, revision: str = HEAD) -> None:
    """Bring a database up to a revision; one that is there already is left alone.

    Blocks: call it before the loop runs, or in a thread. Raises DatabaseUnusable.
    """
    with _opened(url) as (engine, found):
        if found != revision:
            _migrate(engine, revision, down=False)


def downgrade(url: str, revision: str = "base") -> None:
    """Take a database back to a revision, by default to one without our tables.

    Blocks. Raises DatabaseUnusable.
    """
    with _opened(url) as (engine, _):
        _migrate(engine, revision, down=True)


def current_revision(url: str) -> str | None:
    """Tell at which revision a database stands; None before the first.

    Blocks. Raises DatabaseUnusable.
    """
    with _opened(url) as (_, found):
        return found


def is_served_by_us(url: str) -> bool:
    """Tell whether this code can work on a database: on one of its own revision, or of a later one.

    Revisions only add, so that a newer version's process may bring the database up while older
    ones are at work. A word that is new in a column they cannot read, though, and fail with
    LookupError where they meet it: processes from before 0014 are stopped before newer ones
    serve, which write that approvals are `withdrawn`. Blocks. Raises DatabaseUnusable.
    """
    with _reached(url) as engine:
        return (_revision_of(engine) or "") >= HEAD


def database_file(url: str) -> Path | None:
    """Give the file a database lies in; None for one that lies in none."""
    try:
        address = make_url(url)
    except ArgumentError:
        return None
    is_file = address.get_backend_name() == SQLITE and address.database not in {
        None,
        "",
        ":memory:",
    }
    return Path(str(address.database)) if is_file else None


def shown(url: str) -> str:
    """Name a database to people: by its file, or else by its address without the password."""
    try:
        return str(database_file(url) or make_url(url).render_as_string(hide_password=True))
    except ArgumentError:
        return "of DATAOPS_DATABASE_URL"


def open_for_migration(url: str) -> Engine:
    """Open a database for a driver without asyncio, with the registry's own settings."""
    engine = create_engine(blocking_url(make_url(url)), poolclass=NullPool)
    prepare_writes(engine)
    return engine


@contextmanager
def _opened(url: str) -> Iterator[tuple[Engine, str | None]]:
    """Open a database and tell its revision, which must be one that this code knows."""
    with _reached(url) as engine:
        yield engine, _known(_revision_of(engine), url)


@contextmanager
def _reached(url: str) -> Iterator[Engine]:
    """Open a database; what stands against it is said in our words."""
    try:
        engine = open_for_migration(url)
        try:
            yield engine
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        why = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        message = f"The database {shown(url)} cannot be used: {why}. Mend it, or {_ANOTHER}."
        raise DatabaseUnusable(message) from error


def _known(revision: str | None, url: str) -> str | None:
    if revision is not None and revision not in REVISIONS:
        message = (
            f"The database {shown(url)} is at revision {revision}, this version knows none after "
            f"{HEAD}. Start the version that made it, or {_ANOTHER}."
        )
        raise DatabaseUnusable(message)
    return revision


_TURN = 0x6461746F7073
"""The number of the lock that a migration holds on PostgreSQL: our name in ASCII."""

_ANOTHER = "name another by --data or DATAOPS_DATABASE_URL"


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
        _wait_our_turn(connection)
        config = _config()
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def _wait_our_turn(connection: Connection) -> None:
    """Let one process migrate at a time; whoever waited finds the work done.

    On SQLite whoever writes is alone anyway.
    """
    if connection.dialect.name != SQLITE:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_TURN})"))


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
