"""Every source: all of a client's records in their order, page by page, under one version."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.errors import NotFound, SupplierUnavailable
from domain.journey import ClientId, JourneyStage
from domain.ports import Reading, Source
from domain.recipe import Extract
from domain.record import Record
from gateways.folder_source import FolderSource

Write = Callable[[Path, Sequence[dict[str, Any]]], None]


def write_json_lines(root: Path, made: Sequence[dict[str, Any]]) -> None:
    """Write a client's records as JSON Lines."""
    path = root / "acme" / "confluence.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in made))


def write_csv(root: Path, made: Sequence[dict[str, Any]]) -> None:
    """Write a client's records as CSV."""
    path = root / "acme" / "confluence.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "title", "body"])
        writer.writeheader()
        writer.writerows(made)


WRITERS: dict[str, Write] = {"json lines": write_json_lines, "csv": write_csv}


@pytest.fixture(params=sorted(WRITERS))
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[int], None]:
    """Writes so many records where the source looks for them."""
    return lambda count: WRITERS[request.param](tmp_path, records(count))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return FolderSource(tmp_path)


def extract(client_ref: str = "acme", **changes: Any) -> Extract:
    return Extract(ClientId(UUID(int=7)), client_ref, JourneyStage.PILOT, "confluence", **changes)


def records(count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"r{number}", "title": f"Page {number}", "body": 'two\nlines, "quoted"'}
        for number in range(count)
    ]


async def read(reading: Reading) -> list[Sequence[Record]]:
    return [page async for page in reading.pages]


async def test_all_records_come_in_order_in_pages_of_at_most_a_hundred(
    source: Source, write: Callable[[int], None]
) -> None:
    write(250)

    reading = await source.open(extract())

    pages = await read(reading)
    assert reading.total == 250
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [record for page in pages for record in page] == records(250)


async def test_the_same_records_have_the_same_version_and_others_another(
    source: Source, write: Callable[[int], None]
) -> None:
    write(10)
    first, again = await source.open(extract()), await source.open(extract())

    write(11)

    assert first.version is not None
    assert len(first.version) == 64
    assert first.version == again.version
    assert first.version != (await source.open(extract())).version


async def test_records_that_change_while_they_are_read_are_read_again_later(
    source: Source, write: Callable[[int], None]
) -> None:
    write(250)
    reading = await source.open(extract())
    write(251)

    with pytest.raises(SupplierUnavailable, match="changed while it was read"):
        await read(reading)


async def test_a_run_that_is_left_early_leaves_nothing_open(
    source: Source, write: Callable[[int], None]
) -> None:
    write(250)

    reading = await source.open(extract())

    async for page in reading.pages:
        assert len(page) == 100
        break
    await reading.pages.aclose()  # type: ignore[attr-defined] # pages are a generator's


@pytest.mark.parametrize("client_ref", ["globex", "", ".", "..", "../acme", "a/b", "/etc", "a\0b"])
async def test_a_client_without_records_is_told_so(
    source: Source, write: Callable[[int], None], client_ref: str
) -> None:
    write(10)

    for asking in (source.locate, source.open):
        with pytest.raises(NotFound, match="The source has no"):
            await asking(extract(client_ref))


async def test_another_tenants_client_of_the_same_name_is_another(
    source: Source, write: Callable[[int], None]
) -> None:
    write(10)

    with pytest.raises(NotFound, match="acme"):
        await source.open(extract(tenant="globex"))


async def test_no_records_at_all_are_none(source: Source, write: Callable[[int], None]) -> None:
    write(0)

    assert (await source.open(extract())).total == 0
