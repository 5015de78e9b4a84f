"""The mock-data supplier over HTTP: its templates and records, let in only as they should be."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import httpx
from pydantic_core import from_json, to_json

from domain.errors import NotFound, SupplierLied
from domain.recipe import Recipe
from domain.record import Json, JsonObject, Record
from domain.template import DatasetTemplate
from gateways.http import Answer, Call, Supplier
from gateways.pace import Timing
from gateways.segment import segment
from gateways.templates import read_templates

PAGE_RECORDS = 100
LARGEST_DATASET_BYTES = 512 * 2**20
"""A supplier that sends more for one recipe is stopped."""

_FETCHED_RECORDS = 500
_CATALOGUES_KEPT = 8
_RECORD_ID = re.compile(r"[a-z0-9]{1,200}")
_LINES = frozenset(
    f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "jsonlines", "x-jsonlines")
)
_OK_OR_ABSENT = frozenset({200, 404})
_MADE_OR_ABSENT = frozenset({200, 201, 404})
_TAKEN = frozenset({200, 201, 202, 204, 404})
_JSON = {"accept": "application/json"}
_RECORDS = {
    "accept": "application/json, application/x-ndjson",
    "content-type": "application/json",
}


class MockDataClient:
    """The mock-data port over the supplier's three calls and two additive ones."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        timing: Timing,
        *,
        largest_dataset_bytes: int = LARGEST_DATASET_BYTES,
    ) -> None:
        self._supplier = Supplier(client, "The mock-data supplier", timing)
        self._largest_dataset_bytes = largest_dataset_bytes

    async def catalogue(self) -> Sequence[DatasetTemplate]:
        """Give every template; none where the supplier has no such call."""
        return await self._templates("/templates")

    async def templates_for(self, industry: str, use_case: str, /) -> Sequence[DatasetTemplate]:
        """Give the templates of an industry and use case (seed: R37)."""
        pair = f"{segment('industry', industry)}/{segment('use case', use_case)}"
        return await self._templates(f"/templates/{pair}")

    async def samples(self, template_key: str, /) -> Sequence[Record]:
        """Give the fixed sample of a template (seed: R38). Raises NotFound."""
        path = f"/mock-data/{segment('template', template_key)}"
        answer = await self._supplier.ask(Call("GET", path, headers=_RECORDS, accept=_OK_OR_ABSENT))
        _refuse_absent(answer, template_key)
        sample = _records(answer, {"template_id": template_key})
        _Arrivals(answer.source, len(sample)).let_in(sample)
        return sample

    async def generate(self, recipe: Recipe, /) -> AsyncIterator[Sequence[Record]]:
        """Generate a recipe's records (seed: R39) and let them in page by page.

        A supplier that knows no pages answers with all records at once; one whose pages are
        smaller than ours is asked for the rest.

        Raises:
            NotFound: the template is no longer there.
            SupplierLied: more, fewer, doubled or nameless records, too many bytes, or what was
                made from another template or seed.
        """
        echo = {"template_id": recipe.template.supplier_key, "seed": recipe.seed}
        arrivals = _Arrivals("The mock-data supplier", recipe.record_count)
        size = 0
        while arrivals.count < recipe.record_count:
            answer = await self._generated(recipe, arrivals.count)
            size += len(answer.content)
            if size > self._largest_dataset_bytes:
                raise SupplierLied(
                    f"{answer.source} sent more than {self._largest_dataset_bytes} bytes for "
                    f"{recipe.record_count} records of template {recipe.template.supplier_key}."
                )
            records, offset = _records(answer, echo), arrivals.count
            arrivals.let_in(records)
            _refuse_wrong_count(answer, len(records), recipe, offset)
            for start in range(0, len(records), PAGE_RECORDS):
                yield records[start : start + PAGE_RECORDS]

    async def feedback(self, template_key: str, content: JsonObject, /) -> None:
        """Tell the supplier of a template's use and quality; one that takes none is fine."""
        path = f"/templates/{segment('template', template_key)}/feedback"
        await self._supplier.ask(Call("POST", path, to_json(content), _RECORDS, _TAKEN, attempts=2))

    async def _templates(self, path: str) -> Sequence[DatasetTemplate]:
        call = Call("GET", path, headers=_JSON, accept=_OK_OR_ABSENT)
        answer = await self._supplier.ask(call)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        return _known(replace(answer, response_time_ms=0.0))

    async def _generated(self, recipe: Recipe, offset: int) -> Answer:
        """Ask for records from an offset on; at first, for few, in the seed's own three fields."""
        asked: dict[str, Any] = {
            "template_id": recipe.template.supplier_key,
            "record_count": recipe.record_count,
            "seed": recipe.seed,
        }
        if offset or recipe.record_count > _FETCHED_RECORDS:
            asked |= {"offset": offset, "limit": _limit(recipe, offset)}
        call = Call("POST", "/generate-mock-data", to_json(asked), _RECORDS, _MADE_OR_ABSENT)
        answer = await self._supplier.ask(call)
        _refuse_absent(answer, recipe.template.supplier_key)
        return answer


class _Arrivals:
    """The records that have come so far, of so many wanted: each one an object with its own id."""

    def __init__(self, source: str, wanted: int) -> None:
        self._source = source
        self._wanted = wanted
        self._ids: set[str] = set()

    @property
    def count(self) -> int:
        return len(self._ids)

    def let_in(self, records: Sequence[Json]) -> None:
        """Take note of more records. Raises SupplierLied for one that cannot be a record."""
        page: set[str] = set()
        for record in records:
            record_id = record.get("id") if isinstance(record, dict) else None
            if not isinstance(record_id, str) or not _RECORD_ID.fullmatch(record_id):
                raise SupplierLied(
                    f"{self._source} sent as record {self.count + len(page) + 1} one whose field "
                    f"id is not 1 to 200 lower-case letters and digits: {str(record_id)[:60]!r}."
                )
            if record_id in page or record_id in self._ids:
                raise SupplierLied(self._doubled(record_id))
            page.add(record_id)
        self._ids |= page

    def _doubled(self, record_id: str) -> str:
        if record_id not in self._ids:
            return f"{self._source} sent two records with the id {record_id}."
        return (
            f"{self._source} sent {self.count} records where {self._wanted} were asked for and, "
            f"asked for the rest, the one with the id {record_id} again."
        )


@lru_cache(maxsize=_CATALOGUES_KEPT)
def _known(answer: Answer) -> Sequence[DatasetTemplate]:
    """Read templates once, however often they come: they follow from the answer alone."""
    return read_templates(answer.json(), answer.source)


def _records(answer: Answer, echo: JsonObject) -> list[Record]:
    """Read records from JSON Lines, from a list, or from `{"records": [...]}`.

    What the supplier repeats of what it was asked must be what it was asked.
    """
    if answer.media_type in _LINES:
        return _lines(answer)
    value = answer.json()
    if isinstance(value, dict):
        _refuse_another(answer, value, echo)
        value = value.get("records")
    if not isinstance(value, list):
        raise SupplierLied(f"{answer.source} sent no list of records in the field records.")
    return value


def _lines(answer: Answer) -> list[Record]:
    """Read JSON Lines; a line is one value, whole."""
    values: list[Record] = []
    for number, line in enumerate(answer.content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values.append(from_json(line, allow_inf_nan=False))
        except ValueError as broken:
            raise SupplierLied(
                f"{answer.source} sent as line {number}, after {len(values)} records, what is not "
                f"one JSON value: {broken}."
            ) from broken
    return values


def _refuse_another(answer: Answer, said: JsonObject, echo: JsonObject) -> None:
    for name, asked in echo.items():
        told = said.get(name)
        if told not in (None, asked, str(asked)):
            raise SupplierLied(
                f"{answer.source} was asked for {name} {asked} and answered for {told!r:.60}."
            )


def _refuse_absent(answer: Answer, template_key: str) -> None:
    if answer.status == HTTPStatus.NOT_FOUND:
        raise NotFound(
            f"The mock-data supplier knows no template {template_key}. Choose one it lists."
        )


def _refuse_wrong_count(answer: Answer, came: int, recipe: Recipe, offset: int) -> None:
    """Some must come, and no more than are missing; the rest of a short page is asked for next."""
    if 0 < came <= recipe.record_count - offset:
        return
    raise SupplierLied(
        f"{answer.source} sent {came} records from number {offset + 1} on where "
        f"{_limit(recipe, offset)} of {recipe.record_count} were asked for, of template "
        f"{recipe.template.supplier_key}."
    )


def _limit(recipe: Recipe, offset: int) -> int:
    return min(_FETCHED_RECORDS, recipe.record_count - offset)
