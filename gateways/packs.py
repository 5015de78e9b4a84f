"""Template packs as people write them: the supplier's form, held more strictly, and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from domain.errors import FieldError, InvalidInput
from domain.policy import require_judgeable
from domain.record import Json, JsonObject
from domain.template import DatasetTemplate
from gateways.schema import JsonSchemaRecords
from gateways.templates import WireTemplate

LARGEST_PACK_BYTES = 256 * 2**10
"""A pack is text that people write, and no larger than this."""

_FIELDS_NAMED = 20
_EXACT = 2**53

_Word = Annotated[str, StringConstraints(pattern=r"^\S(?:[^\x00-\x1f\x7f]{0,98}\S)?$")]
_Version = Annotated[
    str, StringConstraints(pattern=r"^(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}$")
]
_Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]


class _Pack(WireTemplate):
    """A pack: nothing in it is unknown, and it says where its records come from."""

    model_config = ConfigDict(extra="forbid")

    name: _Word
    industry: _Word
    use_case: _Word
    version: _Version = "1.0.0"
    generate_from: _Key


_PACK = TypeAdapter(_Pack)


class TemplatePacks:
    """The packs port over the supplier's form of a template."""

    def read(self, pack: JsonObject, /) -> DatasetTemplate:
        """Read a pack; the order of its fields and how its whole numbers are written say nothing.

        Raises:
            InvalidInput: it is too large, or fields are missing, unknown or wrong.
        """
        content = _bounded(pack)
        try:
            read = _PACK.validate_python(_settled(content))
        except ValidationError as wrong:
            raise _refused(wrong) from wrong
        with _naming("schema"):
            JsonSchemaRecords().compiled(read.schema_)
        with _naming(""):
            template = read.template(generate_from=read.generate_from)
            require_judgeable(template)
        return template


def _bounded(pack: JsonObject) -> Json:
    """Write the pack as JSON and read it back, so that nothing of it is the caller's any more."""
    content = to_json(dict(pack))
    if len(content) > LARGEST_PACK_BYTES:
        message = f"The pack has {len(content)} bytes; {LARGEST_PACK_BYTES} are the most."
        raise InvalidInput(message, [FieldError("pack", message)])
    return from_json(content)


def _settled(value: Json) -> Json:
    """Write whole numbers as such and fields by name: on some ways here neither is kept."""
    match value:
        case dict():
            return {name: _settled(each) for name, each in sorted(value.items())}
        case list():
            return [_settled(each) for each in value]
        case float() if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        case _:
            return value


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """Tell of a fault as one of the pack; one that names no field is about this one."""
    try:
        yield
    except InvalidInput as wrong:
        told = wrong.errors or [FieldError(field, str(wrong))]
        named = [FieldError(_below(each.field), each.message) for each in told]
        raise InvalidInput(f"The pack cannot be used. {wrong}", named) from wrong


def _refused(wrong: ValidationError) -> InvalidInput:
    found = [
        FieldError(_below(".".join(map(str, each["loc"]))), each["msg"])
        for each in wrong.errors(include_url=False, include_context=False, include_input=False)
    ]
    told = "; ".join(f"{each.field}: {each.message}" for each in found[:_FIELDS_NAMED])
    return InvalidInput(f"The pack cannot be used. {told}.", found[:_FIELDS_NAMED])


def _below(name: str) -> str:
    return f"pack.{name}" if name else "pack"
