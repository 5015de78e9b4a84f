"""The mock-data supplier over HTTP: its templates and records, let in only as they should be."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from pydantic_core import to_json

from domain.errors import NotFound, SupplierLied
from domain.recipe import Recipe
from domain.record import Json, JsonObject, Record
from domain.template import DatasetTemplate
from gateways.http import Answer, Call, Supplier
from gateways.pace import Timing
from gateways.templates import read_templates

PAGE_RECORDS = 100
LARGEST_DATASET_BYTES = 512 * 2**20
"""A supplier that sends more for one recipe is stopped."""

_FETCHED_RECORDS = 500
_RECORD_ID = re.compile(r"[a-z0-9]{1,200}")
_LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/x-jsonlines"})
_OK_OR_ABSENT = frozenset({200, 404})
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
        return await self._templates(f"/templates/{_segment(industry)}/{_segment(use_case)}")

    async def samples(self, template_key: str, /) -> Sequence[Record]:
        """Give the fixed sample of a template (seed: R38). Raises NotFound."""
        path = f"/mock-data/{_segment(template_key)}"
        answer = await self._supplier.ask(Call("GET", path, headers=_RECORDS, accept=_OK_OR_ABSENT))
        _refuse_absent(answer, template_key)
        sample = _records(answer)
        _Arrivals(answer.source).let_in(sample)
        return sample

    async def generate(self, recipe: Recipe, /) -> AsyncIterator[Sequence[Record]]:
        """Generate a recipe's records (seed: R39) and let them in page by page.

        A supplier that knows no pages answers with all records at once.

        Raises:
            NotFound: the template is no longer there.
            SupplierLied: more, fewer, doubled or nameless records, or too many bytes.
        """
        arrivals = _Arrivals("The mock-data supplier")
        size = 0
        while arrivals.count < recipe.record_count:
            answer = await self._generated(recipe, arrivals.count)
            size += len(answer.content)
            if size > self._largest_dataset_bytes:
                raise SupplierLied(
                    f"{answer.source} sent more than {self._largest_dataset_bytes} bytes for "
                    f"{recipe.record_count} records of template {recipe.template.key}."
                )
            records = _records(answer)
            _refuse_wrong_count(answer, len(records), recipe, arrivals.count)
            arrivals.let_in(records)
            for start in range(0, len(records), PAGE_RECORDS):
                yield records[start : start + PAGE_RECORDS]

    async def feedback(self, template_key: str, content: JsonObject, /) -> None:
        """Tell the supplier of a template's use and quality; one that takes none is fine."""
        path = f"/templates/{_segment(template_key)}/feedback"
        await self._supplier.ask(Call("POST", path, to_json(content), _RECORDS, _TAKEN, attempts=2))

    async def _templates(self, path: str) -> Sequence[DatasetTemplate]:
        call = Call("GET", path, headers=_JSON, accept=_OK_OR_ABSENT)
        answer = await self._supplier.ask(call)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        return read_templates(answer.json(), answer.source)

    async def _generated(self, recipe: Recipe, offset: int) -> Answer:
        """Ask for records from an offset on; for few records in the seed's own three fields."""
        asked: dict[str, Any] = {
            "template_id": recipe.template.key,
            "record_count": recipe.record_count,
            "seed": recipe.seed,
        }
        if recipe.record_count > _FETCHED_RECORDS:
            asked |= {"offset": offset, "limit": _limit(recipe, offset)}
        call = Call("POST", "/generate-mock-data", to_json(asked), _RECORDS, _OK_OR_ABSENT)
        answer = await self._supplier.ask(call)
        _refuse_absent(answer, recipe.template.key)
        return answer


class _Arrivals:
    """The records that have come so far: each one an object with an id of its own."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._ids: set[str] = set()

    @property
    def count(self) -> int:
        return len(self._ids)

    def let_in(self, records: Sequence[Json]) -> None:
        """Take note of more records. Raises SupplierLied for one that cannot be a record."""
        for record in records:
            record_id = record.get("id") if isinstance(record, dict) else None
            if not isinstance(record_id, str) or not _RECORD_ID.fullmatch(record_id):
                raise SupplierLied(
                    f"{self._source} sent as record {self.count + 1} one whose field id is not 1 "
                    f"to 200 lower-case letters and digits: {str(record_id)[:60]!r}."
                )
            if record_id in self._ids:
                raise SupplierLied(f"{self._source} sent two records with the id {record_id}.")
            self._ids.add(record_id)


def _records(answer: Answer) -> list[Record]:
    """Read records from JSON Lines, from a list, or from `{"records": [...]}`."""
    if answer.media_type in _LINES:
        return answer.lines()
    value = answer.json()
    if isinstance(value, dict):
        value = value.get("records")
    if not isinstance(value, list):
        raise SupplierLied(f"{answer.source} sent no list of records in the field records.")
    return value


def _refuse_absent(answer: Answer, template_key: str) -> None:
    if answer.status == HTTPStatus.NOT_FOUND:
        raise NotFound(
            f"The mock-data supplier knows no template {template_key}. Choose one it lists."
        )


def _refuse_wrong_count(answer: Answer, came: int, recipe: Recipe, offset: int) -> None:
    """A page must be whole; the whole dataset in place of the first page will do as well."""
    expected = _limit(recipe, offset)
    if came == expected or (offset == 0 and came == recipe.record_count):
        return
    raise SupplierLied(
        f"{answer.source} sent {came} records from number {offset + 1} on where {expected} of "
        f"{recipe.record_count} were asked for, of template {recipe.template.key}."
    )


def _limit(recipe: Recipe, offset: int) -> int:
    return min(_FETCHED_RECORDS, recipe.record_count - offset)


def _segment(text: str) -> str:
    return quote(text, safe="")
