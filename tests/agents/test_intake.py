"""The intake: records as their stage may have them, and not one that tells of somebody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import get_ident
from typing import Any, cast
from uuid import UUID

import pytest

from agents import intake as intake_module
from agents.intake import Intake
from domain.dataset import Dataset
from domain.errors import InvalidInput, SupplierRefused, SupplierUnavailable
from domain.journey import ClientId, JourneyStage
from domain.masking import MaskingRule
from domain.people import PersonName, people_in
from domain.ports import MockData, Reading
from domain.recipe import MOST_READ, Extract, Recipe
from domain.record import Record
from domain.state import Wish
from domain.work import Examined, ProvisionDataset, Provisioned, ValidateDataset
from gateways.folder_source import FolderSource
from tests.agents.scene import Scene, is_a, order_of, refused
from tests.domain.driving import a_dataset
from tests.domain.making import QUERIES, a_template
from tests.sources import MASKING_SECRET, TRACES, client_records, write_source

PILOT, PRODUCTION = JourneyStage.PILOT, JourneyStage.PRODUCTION

NOBODY = cast("MockData", None)
"""A supplier that must not be asked."""


def recipe(stage: JourneyStage = PILOT, most: int = MOST_READ, **rules: MaskingRule) -> Recipe:
    extract = Extract(ClientId(UUID(int=7)), "acme-healthcare", stage, "confluence")
    return Recipe(a_template(masking=rules), 1, most, extract)


def intake(root: Path, secret: str = MASKING_SECRET) -> Intake:
    return Intake(NOBODY, FolderSource(root), lambda: secret)


async def read(reading: Reading) -> list[Record]:
    return [record async for page in reading.pages for record in page]


class Shifting:
    """A source whose records have another version each time they are looked at."""

    def __init__(self) -> None:
        self.opened = 0

    async def locate(self, extract: Extract, /) -> str:
        return extract.client_ref

    async def open(self, extract: Extract, /) -> Reading:
        self.opened += 1

        async def pages() -> AsyncIterator[Sequence[Record]]:
            yield [{"id": extract.client_ref}]

        return Reading(str(self.opened) * 64, 1, pages())


# --- what comes out ------------------------------------------------------------------------------


@pytest.mark.requirement("R13")
async def test_a_pilots_records_come_masked_and_production_s_as_they_are(tmp_path: Path) -> None:
    write_source(tmp_path, client_records())

    pilot = await read(await intake(tmp_path).open(recipe()))
    production = await read(await intake(tmp_path).open(recipe(PRODUCTION)))

    assert production == client_records()
    assert [each["id"] for each in pilot] == [each["id"] for each in production]
    assert not [trace for trace in TRACES if trace in json.dumps(pilot).lower()]


async def test_a_second_reading_is_the_same_to_the_byte(tmp_path: Path) -> None:
    write_source(tmp_path, client_records())

    first = await intake(tmp_path).open(recipe())
    second = await intake(tmp_path).open(recipe())

    assert await read(first) == await read(second)
    assert first.version == second.version
    assert first.masked == second.masked


async def test_a_name_is_masked_in_the_texts_of_other_records_too(tmp_path: Path) -> None:
    write_source(
        tmp_path,
        [{"id": "1", "body": "Ask Ann Lee."}, {"id": "2", "reviewer": "Lee, Ann", "body": ""}],
    )

    first, _ = await read(await intake(tmp_path).open(recipe()))

    assert first["body"].startswith("Ask Person ")


async def test_another_key_or_other_rules_are_another_version(tmp_path: Path) -> None:
    write_source(tmp_path, client_records())

    versions = {
        (await each).version
        for each in (
            intake(tmp_path).open(recipe()),
            intake(tmp_path, "another key of sixteen").open(recipe()),
            intake(tmp_path).open(recipe(body=MaskingRule.REDACT)),
            intake(tmp_path).open(recipe(PRODUCTION)),
        )
    }

    assert len(versions) == 4


@pytest.mark.parametrize("stage", [PILOT, PRODUCTION])
@pytest.mark.parametrize(
    ("most", "count"), [(1, 1), (100, 100), (101, 101), (250, 250), (999, 250)]
)
async def test_as_many_records_come_as_are_wanted_and_are_there(
    tmp_path: Path, stage: JourneyStage, most: int, count: int
) -> None:
    write_source(tmp_path, [{"id": f"r{number}"} for number in range(250)])

    reading = await intake(tmp_path).open(recipe(stage, most))

    assert reading.total == count
    assert [each["id"] for each in await read(reading)] == [f"r{number}" for number in range(count)]


# --- what does not -------------------------------------------------------------------------------


@pytest.mark.requirement("R13")
async def test_nothing_comes_out_from_the_first_record_on_that_still_tells_of_somebody(
    tmp_path: Path,
) -> None:
    made: list[dict[str, Any]] = [{"id": f"r{number}"} for number in range(150)]
    made[120]["note"] = "zelda@acme-hospital.test"
    write_source(tmp_path, made)
    reading = await intake(tmp_path).open(recipe(note=MaskingRule.KEEP))
    came = await anext(reading.pages)

    with pytest.raises(SupplierRefused, match="Record 121 of the source still tells") as told:
        await anext(reading.pages)

    assert len(came) == 100
    assert "email in note" in str(told.value)
    assert "zelda" not in str(told.value)


async def test_a_field_that_is_kept_names_nobody(tmp_path: Path) -> None:
    write_source(tmp_path, [{"id": "1", "owner": "Red Team", "body": "Ask the Red Team."}])

    (record,) = await read(await intake(tmp_path).open(recipe(owner=MaskingRule.KEEP)))

    assert (record["owner"], record["body"]) == ("Red Team", "Ask the Red Team.")


async def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    write_source(tmp_path, [])

    with pytest.raises(SupplierRefused, match="holds no record of client acme-healthcare"):
        await intake(tmp_path).open(recipe())


async def test_records_that_change_between_the_two_readings_are_read_later() -> None:
    with pytest.raises(SupplierUnavailable, match="changed while they were read"):
        await Intake(NOBODY, Shifting(), lambda: MASKING_SECRET).open(recipe())


async def test_too_many_names_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "MOST_NAMES", 3)
    write_source(tmp_path, [{"id": "1", "author": ["Ann Lee", "Bo Roe"]}])

    with pytest.raises(SupplierRefused, match="more than 3 orders of their words"):
        await intake(tmp_path).open(recipe())


async def test_names_are_collected_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    def noted(*given: Any) -> Iterator[PersonName]:
        threads.add(get_ident())
        return people_in(*given)

    monkeypatch.setattr(intake_module, "people_in", noted)
    write_source(tmp_path, client_records())

    await intake(tmp_path).open(recipe())

    assert threads
    assert get_ident() not in threads


async def test_a_pilot_without_a_key_is_not_read(tmp_path: Path) -> None:
    write_source(tmp_path, client_records())

    with pytest.raises(SupplierRefused, match="no masking key"):
        await Intake(NOBODY, FolderSource(tmp_path)).open(recipe())


async def test_a_key_that_could_be_guessed_masks_nothing(tmp_path: Path) -> None:
    write_source(tmp_path, client_records())

    with pytest.raises(InvalidInput, match="fewer than 16"):
        await intake(tmp_path, "short").open(recipe())


async def test_without_a_source_nothing_is_read() -> None:
    for asking in (Intake(NOBODY).open(recipe()), Intake(NOBODY).locate(_extract())):
        with pytest.raises(SupplierRefused, match="no source to read client acme-healthcare"):
            await asking


def _extract() -> Extract:
    extract = recipe().extract
    assert extract is not None
    return extract


@pytest.mark.parametrize(
    ("stage", "secret", "missing"),
    [(PILOT, None, "masking key"), (PILOT, "x", ""), (PRODUCTION, None, "")],
)
def test_a_pilot_alone_needs_a_key(stage: JourneyStage, secret: str | None, missing: str) -> None:
    made = Intake(NOBODY, None, (lambda: secret) if secret else None)

    assert made.lacks(stage) == missing
    assert not made.has_source


# --- what the agents make of it ------------------------------------------------------------------


def pilot(record_count: int | None = None) -> Dataset:
    return a_dataset(wish=Wish(record_count=record_count), stage=PILOT)


async def filled(scene: Scene, **place: Any) -> Dataset:
    """ACME's dataset of a stage, provisioned and waiting for its gate."""
    dataset = a_dataset(**place)
    await scene.advance(dataset, 2)
    return dataset


async def test_progress_counts_what_the_source_has(scene: Scene) -> None:
    write_source(scene.folder / "source", client_records(count=12))

    await filled(scene, stage=PILOT)

    told = [(each.phase, each.done, each.total) for each in scene.noted]
    assert told[-1] == ("uploading", 12, 12)


async def test_a_templates_own_queries_are_not_asked_of_a_clients_records(scene: Scene) -> None:
    made = client_records()
    write_source(scene.folder / "source", made)
    dataset = pilot()
    await scene.advance(dataset)
    order = order_of(dataset, scene)
    assert isinstance(order, ProvisionDataset)

    template = replace(order.recipe.template, sample_queries=QUERIES)

    outcome = await scene.perform(replace(order, recipe=replace(order.recipe, template=template)))

    queries = is_a(Provisioned, outcome).queries
    ids = {each["id"] for each in made}
    assert len(queries) == 10
    assert {each.expected_id for each in queries} <= ids


async def test_a_source_without_the_clients_records_makes_no_connector(scene: Scene) -> None:
    dataset = pilot()
    await scene.advance(dataset)

    told = refused(await scene.answer(dataset))

    assert "no records of client acme" in told
    assert not [path for path in scene.glean.paths() if path.endswith("/adddatasource")]


async def test_a_clients_values_are_not_shown_with_its_faults(scene: Scene) -> None:
    made = client_records()
    made[2]["topic"] = "zelda"
    write_source(scene.folder / "source", made)
    dataset = await filled(scene, stage=PRODUCTION)

    schema = is_a(Examined, await scene.answer(dataset)).evidence.schema

    assert (schema.total, schema.valid) == (40, 39)
    assert [each.path for each in schema.faults] == ["topic"]
    assert "zelda" not in str(schema)


async def test_who_may_read_a_record_is_beside_its_schema(scene: Scene) -> None:
    made = [{**each, "allowed_users": ["ada@example.com"]} for each in client_records()]
    write_source(scene.folder / "source", made)
    dataset = await filled(scene, stage=PRODUCTION)

    schema = is_a(Examined, await scene.answer(dataset)).evidence.schema

    assert (schema.total, schema.valid) == (40, 40)


async def test_a_schema_that_speaks_of_readers_is_asked_about_them(scene: Scene) -> None:
    made = [{**each, "allowed_users": ["ada@example.com"]} for each in client_records()]
    write_source(scene.folder / "source", made)
    order = order_of(await filled(scene, stage=PRODUCTION), scene)
    assert isinstance(order, ValidateDataset)
    schema = {"properties": {"allowed_users": {"maxItems": 0}}}
    template = replace(order.recipe.template, schema=schema)

    outcome = await scene.perform(replace(order, recipe=replace(order.recipe, template=template)))

    assert is_a(Examined, outcome).evidence.schema.valid == 0


async def test_the_evidence_names_the_version_and_what_was_masked(scene: Scene) -> None:
    write_source(scene.folder / "source", client_records())
    dataset = await filled(scene, stage=PILOT)

    schema = is_a(Examined, await scene.answer(dataset)).evidence.schema

    assert dataset.content is not None
    assert schema.source_version == dataset.content.source_version
    assert schema.content_digest == dataset.content.content_digest
    assert {"email", "name", "card"} <= {kind for kind, _ in schema.masked}
