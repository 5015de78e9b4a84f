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
from domain.record import digest_of
from domain.work import Order, Outcome
from protocol.strict_json import Ambiguous, NotJson, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.record import JsonObject

ORDER_TYPE = "application/vnd.dataops.order+json"
OUTCOME_TYPE = "application/vnd.dataops.outcome+json"

_SKILL = "skill"
_EVENT = "event"
_PROVISION_REQUESTED = "DatasetProvisionRequested"
"""The one event of the seed that is a call: it asks for datasets."""

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
    calls = (_call(given) for part in message.parts if (given := _readable(part)) is not None)
    return next((each for each in calls if each is not None), None)


def require_understood(message: Message) -> None:
    """Refuse what a machine wrote and nobody would hear: no call, or a second, other one.

    Words for people pass, and so does one call written twice, as text and as data.

    Raises:
        InvalidInput: naming the field by which a call is known.
    """
    given = [each for part in message.parts if (each := _object(part)) is not None]
    for each in given:
        if _call(each) is None:
            raise _no_call(each)
    if any(each != given[0] for each in given):
        raise _wrong(
            _SKILL, f"stands in {len(given)} parts that differ; a message carries one call"
        )


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


def _readable(part: Part) -> JsonObject | None:
    try:
        return _object(part)
    except InvalidInput:
        return None


def _object(part: Part) -> JsonObject | None:
    """Give the object a machine wrote, or None for what is not meant for a machine.

    Raises:
        InvalidInput: it is data but no object, or an object in text that means two things.
    """
    kind = part.WhichOneof("content")
    if kind == "text":
        return _parsed(part.text)
    if kind != "data":
        return None
    value = json_format.MessageToDict(part.data)
    if not isinstance(value, dict):
        raise _wrong(_SKILL, "must be named in an object, and this data is none")
    return value


def _parsed(text: str) -> JsonObject | None:
    try:
        value = read_json(text)
    except Ambiguous as error:
        if text.lstrip().startswith("{"):
            raise _wrong("(all)", f"must be plain JSON: {error}") from error
        return None
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


def _call(given: JsonObject) -> SkillCall | None:
    if isinstance(skill := given.get(_SKILL), str):
        return SkillCall(skill, _without(given, _SKILL))
    if given.get(_EVENT) == _PROVISION_REQUESTED:
        return SkillCall("provision-datasets", _without(given, _EVENT))
    return None


def _without(given: JsonObject, name: str) -> JsonObject:
    return {key: value for key, value in given.items() if key != name}


def _no_call(given: JsonObject) -> InvalidInput:
    if _EVENT in given and _SKILL not in given:
        return _wrong(_EVENT, f"must be {_PROVISION_REQUESTED}, the one event taken as a message")
    return _wrong(_SKILL, "must be the id of a skill, as text")


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(f"The message is no call: {field} {message}.", [FieldError(field, message)])


def _jsonable(data: Mapping[str, Any]) -> Any:
    """Turn tuples and mappings into what the protocol's JSON parser takes."""
    return json.loads(json.dumps(data, default=_plain))


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else str(value)
