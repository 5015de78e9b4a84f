"""The supplier and Journey Orchestration as worlds of their own, and the lines that reach them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.errors import NotFound
from domain.journey import uuid_of
from domain.template import DatasetTemplate, TemplateId
from tests.builders import a_client, a_journey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from domain.journey import Journey
    from domain.recipe import Recipe
    from domain.record import Record
    from tests.simulation.line import Line

RECORDS = 20
_PAGE = 10

FIELDS = ("id", "title", "level", "body")
"""What every record should have; completeness counts them."""

SCHEMA = {
    "type": "object",
    "required": ["id", "title", "level"],
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "level": {"type": "integer"},
        "body": {"type": "string"},
    },
}

TYPES = ("confluence", "github")
"""Of the second, completeness warns only: there the overall score decides."""

_EXPECTATIONS = {
    "confluence": {},
    "github": {"completeness": {"pass_threshold": 0.5, "critical": False}},
}


def a_template(dataset_type: str) -> DatasetTemplate:
    """Make the one template of a type; 20 records are enough for ten sample queries."""
    key = f"healthcare_developer_productivity_{dataset_type}"
    return DatasetTemplate(
        template_id=TemplateId(uuid_of("catalogue", "template", key)),
        key=key,
        name=key,
        industry="healthcare",
        use_case="developer_productivity",
        dataset_type=dataset_type,
        schema=SCHEMA,
        sample_data_url="",
        record_count_range=(10, 60),
        record_count=RECORDS,
        quality_expectations=_EXPECTATIONS[dataset_type],
    )


def a_record(seed: int, number: int) -> Record:
    """Make the record of a seed and a number as it should be; the fourth has no body."""
    body = "" if number == 3 else f"What is said of {number}."
    name = f"{seed}-{number}"
    return {"id": f"doc-{name}", "title": f"Title {name}", "level": number, "body": body}


def _sound(record: Record) -> Record:
    return record


def _invalid(record: Record) -> Record:
    return {**record, "level": "high"} if record["level"] == 5 else record


def _sparse(record: Record) -> Record:
    return {**record, "body": ""}


_WAYS = (_sound, _invalid, _sparse, _sound)
"""How records may come out: as they should, refused by their schema, or with too many gaps."""


@dataclass
class Supplier:
    """The mock data's world: what it makes is a function of the recipe, for good or ill.

    `carelessness` decides how a recipe's records come out; 0 for always as they should.
    """

    carelessness: int = 0
    catalogue: Sequence[DatasetTemplate] = field(
        default_factory=lambda: [a_template(each) for each in TYPES]
    )

    def records(self, seed: int, count: int, *, wrong: bool) -> list[Record]:
        """Give a recipe's records; wrongly, others than the last time."""
        way = (seed * self.carelessness + wrong) % len(_WAYS)
        return [_WAYS[way](a_record(seed, each)) for each in range(count)]


class SupplierLine:
    """The port MockData of one process."""

    def __init__(self, supplier: Supplier, line: Line) -> None:
        self._supplier = supplier
        self._line = line

    async def catalogue(self) -> Sequence[DatasetTemplate]:
        """Give every template."""
        return await self._line.ask("the catalogue", lambda _: self._supplier.catalogue)

    async def templates_for(self, industry: str, use_case: str, /) -> Sequence[DatasetTemplate]:
        """Give no others: the catalogue has them all."""
        return []

    async def samples(self, template_key: str, /) -> Sequence[Record]:
        """Give none. Raises NotFound."""
        raise NotFound(template_key)

    async def generate(self, recipe: Recipe, /) -> AsyncIterator[Sequence[Record]]:
        """Generate a recipe's records, page by page."""
        seed, count = recipe.seed, recipe.record_count
        made = await self._line.ask(
            "the records", lambda wrong: self._supplier.records(seed, count, wrong=wrong)
        )
        for start in range(0, len(made), _PAGE):
            yield made[start : start + _PAGE]


JOURNEYS = {
    each.ref: each
    for each in (
        a_journey("journey-acme", client=a_client("acme", code="ACME")),
        a_journey("journey-lower", client=a_client("lower", code="acme")),
    )
}
"""Two clients whose connectors would bear one name, but for the case of its letters."""


class JourneysLine:
    """The port Journeys of one process."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def journey(self, tenant: str, ref: str, /) -> Journey:
        """Give a journey."""
        return await self._line.ask("the journey", lambda _: JOURNEYS[ref])

    async def vouch(self) -> None:
        """Be itself."""

    async def introduce(self, tenant: str, journey: Journey, /) -> Journey:
        """Give it back: all are known."""
        return journey
