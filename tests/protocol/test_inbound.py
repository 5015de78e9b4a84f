"""Inbound events: read strictly, in either mode, and one message whatever they are called."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from domain.errors import InvalidInput
from protocol.inbound import CLOUD_EVENT, INBOUND, InboundEvent, read_event

STRUCTURED = {"content-type": f"{CLOUD_EVENT}; charset=utf-8"}
COMPLETED = {"journey_id": "journey-acme-2026"}
MOVED = {"journey_id": "journey-acme-2026", "to_stage": "pilot"}
ASKED = {
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "sandbox",
    "dataset_types": ["confluence"],
    "requested_by": "journey-orchestration",
}
DATA = {
    "DatasetProvisionRequested": ASKED,
    "StageTransitioned": MOVED,
    "JourneyCompleted": COMPLETED,
}


def an_event(name: str = "JourneyCompleted", **changes: Any) -> dict[str, Any]:
    given = {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/journey-orchestration",
        "type": f"io.dataops.lifecycle.{name}.v1",
        "time": "2026-03-02T09:30:00Z",
        "somebodysextension": "x",
        "data": DATA.get(name, {}),
        **changes,
    }
    return {key: value for key, value in given.items() if value is not None}


def read(event: dict[str, Any]) -> InboundEvent:
    return read_event(STRUCTURED, event)


def fields_of(wrong: InvalidInput) -> list[str]:
    return [each.field for each in wrong.errors]


@pytest.mark.requirement("R54")
@pytest.mark.parametrize(
    ("name", "skill"),
    [
        ("DatasetProvisionRequested", "provision-datasets"),
        ("StageTransitioned", "transition-stage"),
        ("JourneyCompleted", "complete-journey"),
    ],
)
def test_each_known_event_asks_for_a_skill_with_its_data(name: str, skill: str) -> None:
    event = read(an_event(name))

    assert (event.skill, dict(event.given)) == (skill, DATA[name])


def test_a_type_may_be_written_in_full_or_as_its_bare_name() -> None:
    full, bare = read(an_event()), read(an_event(type="JourneyCompleted"))

    assert full == bare


def test_an_event_in_binary_mode_is_the_same_as_in_structured_mode() -> None:
    headers = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "event%2D1",
        "CE-Source": "/journey-orchestration",
        "ce-type": "JourneyCompleted",
    }

    assert read_event(headers, COMPLETED) == read(an_event())


def test_what_is_told_beside_is_read_and_not_handed_on() -> None:
    moved = read(an_event("StageTransitioned", data={**MOVED, "from_stage": "SANDBOX"}))
    done = read(an_event(data={**COMPLETED, "completed_at": "2026-03-02T09:30:00Z"}))

    assert (dict(moved.given), dict(done.given)) == (MOVED, COMPLETED)


@pytest.mark.parametrize(
    "change", [{"id": "event-2"}, {"source": "/elsewhere"}, {"id": "a/b", "source": "c"}]
)
def test_another_source_or_id_is_another_message(change: dict[str, str]) -> None:
    assert read(an_event(**change)).message_id != read(an_event()).message_id


def test_a_source_and_an_id_are_not_taken_for_others_that_read_alike() -> None:
    one, other = an_event(source="/a", id="b/c"), an_event(source="/ab", id="/c")

    assert read(one).message_id != read(other).message_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": None}, "id"),
        ({"id": 7}, "id"),
        ({"source": None}, "source"),
        ({"type": None}, "type"),
        ({"type": "x" * 501}, "type"),
        ({"time": "yesterday"}, "time"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"data": None}, "data"),
        ({"data": [1]}, "data"),
        ({"data": None, "data_base64": "eyJ9"}, "data_base64"),
        ({"type": "DatasetReady"}, "type"),
        ({"type": "io.dataops.lifecycle.JourneyCompleted.v2"}, "type"),
        ({"type": "io.dataops.lifecycle.JourneyCompleted"}, "type"),
        ({"data": {}}, "data.journey_id"),
        ({"data": {**COMPLETED, "force": True}}, "data.force"),
        ({"data": {**COMPLETED, "completed_at": "soon"}}, "data.completed_at"),
    ],
)
def test_what_is_wrong_with_an_event_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        read(an_event(**change))

    assert fields_of(wrong.value) == [field]


@pytest.mark.parametrize(
    ("from_stage", "to_stage"),
    [("sandbox", "production"), ("pilot", "pilot"), ("production", "pilot")],
)
def test_a_transition_that_contradicts_itself_is_refused(from_stage: str, to_stage: str) -> None:
    data = {**MOVED, "from_stage": from_stage, "to_stage": to_stage}

    with pytest.raises(InvalidInput, match=f"from {from_stage} to {to_stage}") as wrong:
        read(an_event("StageTransitioned", data=data))

    assert fields_of(wrong.value) == ["data.from_stage"]


def test_an_unknown_type_is_told_those_that_are_known() -> None:
    with pytest.raises(InvalidInput) as wrong:
        read(an_event(type="io.dataops.lifecycle.JourneyBegun.v1"))

    assert all(each.type in str(wrong.value) for each in INBOUND.values())


def test_an_event_asks_for_no_plan() -> None:
    with pytest.raises(InvalidInput) as wrong:
        read(an_event("DatasetProvisionRequested", data={**ASKED, "dry_run": True}))

    assert fields_of(wrong.value) == ["data.dry_run"]


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
def test_a_body_without_an_envelope_is_told_how_to_send_one(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="The request carries no event"):
        read_event(headers, COMPLETED)


@pytest.mark.parametrize("name", INBOUND)
def test_the_schema_of_an_events_data_stands_by_itself_and_takes_what_is_taken(name: str) -> None:
    schema = dict(INBOUND[name].schema())

    jsonschema_rs.meta.validate(schema)
    assert "$ref" not in str(schema)
    jsonschema_rs.Draft202012Validator(schema).validate(DATA[name])
