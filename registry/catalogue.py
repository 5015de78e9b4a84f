"""The catalogue in SQL: every discovery with its types, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, tuple_

from domain.catalogue import CataloguedType, Discovery, DiscoverySummary
from domain.commands import Principal
from domain.errors import NotFound
from registry.audit import write_word
from registry.catalogue_tables import catalogue, discoveries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Row, Select

    from registry.database import Database, Session

_d, _t = discoveries.c, catalogue.c

_OURS = _d.tenant == bindparam("of_tenant")

_NEWEST = select(discoveries).where(_OURS).order_by(_d.discovered_at.desc(), _d.discovery_id.desc())

_OF_THESE = (
    _t.tenant == bindparam("of_tenant"),
    _t.discovery_id.in_(bindparam("wanted", expanding=True)),
)

_TYPES = select(catalogue).where(*_OF_THESE).order_by(_t.dataset_type)

_NAMES = select(_t.discovery_id, _t.dataset_type).where(*_OF_THESE).order_by(_t.dataset_type)


class SqlCatalogue:
    """The catalogue's port on the registry's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, tenant: str, discovery: Discovery, /) -> None:
        """Keep a discovery and its types, and write down who made it, in one commit."""
        async with self._database.writing(tenant) as session:
            await session.connection.execute(insert(discoveries), _row(tenant, discovery))
            rows = [_type_row(tenant, discovery.discovery_id, each) for each in discovery.types]
            await session.connection.execute(insert(catalogue), rows)
            who = Principal(tenant, discovery.discovered_by)
            detail = {"source": discovery.source, "digest": discovery.digest}
            await write_word(session, who, "discovery", str(discovery.discovery_id), detail)

    async def discovery(self, tenant: str, discovery_id: UUID, /) -> Discovery:
        """Give a discovery. Raises NotFound, for another tenant's as well."""
        found = await self._read(tenant, _NEWEST.where(_d.discovery_id == discovery_id))
        if not found:
            raise NotFound(f"There is no discovery {discovery_id}. List those of the catalogue.")
        return found[0]

    async def before(self, tenant: str, discovery: Discovery, /) -> Discovery | None:
        """Give the discovery of the same source that came before; None for the first."""
        reached = tuple_(_d.discovered_at, _d.discovery_id) < tuple_(
            discovery.discovered_at, discovery.discovery_id
        )
        earlier = _NEWEST.where(_d.source == discovery.source, reached).limit(1)
        return next(iter(await self._read(tenant, earlier)), None)

    async def newest(
        self, tenant: str, source: str | None, limit: int, /
    ) -> Sequence[DiscoverySummary]:
        """Give at most `limit` discoveries, newest first, of one source where it is named."""
        wanted = _NEWEST if source is None else _NEWEST.where(_d.source == source)
        async with self._database.reading(tenant) as session:
            asked = {"of_tenant": tenant}
            rows = (await session.connection.execute(wanted.limit(limit), asked)).all()
            names = await _names_of(session, [each.discovery_id for each in rows])
        return [_summary(each, names[each.discovery_id]) for each in rows]

    async def _read(self, tenant: str, wanted: Select[Any]) -> list[Discovery]:
        async with self._database.reading(tenant) as session:
            rows = (await session.connection.execute(wanted, {"of_tenant": tenant})).all()
            types = await _types_of(session, [each.discovery_id for each in rows])
        return [_discovery(each, types[each.discovery_id]) for each in rows]


async def _types_of(session: Session, ids: list[UUID]) -> dict[UUID, list[CataloguedType]]:
    found: dict[UUID, list[CataloguedType]] = {each: [] for each in ids}
    asked = {"of_tenant": session.tenant, "wanted": ids}
    for row in await session.connection.execute(_TYPES, asked):
        found[row.discovery_id].append(
            CataloguedType(
                dataset_type=row.dataset_type,
                record_count=row.record_count,
                schema=row.schema,
                fields=row.statistics,
                object_types=row.object_types,
            )
        )
    return found


async def _names_of(session: Session, ids: list[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {each: [] for each in ids}
    asked = {"of_tenant": session.tenant, "wanted": ids}
    for row in await session.connection.execute(_NAMES, asked):
        found[row.discovery_id].append(row.dataset_type)
    return found


def _summary(row: Row[Any], dataset_types: Sequence[str]) -> DiscoverySummary:
    return DiscoverySummary(
        discovery_id=row.discovery_id,
        source=row.source,
        discovered_at=row.discovered_at,
        discovered_by=row.discovered_by,
        digest=row.digest,
        dataset_types=tuple(dataset_types),
        report=row.report,
    )


def _discovery(row: Row[Any], types: Sequence[CataloguedType]) -> Discovery:
    return Discovery(
        discovery_id=row.discovery_id,
        source=row.source,
        discovered_at=row.discovered_at,
        discovered_by=row.discovered_by,
        types=tuple(types),
        report=row.report,
    )


def _row(tenant: str, discovery: Discovery) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "discovery_id": discovery.discovery_id,
        "source": discovery.source,
        "discovered_at": discovery.discovered_at,
        "discovered_by": discovery.discovered_by,
        "digest": discovery.digest,
        "report": discovery.report,
    }


def _type_row(tenant: str, discovery_id: UUID, found: CataloguedType) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "discovery_id": discovery_id,
        "dataset_type": found.dataset_type,
        "record_count": found.record_count,
        "digest": found.digest,
        "object_types": found.object_types,
        "schema": found.schema,
        "statistics": found.fields,
    }
