"""Between messages and meaning: skill calls, orders, outcomes, and the parts that carry them.

Orders and outcomes travel as raw JSON bytes: the protocol's own JSON values turn every number
into a double and shuffle keys, and a template's digest would not survive that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from a2a.types import Message, Part
from google.protobuf import json_format, struct_pb2
from pydantic import Field, TypeAdapter, ValidationError

from domain.errors import FieldError, InvalidInput
from domain.record import canonical_json, digest_of
from domain.work import Order, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.record import JsonObject

ORDER_TYPE = "application/vnd.dataops.order+json"
OUTCOME_TYPE = "application/vnd.dataops.outcome+json"

_ORDERS: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="kind")])
_OUTCOMES: TypeAdapter[Outcome] = TypeAdapter(Annotated[Outcome, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class SkillCall:
    """A message read as a skill call: the skill's id and its input, not yet validated."""

    skill: str
    given: JsonObject

    @property
    def digest(self) -> str:
        """The SHA-256 of the call: the same message id with another digest is an error."""
        return digest_of({"skill": self.skill, "input": self.given})


def order_part(order: Order) -> Part:
    """Write an order."""
    return Part(raw=_ORDERS.dump_json(order), media_type=ORDER_TYPE)


def outcome_part(outcome: Outcome) -> Part:
    """Write an outcome."""
    return Part(raw=_OUTCOMES.dump_json(outcome), media_type=OUTCOME_TYPE)


def read_order(message: Message) -> Order | None:
    """Read a message as an order, or give None when it is none. Raises InvalidInput."""
    raw = _raw(message.parts, ORDER_TYPE)
    if raw is None:
        return None
    try:
        return _ORDERS.validate_json(raw)
    except ValidationError as error:
        message_text = "The order cannot be read; coordinator and agent must be of one version."
        raise InvalidInput(message_text, field_errors(error)) from error


def read_outcome(parts: list[Part]) -> Outcome:
    """Read an artifact's parts as an outcome. Raises InvalidInput."""
    raw = _raw(parts, OUTCOME_TYPE)
    if raw is None:
        message = "The agent's artifact holds no outcome."
        raise InvalidInput(message)
    try:
        return _OUTCOMES.validate_json(raw)
    except ValidationError as error:
        message = "The outcome cannot be read; coordinator and agent must be of one version."
        raise InvalidInput(message, field_errors(error)) from error


def read_call(message: Message) -> SkillCall | None:
    """Read a message as a skill call: a data part, JSON in a text part, or the seed's event."""
    for part in message.parts:
        given = _object(part)
        if given is None:
            continue
        if isinstance(skill := given.pop("skill", None), str):
            return SkillCall(skill, given)
        if given.pop("event", "") == "DatasetProvisionRequested":
            return SkillCall("provision-datasets", given)
    return None


def text_part(text: str) -> Part:
    """Write a sentence for people."""
    return Part(text=text, media_type="text/plain")


def data_part(data: Mapping[str, Any]) -> Part:
    """Write an object for machines; its numbers become doubles on the way."""
    value = struct_pb2.Value()
    json_format.ParseDict(_jsonable(data), value)
    return Part(data=value, media_type="application/json")


def field_errors(error: ValidationError) -> tuple[FieldError, ...]:
    """Give pydantic's findings as field errors: dotted path and reason."""
    return tuple(
        FieldError(".".join(str(each) for each in found["loc"]) or "(all)", found["msg"])
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    )


def _raw(parts: Any, media_type: str) -> bytes | None:
    for part in parts:
        if part.media_type == media_type:
            return bytes(part.raw)
    return None


def _object(part: Part) -> dict[str, Any] | None:
    value: Any
    if part.WhichOneof("content") == "data":
        value = json_format.MessageToDict(part.data)
    elif part.WhichOneof("content") == "text":
        value = _parsed(part.text)
    else:
        return None
    return value if isinstance(value, dict) and _is_json(value) else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_json(value: Any) -> bool:
    """Tell whether a value has a canonical form: no NaN, no half characters, not too deep."""
    try:
        canonical_json(value)
    except (ValueError, RecursionError):
        return False
    return True


def _jsonable(data: Mapping[str, Any]) -> Any:
    """Turn tuples and mappings into what the protocol's JSON parser takes."""
    return json.loads(json.dumps(data, default=_plain))


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else str(value)
