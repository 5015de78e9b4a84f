"""Answers: what a foreign system said, read as what it must be, or as the lie that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from domain.errors import SupplierLied
from domain.record import Json, JsonObject

_SHOWN_CHARACTERS = 200
_SHOWN_FIELDS = 5

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of one of the statuses the caller can read; `source` says whose it is.

    Where the other side repeats our token, `content` has an ellipsis in its place.
    """

    source: str
    status: int
    media_type: str
    content: bytes
    response_time_ms: float

    def json(self) -> Json:
        """Give the JSON value of the body. Raises SupplierLied when there is none."""
        if not self.media_type.endswith("json"):
            shown = self.media_type or "no content type"
            raise SupplierLied(f"{self.source} answered {self.status} with {shown}, not JSON.")
        try:
            return from_json(self.content, allow_inf_nan=False)
        except ValueError as broken:
            raise SupplierLied(f"{self.source} answered with broken JSON: {broken}.") from broken

    def object(self) -> JsonObject:
        """Give the JSON object of the body. Raises SupplierLied when it is none."""
        value = self.json()
        if not isinstance(value, dict):
            raise SupplierLied(f"{self.source} answered with JSON that is not an object.")
        return value

    def lines(self) -> list[Json]:
        """Give the values of JSON Lines. Raises SupplierLied when one is broken."""
        joined = b",".join(line for line in self.content.splitlines() if line.strip())
        try:
            values: list[Json] = from_json(b"[" + joined + b"]", allow_inf_nan=False)
        except ValueError as broken:
            raise SupplierLied(f"{self.source} answered with a broken line: {broken}.") from broken
        return values

    def read(self, adapter: TypeAdapter[Model]) -> Model:
        """Read the body as a model. Raises SupplierLied naming the fields that are wrong."""
        return read(adapter, self.json(), self.source)

    def nothing(self) -> None:
        """Expect an empty body, or JSON that says no more. Raises SupplierLied for a page."""
        if self.content:
            self.json()

    def excerpt(self) -> str:
        """Give the beginning of the body, for a message."""
        return " ".join(self.content[: 4 * _SHOWN_CHARACTERS].decode(errors="replace").split())[
            :_SHOWN_CHARACTERS
        ]


def read(adapter: TypeAdapter[Model], value: Json, source: str) -> Model:
    """Read a JSON value as a model. Raises SupplierLied naming the fields that are wrong."""
    try:
        return adapter.validate_python(value)
    except ValidationError as wrong:
        raise SupplierLied(f"{source} answered wrongly: {_fields(wrong)}.") from wrong


def _fields(wrong: ValidationError) -> str:
    errors = wrong.errors(include_url=False, include_context=False, include_input=False)
    named = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in errors]
    more = len(named) - _SHOWN_FIELDS
    return "; ".join(named[:_SHOWN_FIELDS]) + (f"; and {more} more" if more > 0 else "")
