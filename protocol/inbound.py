"""Inbound events: CloudEvents 1.0 from Journey Orchestration, each of which is a command of ours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError

from domain.errors import FieldError, InvalidInput
from domain.journey import JourneyStage, next_stage
from protocol.codec import field_errors
from protocol.fields import Stage
from protocol.inputs import (
    CompleteJourneyInput,
    ProvisionDatasetsInput,
    SkillInput,
    TransitionStageInput,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.record import JsonObject

CLOUD_EVENT = "application/cloudevents+json"
"""The media type of an event in structured mode; in binary mode its data is plain JSON."""

_PREFIX, _SUFFIX = "io.dataops.lifecycle.", ".v1"
_HEADER = "ce-"


class DatasetProvisionRequested(ProvisionDatasetsInput):
    """Datasets are asked for (seed: DatasetProvisionRequested)."""


class StageTransitioned(TransitionStageInput):
    """A journey has reached its next stage."""

    from_stage: Stage | None = None


class JourneyCompleted(CompleteJourneyInput):
    """A journey is over."""

    completed_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """One kind of event that is taken in: its name, what its data hold, and what it asks for.

    `told_only` names the fields of its data that tell more than the skill needs.
    """

    name: str
    data: type[SkillInput]
    skill: str
    told_only: frozenset[str] = frozenset()

    @property
    def type(self) -> str:
        """The CloudEvents type in full; the bare name is taken as well."""
        return f"{_PREFIX}{self.name}{_SUFFIX}"

    def schema(self) -> JsonObject:
        """Give the JSON Schema of its data, with everything it refers to in it."""
        return _inlined(self.data.model_json_schema(mode="validation"))


def _inlined(schema: JsonObject) -> JsonObject:
    """Write a schema's definitions where they are referred to, so that it stands anywhere."""
    definitions = schema.get("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return whole(definitions[value["$ref"].rpartition("/")[2]])
        return {name: whole(each) for name, each in value.items() if name != "$defs"}

    inlined: JsonObject = whole(schema)
    return inlined


_KINDS = (
    Inbound("DatasetProvisionRequested", DatasetProvisionRequested, "provision-datasets"),
    Inbound("StageTransitioned", StageTransitioned, "transition-stage", frozenset({"from_stage"})),
    Inbound("JourneyCompleted", JourneyCompleted, "complete-journey", frozenset({"completed_at"})),
)

INBOUND: Mapping[str, Inbound] = MappingProxyType({each.name: each for each in _KINDS})
"""Every event that is taken in, by its name."""


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """An event that was read: the message it makes, the skill it asks for, and that one's input."""

    message_id: str
    skill: str
    given: JsonObject


_Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class _Envelope(BaseModel):
    """The attributes of CloudEvents 1.0 that count here; extensions are let through."""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: _Text
    time: AwareDatetime | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any]


def read_event(headers: Mapping[str, str], body: JsonObject) -> InboundEvent:
    """Read an event from a request: structured, or binary with its attributes in `ce-` headers.

    Raises:
        InvalidInput: the envelope or the data is wrong, naming each field, or nobody takes events
            of this type.
    """
    envelope = _envelope(_attributes(headers, body))
    kind = _kind_of(envelope.type)
    data = _data_of(kind, envelope.data)
    told = {name: value for name, value in envelope.data.items() if name not in kind.told_only}
    _require_next(data)
    return InboundEvent(_message_id(envelope), kind.skill, told)


def _attributes(headers: Mapping[str, str], body: JsonObject) -> JsonObject:
    """Put an event together from wherever its mode has its attributes."""
    if _media_type(headers) == CLOUD_EVENT:
        return body
    given = {
        name.lower().removeprefix(_HEADER): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(_HEADER)
    }
    if not given:
        message = (
            f"The request carries no event. Send one as {CLOUD_EVENT}, or its data as "
            "application/json with the attributes in ce- headers."
        )
        raise InvalidInput(message, [FieldError("ce-id", "is missing")])
    return {**given, "data": body}


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _envelope(given: JsonObject) -> _Envelope:
    if "data_base64" in given:
        message = "The event's data must be plain JSON in data, not bytes in data_base64."
        raise InvalidInput(message, [FieldError("data_base64", "is not taken")])
    try:
        return _Envelope.model_validate(dict(given))
    except ValidationError as error:
        raise _wrong("The event is no CloudEvent 1.0", error) from error


def _kind_of(event_type: str) -> Inbound:
    kind = INBOUND.get(event_type.removeprefix(_PREFIX).removesuffix(_SUFFIX))
    if kind is None or event_type not in {kind.name, kind.type}:
        known = ", ".join(each.type for each in _KINDS)
        message = f"Nobody here takes events of type {event_type[:100]!r}. Known: {known}."
        raise InvalidInput(message, [FieldError("type", f"must be one of {known}")])
    return kind


def _data_of(kind: Inbound, data: Mapping[str, Any]) -> SkillInput:
    try:
        read = kind.data.model_validate(dict(data))
    except ValidationError as error:
        raise _wrong(f"The data of {kind.name} are wrong", error, "data.") from error
    if isinstance(read, DatasetProvisionRequested) and read.dry_run:
        message = "An event asks for datasets, never for a plan. Leave dry_run out."
        raise InvalidInput(message, [FieldError("data.dry_run", "must not be true")])
    return read


def _require_next(data: SkillInput) -> None:
    """Hold a transition to itself: where it says where it came from, it must be one stage on."""
    if not isinstance(data, StageTransitioned) or data.from_stage is None:
        return
    if next_stage(JourneyStage(data.from_stage)) is not data.to_stage:
        message = (
            f"No journey moves from {data.from_stage.value} to {data.to_stage.value}: the stages "
            "are sandbox, pilot and production, one after the other."
        )
        raise InvalidInput(message, [FieldError("data.from_stage", "is not the stage before")])


def _message_id(envelope: _Envelope) -> str:
    """Name the one message that an event is, whatever its source and id are made of."""
    named = f"{len(envelope.source)}:{envelope.source}{envelope.id}"
    return f"event-{hashlib.sha256(named.encode()).hexdigest()}"


def _wrong(what: str, error: ValidationError, place: str = "") -> InvalidInput:
    found = [FieldError(f"{place}{each.field}", each.message) for each in field_errors(error)]
    told = "; ".join(f"{each.field}: {each.message}" for each in found)
    return InvalidInput(f"{what}: {told}", found)
