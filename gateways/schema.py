"""Record schemas: JSON Schema 2020-12 with formats asserted, and nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from jsonschema_rs import (
    Draft202012Validator,
    FancyRegexOptions,
    ReferencingError,
    ValidationError,
)
from pydantic_core import from_json, to_json

from domain.checks import RecordFault
from domain.errors import InvalidInput
from domain.ports import Validate
from domain.record import Json, JsonObject, Record
from gateways.bounds import require_bounded

_SHOWN_CHARACTERS = 200
_PATTERN_STEPS = 50_000
"""So often a pattern may go back on one text, a few milliseconds; then it does not match."""

_SCHEMAS_KEPT = 128
"""How many compiled schemas are remembered: a schema is the same wherever its text is."""


class JsonSchemaRecords:
    """The schema port over jsonschema-rs."""

    def compiled(self, schema: JsonObject, /) -> Validate:
        """Compile a schema. Raises InvalidInput when it is none, or points outside itself."""
        return _compiled(to_json(dict(schema)))


@lru_cache(maxsize=_SCHEMAS_KEPT)
def _compiled(schema: bytes) -> Validate:
    require_bounded(from_json(schema))
    try:
        validator = Draft202012Validator(
            from_json(schema),
            validate_formats=True,
            retriever=_fetch_nothing,
            pattern_options=FancyRegexOptions(backtrack_limit=_PATTERN_STEPS),
        )
    except (ValidationError, ReferencingError, ValueError) as wrong:
        raise InvalidInput(f"The schema cannot be used: {_short(str(wrong))}") from wrong

    def faults_of(record: Record) -> Iterator[RecordFault]:
        if validator.is_valid(record):
            return
        record_id = str(record.get("id", ""))
        for error in validator.iter_errors(record):
            path = ".".join(map(str, error.instance_path))
            yield RecordFault(record_id, path, _short(error.message))

    return faults_of


def _fetch_nothing(uri: str) -> Json:
    """Keep a supplier's schema from making us call an address of its choice."""
    raise ValueError(f"{uri} is outside the schema; only references inside it are followed")


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"
