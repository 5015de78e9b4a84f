"""Ledgers that number each tenant's rows from 1 without a gap: who has rows there, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

if TYPE_CHECKING:
    from sqlalchemy import CTE, Select, Table


def tenants_of(ledger: Table) -> CTE:
    """Give every tenant with rows in a ledger, found by one step into its index a tenant.

    The last of its rows is NULL.
    """
    tenant = ledger.c.tenant
    first = select(func.min(tenant).label("tenant")).cte("tenants", recursive=True)
    following = select(func.min(tenant)).where(tenant > first.c.tenant).scalar_subquery()
    return first.union_all(select(following).where(first.c.tenant.is_not(None)))


def count_of(ledger: Table, tenants: CTE) -> Select[int]:
    """Count the rows of these tenants by the number of each one's last."""
    last = (
        select(func.max(ledger.c.sequence))
        .where(ledger.c.tenant == tenants.c.tenant)
        .correlate(tenants)
        .scalar_subquery()
    )
    return select(func.coalesce(func.sum(last), 0)).select_from(tenants)
