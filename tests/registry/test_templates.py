"""Templates: one row for all datasets made from it, each tenant's its own."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus
from registry.tables import dataset_templates
from registry.templates import fingerprint_of
from tests.builders import (
    TENANT,
    a_client,
    a_dataset,
    a_dataset_in,
    a_journey,
    a_template,
    find_template,
    renamed,
)
from tests.registry.databases import OTHERS, House


async def test_a_template_is_written_once_for_all_datasets_made_from_it(house: House) -> None:
    first, second = a_dataset(), a_neighbour()
    for each in (first, second):
        find_template(each)

    kept = [await house.keep(first), await house.keep(second)]

    assert [each.template for each in kept] == [a_template(), a_template()]
    assert await written(house) == [(TENANT, fingerprint_of(a_template()))]


async def test_a_template_with_other_thresholds_is_kept_beside_the_first(house: House) -> None:
    first, second = a_dataset(), a_neighbour()
    stricter = replace(a_template(), quality_expectations={"completeness": 0.99})
    find_template(first, a_template())
    find_template(second, stricter)

    kept = [await house.keep(first), await house.keep(second)]

    assert [each.template for each in kept] == [a_template(), stricter]
    assert stricter.digest == a_template().digest


async def test_a_dataset_without_a_template_writes_none(house: House) -> None:
    await house.keep(a_dataset())

    assert await written(house) == []


async def test_a_tenants_templates_are_its_own(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.PROVISIONING))

    await house.keep(
        a_dataset_in(DatasetStatus.PROVISIONING, a_dataset(tenant=OTHERS.tenant)), OTHERS
    )

    assert [tenant for tenant, _ in await written(house)] == [TENANT, OTHERS.tenant]


def a_neighbour() -> Dataset:
    """Make a dataset of the same type for another client."""
    other = renamed(a_client("globex-corp"), "GLOBEX")
    return a_dataset(journey=a_journey("journey-other", client=other))


async def written(house: House) -> list[tuple[str, str]]:
    """Tell whose templates are written down, by tenant and fingerprint."""
    table = dataset_templates.c
    async with house.database.reads.connect() as connection:
        rows = await connection.execute(
            select(table.tenant, table.fingerprint).order_by(table.tenant)
        )
        return [(row.tenant, row.fingerprint) for row in rows]
