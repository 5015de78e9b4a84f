"""Progress: how far each order has come, as those who follow it see it."""

from __future__ import annotations

from domain.repository import ProgressLog, Standing
from domain.work import Progress
from tests.builders import TENANT, a_dataset
from tests.registry.databases import OTHERS, House


async def test_the_last_progress_is_given(house: House) -> None:
    log: ProgressLog = house.progress
    dataset, silent = await house.keep(a_dataset()), await house.keep(a_dataset("github"))
    ids = [dataset.place.dataset_id, silent.place.dataset_id]
    await log.note(TENANT, ids[0], Progress("generate", 100, 500))

    await log.note(TENANT, ids[0], Progress("upload", 200, 500, "documents"))

    assert await log.standings(TENANT, ids) == {
        ids[0]: Standing(
            dataset.version, dataset.status, Progress("upload", 200, 500, "documents")
        ),
        ids[1]: Standing(silent.version, silent.status, None),
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
