"""The catalogue and the shelf: kept as they were, each tenant's its own, and never changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from domain.catalogue import BrokenLine, CataloguedType, Discovery, ScannedPage
from domain.commands import Principal
from domain.errors import NotFound, RequestRejected
from domain.findings import Findings, ScanLimits
from domain.template import DatasetTemplate
from registry.catalogue import SqlCatalogue
from registry.shelf import SqlTemplateShelf
from registry.templates import fingerprint_of
from registry.trail import SqlAuditTrail
from tests.builders import NOW, TENANT, a_template
from tests.registry.databases import ME, OTHERS, House
from tests.registry.overhearing import overheard

SOURCE = "folder:acme/exports"


def types() -> tuple[CataloguedType, ...]:
    findings = Findings(ScanLimits())
    findings.take(
        ScannedPage(
            [
                ("jira", {"id": "1", "at": "2024-05-01", "n": 1.5, "\u00e4": [None, True]}),
                ("slack", {"id": "2", "object_type": "Message"}),
            ],
            [BrokenLine("jira.jsonl", 3, "it is no JSON")],
            100,
            ["a note"],
        )
    )
    return findings.types()


def a_discovery(number: int, source: str = SOURCE) -> Discovery:
    findings = Findings(ScanLimits())
    findings.take(ScannedPage(broken=[BrokenLine("jira.jsonl", 3, "it is no JSON")]))
    return Discovery(
        UUID(int=number),
        source,
        NOW + timedelta(hours=number),
        "ada",
        types(),
        findings.report("x"),
    )


def ours(**changes: object) -> DatasetTemplate:
    made: dict[str, object] = {"key": "ours", "generate_from": "generic_jira", **changes}
    return replace(a_template(), **made)  # type: ignore[arg-type]  # fields of a template by name


# --- the catalogue -------------------------------------------------------------------------------


@pytest.mark.requirement("R11")
async def test_a_discovery_comes_back_as_it_was_kept(house: House) -> None:
    catalogue, kept = SqlCatalogue(house.database), a_discovery(1)

    await catalogue.keep(TENANT, kept)

    found = await catalogue.discovery(TENANT, kept.discovery_id)
    assert found == kept
    assert found.digest == kept.digest


async def test_discoveries_are_listed_newest_first_and_of_one_source(house: House) -> None:
    catalogue = SqlCatalogue(house.database)
    for number, source in enumerate([SOURCE, "glean:acme", SOURCE], start=1):
        await catalogue.keep(TENANT, a_discovery(number, source))

    every = await catalogue.newest(TENANT, None, 10)
    some = await catalogue.newest(TENANT, SOURCE, 1)

    assert every[0] == a_discovery(3).summary
    assert [each.discovery_id.int for each in every] == [3, 2, 1]
    assert [each.discovery_id.int for each in some] == [3]


async def test_a_list_of_discoveries_reads_no_schema_and_no_facts(house: House) -> None:
    catalogue = SqlCatalogue(house.database)
    await catalogue.keep(TENANT, a_discovery(1))

    with overheard(house) as statements:
        (found,) = await catalogue.newest(TENANT, None, 10)

    assert (found.dataset_types, found.digest) == (("jira", "slack"), a_discovery(1).digest)
    asked = " ".join(statement for statement, _ in statements)
    assert "statistics" not in asked
    assert "schema" not in asked


async def test_the_discovery_before_is_the_last_of_the_same_source(house: House) -> None:
    catalogue = SqlCatalogue(house.database)
    first, other, second = a_discovery(1), a_discovery(2, "glean:acme"), a_discovery(3)
    for each in (first, other, second):
        await catalogue.keep(TENANT, each)

    assert await catalogue.before(TENANT, second) == first
    assert await catalogue.before(TENANT, first) is None


async def test_a_tenants_discoveries_are_its_own(house: House) -> None:
    catalogue = SqlCatalogue(house.database)
    await catalogue.keep(TENANT, a_discovery(1))

    with pytest.raises(NotFound, match="There is no discovery"):
        await catalogue.discovery(OTHERS.tenant, UUID(int=1))
    assert await catalogue.newest(OTHERS.tenant, None, 10) == []


async def test_who_discovered_and_registered_what_is_in_the_audit_trail(house: House) -> None:
    kept, shelf = a_discovery(1), SqlTemplateShelf(house.database)
    await SqlCatalogue(house.database).keep(TENANT, kept)
    for _ in range(2):
        await shelf.put(ME, ours())
    with pytest.raises(RequestRejected):
        await shelf.put(Principal(TENANT, "bob"), ours(name="Another"))

    entries = [each.entry for each in await SqlAuditTrail(house.database).entries(TENANT, 0, 10)]

    told = [(each.principal, each.action, each.correlation, each.detail) for each in entries]
    assert told == [
        ("ada", "discovery", str(kept.discovery_id), {"source": SOURCE, "digest": kept.digest}),
        ("alice", "template", "ours", {"version": "1.0.0", "fingerprint": fingerprint_of(ours())}),
    ]


# --- the shelf -----------------------------------------------------------------------------------


async def test_a_template_is_registered_once_however_often_it_comes(house: House) -> None:
    shelf = SqlTemplateShelf(house.database)

    first = await shelf.put(ME, ours())
    house.hands.move(hours=1)
    again = await shelf.put(Principal(TENANT, "bob"), ours())

    assert (first.was_there, again.was_there) == (False, True)
    assert (again.registered_at, again.registered_by) == (first.registered_at, "alice")
    assert await shelf.current(TENANT) == [ours()]


async def test_other_content_under_the_same_version_is_refused_and_changes_nothing(
    house: House,
) -> None:
    shelf = SqlTemplateShelf(house.database)
    await shelf.put(ME, ours())

    with pytest.raises(RequestRejected, match=r"ours 1\.0\.0 is registered with other content, by"):
        await shelf.put(ME, ours(name="Another"))

    assert await shelf.current(TENANT) == [ours()]


async def test_two_who_register_at_once_do_not_both_have_their_way(house: House) -> None:
    shelf = SqlTemplateShelf(house.database)

    ended = await asyncio.gather(
        *(shelf.put(ME, ours(name=f"Name {number}")) for number in range(4)),
        return_exceptions=True,
    )

    assert sum(isinstance(each, RequestRejected) for each in ended) == 3
    assert len(await shelf.current(TENANT)) == 1


async def test_the_highest_version_is_current_whenever_it_was_registered(house: House) -> None:
    shelf = SqlTemplateShelf(house.database)
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        await shelf.put(ME, ours(version=version))
    await shelf.put(ME, ours(key="also"))

    found = await shelf.current(TENANT)

    assert [(each.key, each.version) for each in found] == [("also", "1.0.0"), ("ours", "1.10.0")]


async def test_a_tenants_registered_templates_are_its_own(house: House) -> None:
    shelf = SqlTemplateShelf(house.database)
    await shelf.put(ME, ours())

    await shelf.put(OTHERS, ours(name="Theirs"))

    assert await shelf.current(TENANT) == [ours()]
    assert [each.name for each in await shelf.current(OTHERS.tenant)] == ["Theirs"]
