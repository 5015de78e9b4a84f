"""Orphans in SQL: what is under suspicion and since when, over every tenant at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from domain.approvals import ApprovalStatus
from domain.journey import JourneyStatus
from domain.lifecycle import ENDED, DatasetStatus, TeardownReason
from domain.orphan_book import Owner
from domain.orphans import Candidate, Fleet, Holding, Stray
from registry.dialect import insert_once, insert_or_replace
from registry.history import approvals, orphan_scans, orphan_suspects, stray_datasources
from registry.tables import datasets, journeys

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from registry.database import Database, Session
    from registry.rows import Values

_d, _j, _a = datasets.c, journeys.c, approvals.c
_s, _t = orphan_suspects.c, stray_datasources.c

T = TypeVar("T")

_WHOLE = "whole"
_MOST_AT_ONCE = 500
"""How many ids a statement names at once: fewer than any database takes."""


class SqlOrphanBook:
    """What the scans for orphans have seen so far."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fleet(self, tenant: str | None, /, *, only_doubtful: bool) -> Fleet:
        """Give the active datasets, or of them those under suspicion or of a completed journey."""
        wanted = [_IS_ACTIVE, *_of(_d.tenant, tenant)]
        looked_at = _CANDIDATES.where(*wanted, *([_IS_DOUBTFUL] if only_doubtful else []))
        async with self._database.reads.connect() as connection:
            rows = (await connection.execute(looked_at)).mappings().all()
            counted = select(_d.tenant, func.count()).where(*wanted).group_by(_d.tenant)
            sizes = {each[0]: each[1] for each in await connection.execute(counted)}
        return Fleet(tuple(Candidate(**each) for each in rows), sizes)

    async def suspect(
        self, seen: Collection[Candidate], suspects: Collection[UUID], now: datetime, /
    ) -> None:
        """Put these of the candidates seen under suspicion from now on, and clear the others."""
        known = {each.dataset_id for each in seen if each.suspected_at is not None}
        new = [
            each for each in seen if each.dataset_id in suspects and each.dataset_id not in known
        ]
        rows = [
            {"tenant": each.tenant, "dataset_id": each.dataset_id, "suspected_at": now}
            for each in new
        ]
        cleared = list(known - set(suspects))
        async with self._database.engine.begin() as connection:
            if rows:
                await connection.execute(insert_once(self._database.dialect, orphan_suspects), rows)
            for some in _portions(cleared):
                await connection.execute(_CLEAR, {"cleared": some})
            await connection.execute(_CLEAR_ENDED)

    async def accounted_for(self, since: datetime, /) -> frozenset[str]:
        """Name the datasources of datasets that are not archived, or were before `since`."""
        statement = select(_d.connector).where(
            _d.connector.is_not(None),
            or_(_d.status != DatasetStatus.ARCHIVED, _d.archived_at < since),
        )
        async with self._database.reads.connect() as connection:
            found = await connection.execute(statement)
            return frozenset(each.datasource for each in found.scalars() if each is not None)

    async def owners(self, ids: Collection[UUID], /) -> Mapping[UUID, Owner]:
        """Tell whose datasets are and where they stand; unknown ones are left out."""
        owners: dict[UUID, Owner] = {}
        async with self._database.reads.connect() as connection:
            for some in _portions(list(ids)):
                rows = await connection.execute(_OWNERS, {"wanted": some})
                owners |= {each.dataset_id: Owner(each.tenant, each.status) for each in rows}
        return owners

    async def strays(self, /) -> list[Stray]:
        """Give the strays that were seen, the longest known first."""
        statement = select(stray_datasources).order_by(_t.suspected_at, _t.datasource)
        async with self._database.reads.connect() as connection:
            return [_stray_of(each) for each in (await connection.execute(statement)).mappings()]

    async def keep_strays(self, found: Collection[Stray], now: datetime, /) -> None:
        """Keep these as all the strays there are; what is none any more is forgotten.

        What was emptied stays written down, and is a new stray if it holds documents again.
        """
        new = [_values_of(each, now) for each in found if each.suspected_at is None]
        known = [_seen_again(each) for each in found if each.suspected_at is not None]
        kept = {each.holding.datasource for each in found}
        async with self._database.engine.begin() as connection:
            there = (await connection.execute(_UNEMPTIED)).scalars().all()
            for some in _portions([each for each in there if each not in kept]):
                await connection.execute(_FORGET, {"forgotten": some})
            if new:
                replaced = insert_or_replace(self._database.dialect, stray_datasources)
                await connection.execute(replaced, new)
            if known:
                await connection.execute(_SEEN_AGAIN, known)

    async def note_emptied(self, stray: Stray, now: datetime, /) -> None:
        """Write down that a stray was emptied."""
        async with self._database.engine.begin() as connection:
            await connection.execute(_EMPTIED, {**_key_of(stray), "now": now})

    async def note_whole_scan(self, now: datetime, /) -> None:
        """Write down that all datasets were looked at."""
        row = {"scan": _WHOLE, "done_at": now}
        async with self._database.engine.begin() as connection:
            noted = insert_or_replace(self._database.dialect, orphan_scans)
            await connection.execute(noted, row)

    async def last_whole_scan(self, /) -> datetime | None:
        """Tell when all datasets were looked at last."""
        async with self._database.reads.connect() as connection:
            return (await connection.execute(_LAST_SCAN)).scalar_one_or_none()


async def condemn(session: Session, strays: Collection[Stray], subject: str) -> None:
    """Have strays emptied, on the word of this subject."""
    rows = [{**_key_of(each), "subject": subject} for each in strays]
    if rows:
        await session.connection.execute(_CONDEMN, rows)


@dataclass(frozen=True, slots=True)
class OrphanFigures:
    """How many orphans and strays are known, since when the oldest of each is, and the last scan.

    The times are None where there is nothing to tell of.
    """

    suspects: int
    oldest_suspect_at: datetime | None
    strays: int
    oldest_stray_at: datetime | None
    last_scan_at: datetime | None


async def read_orphan_figures(
    connection: AsyncConnection, tenant: str | None = None
) -> OrphanFigures:
    """Count what is under suspicion, of one tenant or of all; what has ended meanwhile is not."""
    suspects = (await connection.execute(_SUSPECTS.where(*_of(_s.tenant, tenant)))).one()
    strays = (await connection.execute(_STRAYS.where(*_of(_t.tenant, tenant)))).one()
    scanned = (await connection.execute(_LAST_SCAN)).scalar_one_or_none()
    return OrphanFigures(suspects[0], suspects[1], strays[0], strays[1], scanned)


_IS_ACTIVE = _d.status.not_in(sorted(ENDED))

_OF_SUSPECT = and_(_s.tenant == _d.tenant, _s.dataset_id == _d.dataset_id)

_OF_APPROVAL = and_(_a.tenant == _d.tenant, _a.dataset_id == _d.dataset_id)

_REFUSED_AT = (
    select(func.max(_a.resolved_at, type_=_a.resolved_at.type))
    .where(
        _OF_APPROVAL,
        _a.reason == TeardownReason.ORPHAN_CLEANUP,
        _a.status == ApprovalStatus.REFUSED,
    )
    .correlate(datasets)
    .scalar_subquery()
)

_IS_ASKED = exists().where(_OF_APPROVAL, _a.status == ApprovalStatus.PENDING).correlate(datasets)

_CANDIDATES = select(
    _d.tenant,
    _d.dataset_id,
    _d.connector_name,
    _d.journey_ref,
    _d.client_ref,
    _d.stage,
    _d.status,
    _s.suspected_at,
    _REFUSED_AT.label("refused_at"),
    _IS_ASKED.label("is_asked"),
).select_from(datasets.outerjoin(orphan_suspects, _OF_SUSPECT))

_IS_DOUBTFUL = or_(
    _s.suspected_at.is_not(None),
    exists().where(
        _j.tenant == _d.tenant,
        _j.journey_id == _d.journey_id,
        _j.status == JourneyStatus.COMPLETED,
    ),
)

_CLEAR = delete(orphan_suspects).where(
    _s.dataset_id.in_(bindparam("cleared", expanding=True)),
)

_CLEAR_ENDED = delete(orphan_suspects).where(~exists().where(_OF_SUSPECT, _IS_ACTIVE))

_OWNERS = select(_d.tenant, _d.dataset_id, _d.status).where(
    _d.dataset_id.in_(bindparam("wanted", expanding=True))
)

_STRAY = (_t.tenant == bindparam("of_tenant"), _t.datasource == bindparam("of_datasource"))

_CONDEMN = update(stray_datasources).where(*_STRAY).values(condemned_by=bindparam("subject"))

_EMPTIED = (
    update(stray_datasources)
    .where(*_STRAY)
    .values(emptied_at=bindparam("now", type_=_t.emptied_at.type), documents=0)
)

_UNEMPTIED = select(_t.datasource).where(_t.emptied_at.is_(None))

_FORGET = delete(stray_datasources).where(
    _t.datasource.in_(bindparam("forgotten", expanding=True)), _t.emptied_at.is_(None)
)

_SEEN_AGAIN = update(stray_datasources).where(*_STRAY).values(documents=bindparam("seen"))

_LAST_SCAN = select(orphan_scans.c.done_at).where(orphan_scans.c.scan == _WHOLE)

_SUSPECTS = (
    select(func.count(), func.min(_s.suspected_at, type_=_s.suspected_at.type))
    .select_from(orphan_suspects.join(datasets, _OF_SUSPECT))
    .where(_IS_ACTIVE)
)

_STRAYS = select(func.count(), func.min(_t.suspected_at, type_=_t.suspected_at.type)).where(
    _t.emptied_at.is_(None)
)


def _of(column: ColumnElement[str], tenant: str | None) -> list[ColumnElement[bool]]:
    return [] if tenant is None else [column == tenant]


def _portions(ids: list[T]) -> list[list[T]]:
    return [ids[at : at + _MOST_AT_ONCE] for at in range(0, len(ids), _MOST_AT_ONCE)]


def _key_of(stray: Stray) -> Values:
    return {"of_tenant": stray.tenant, "of_datasource": stray.holding.datasource}


def _seen_again(stray: Stray) -> Values:
    return {**_key_of(stray), "seen": stray.holding.documents}


def _values_of(stray: Stray, now: datetime) -> Values:
    return {
        "tenant": stray.tenant,
        "datasource": stray.holding.datasource,
        "home_url": stray.holding.home_url,
        "dataset_id": stray.holding.dataset_id,
        "documents": stray.holding.documents,
        "suspected_at": stray.suspected_at or now,
        "condemned_by": stray.condemned_by,
        "emptied_at": stray.emptied_at,
    }


def _stray_of(row: RowMapping) -> Stray:
    holding = Holding(row["datasource"], row["home_url"], row["dataset_id"], row["documents"])
    return Stray(
        row["tenant"], holding, row["suspected_at"], row["condemned_by"], row["emptied_at"]
    )
