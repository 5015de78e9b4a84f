"""The template catalogue: every version ever kept, found again by its fingerprint."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select

from domain.template import DatasetTemplate
from registry.dialect import insert_once
from registry.tables import dataset_templates

if TYPE_CHECKING:
    from registry.database import Database, Session
    from registry.rows import Values

_CODEC: TypeAdapter[DatasetTemplate] = TypeAdapter(DatasetTemplate)

_t = dataset_templates.c

_BY_FINGERPRINT = select(_t.fingerprint, _t.template).where(
    _t.tenant == bindparam("of_tenant"), _t.fingerprint.in_(bindparam("wanted", expanding=True))
)

_OF_TENANT = (
    select(_t.key, _t.version, _t.template)
    .where(_t.tenant == bindparam("of_tenant"))
    .order_by(_t.key, _t.kept_at, _t.fingerprint)
)


def fingerprint_of(template: DatasetTemplate) -> str:
    """Give the SHA-256 of all of a template, its thresholds and limits included.

    The template's own `digest` covers what makes the content and nothing else.
    """
    return sha256(_CODEC.dump_json(template)).hexdigest()


async def templates_by_fingerprint(
    session: Session, wanted: Iterable[str | None]
) -> Mapping[str, DatasetTemplate]:
    """Give at least the wanted templates, from memory or else from the database."""
    known = session.database.templates
    missing = {each for each in wanted if each is not None and each not in known}
    if missing:
        asked = {"of_tenant": session.tenant, "wanted": sorted(missing)}
        for row in await session.connection.execute(_BY_FINGERPRINT, asked):
            known[row.fingerprint] = row.template
    return known


async def keep_templates(session: Session, templates: Collection[DatasetTemplate]) -> None:
    """Write templates down; one that is there already changes nothing."""
    now = session.database.clock()
    rows: list[Values] = [
        {
            "tenant": session.tenant,
            "fingerprint": fingerprint_of(each),
            "key": each.key,
            "version": each.version,
            "digest": each.digest,
            "template": each,
            "kept_at": now,
        }
        for each in templates
    ]
    if rows:
        await session.connection.execute(insert_once(session.dialect, dataset_templates), rows)


class SqlCatalogue:
    """The templates we know, kept in the registry (seed: dataset_templates)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def templates(self, tenant: str, /) -> Sequence[DatasetTemplate]:
        """Give the newest version of every template, by key."""
        async with self._database.reading(tenant) as session:
            rows = (await session.connection.execute(_OF_TENANT, {"of_tenant": tenant})).all()
        newest: dict[str, DatasetTemplate] = {}
        for row in rows:
            known = newest.get(row.key)
            if known is None or _rank(row.version) >= _rank(known.version):
                newest[row.key] = row.template
        return list(newest.values())

    async def keep(self, tenant: str, templates: Sequence[DatasetTemplate], /) -> None:
        """Keep templates; one that is known already changes nothing."""
        async with self._database.writing(tenant) as session:
            await keep_templates(session, templates)


def _rank(version: str) -> tuple[tuple[int, str], ...]:
    """Order versions number by number, so that 1.10.0 comes after 1.9.0."""
    return tuple((int(each), "") if each.isdecimal() else (-1, each) for each in version.split("."))
