"""The catalogue: every template version stays, the newest is given."""

from __future__ import annotations

from dataclasses import replace

from domain.repository import Catalogue, ProgressLog, Standing
from domain.work import Progress
from tests.builders import TENANT, a_dataset, a_template
from tests.registry.databases import OTHERS, House, open_house


async def test_the_catalogue_gives_what_was_kept_by_key(house: House) -> None:
    catalogue: Catalogue = house.catalogue
    await catalogue.keep(TENANT, [a_template("github"), a_template("confluence")])

    templates = await catalogue.templates(TENANT)

    assert templates == [a_template("confluence"), a_template("github")]


async def test_an_empty_catalogue_is_kept_as_well(house: House) -> None:
    await house.catalogue.keep(TENANT, [])

    templates = await house.catalogue.templates(TENANT)

    assert templates == []


async def test_the_newest_version_is_given_number_by_number(house: House) -> None:
    versions = ["1.10.0", "1.9.0", "1.2.0-beta"]
    await house.catalogue.keep(TENANT, [a_template(version=each) for each in versions])

    (template,) = await house.catalogue.templates(TENANT)

    assert template.version == "1.10.0"


async def test_of_one_version_the_last_kept_is_given(house: House) -> None:
    await house.catalogue.keep(TENANT, [a_template()])
    house.hands.move(minutes=1)
    edited = replace(a_template(), name="Edited")
    await house.catalogue.keep(TENANT, [edited])

    templates = await house.catalogue.templates(TENANT)

    assert templates == [edited]


async def test_a_template_known_already_changes_nothing(house: House) -> None:
    await house.catalogue.keep(TENANT, [a_template()])

    await house.catalogue.keep(TENANT, [a_template(), a_template()])

    assert await house.catalogue.templates(TENANT) == [a_template()]


async def test_another_process_gives_the_same_templates(house: House, url: str) -> None:
    await house.catalogue.keep(TENANT, [a_template()])

    async with open_house(url) as other:
        templates = await other.catalogue.templates(TENANT)

    assert templates == [a_template()]
    assert [each.digest for each in templates] == [a_template().digest]


async def test_a_tenants_templates_are_its_own(house: House) -> None:
    await house.catalogue.keep(TENANT, [a_template()])

    templates = await house.catalogue.templates(OTHERS.tenant)

    assert templates == []


async def test_the_last_progress_is_given(house: House) -> None:
    log: ProgressLog = house.progress
    dataset, silent = await house.keep(a_dataset()), await house.keep(a_dataset("github"))
    ids = [dataset.place.dataset_id, silent.place.dataset_id]
    await log.note(TENANT, ids[0], Progress("generate", 100, 500))

    await log.note(TENANT, ids[0], Progress("upload", 200, 500, "documents"))

    assert await log.standings(TENANT, ids) == {
        ids[0]: Standing(dataset.version, Progress("upload", 200, 500, "documents")),
        ids[1]: Standing(silent.version, None),
    }


async def test_progress_stands_outside_the_version_and_rings_no_bell(house: House) -> None:
    dataset = await house.keep(a_dataset())
    rings = house.hands.rings

    await house.progress.note(TENANT, dataset.place.dataset_id, Progress("upload", 1, 2))

    assert await house.registry.dataset(TENANT, dataset.place.dataset_id) == dataset
    assert house.hands.rings == rings


async def test_another_tenants_progress_is_not_seen(house: House) -> None:
    dataset = await house.keep(a_dataset())
    await house.progress.note(TENANT, dataset.place.dataset_id, Progress("upload", 1, 2))

    seen = await house.progress.standings(OTHERS.tenant, [dataset.place.dataset_id])

    assert seen == {}
