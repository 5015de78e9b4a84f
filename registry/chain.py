"""The audit trail's chain in rows: an entry's place, and what stands outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from domain.audit import GENESIS, Adoption, AuditEntry, ChainedEntry, link_hash
from registry.dialect import numbering_turn
from registry.history import audit

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from registry.rows import Values

_a = audit.c

MOST_AT_ONCE = 1000
"""How many entries are taken into the chain in one transaction."""

LAST = (
    select(_a.sequence, _a.hash)
    .where(_a.tenant == bindparam("of_tenant"), _a.sequence.is_not(None))
    .order_by(_a.sequence.desc())
    .limit(1)
)
"""Where the chain of the tenant `of_tenant` ends."""

_OF_ENTRY = (
    _a.tenant,
    _a.entry_id,
    _a.at,
    _a.principal,
    _a.action,
    _a.correlation,
    _a.dataset_id,
    _a.version,
    _a.from_status,
    _a.to_status,
    _a.detail,
)

_OUTSIDE = (
    select(*_OF_ENTRY)
    .where(_a.tenant == bindparam("of_tenant"), _a.sequence.is_(None))
    .order_by(_a.at, _a.entry_id)
    .limit(MOST_AT_ONCE)
)

_TAKE_IN = (
    update(audit)
    .where(_a.tenant == bindparam("of_tenant"), _a.entry_id == bindparam("of_entry"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("sequence", "digest", "prev_hash", "hash")}
    )
)


ENTRIES = select(*_OF_ENTRY, _a.sequence, _a.digest, _a.prev_hash, _a.hash).where(
    _a.tenant == bindparam("of_tenant"), _a.sequence.is_not(None)
)
"""The chained entries of the tenant `of_tenant`, with all that `chained_of` reads."""


def values_of(entry: AuditEntry) -> Values:
    """Give the columns of an entry, but for its place in the chain."""
    return {each.name: getattr(entry, each.name) for each in _OF_ENTRY}


def entry_of(row: RowMapping) -> AuditEntry:
    """Build the entry of a row."""
    return AuditEntry(**{each.name: row[each.name] for each in _OF_ENTRY})


def chained_of(row: RowMapping) -> ChainedEntry:
    """Build the entry of a row in its place."""
    return ChainedEntry(
        entry_of(row), row["sequence"], row["digest"], row["prev_hash"], row["hash"]
    )


def linked(digest: str, last: tuple[int, str] | None) -> Values:
    """Give the columns of the place behind the last entry's number and hash, None before the first."""
    sequence, before = last or (0, GENESIS)
    place: Values = {"sequence": sequence + 1, "digest": digest, "prev_hash": before}
    return {**place, "hash": link_hash(**place)}


def take_in(connection: Connection, tenant: str) -> Adoption | None:
    """Take a tenant's entries that stand outside into its chain, oldest first.

    Tells which they were, at most `MOST_AT_ONCE`; None when there are no more.
    """
    asked = {"of_tenant": tenant}
    connection.execute(numbering_turn(connection.dialect.name), asked)
    found = connection.execute(LAST, asked).one_or_none()
    last = (found.sequence, found.hash) if found is not None else None
    taken: list[Values] = []
    for row in connection.execute(_OUTSIDE, asked).mappings():
        entry = entry_of(row)
        place = linked(entry.digest, last)
        last = (place["sequence"], place["hash"])
        taken.append({**asked, "of_entry": entry.entry_id} | _renamed(place))
    if not taken:
        return None
    connection.execute(_TAKE_IN, taken)
    return Adoption(tenant, taken[0]["new_sequence"], tuple(each["of_entry"] for each in taken))


def _renamed(place: Values) -> Values:
    return {f"new_{name}": value for name, value in place.items()}
