"""What a skill takes is what its published schema lets through, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from domain.lifecycle import DatasetStatus, TeardownReason
from protocol.codec import field_errors
from protocol.inputs import (
    DatasetInput,
    Ephemeral,
    ExtendRetentionInput,
    HoldArchiveInput,
    ListDatasetsInput,
    ProvisionDatasetsInput,
    SkillInput,
    TeardownDatasetInput,
)
from protocol.schemas import schemas
from protocol.skills import SKILLS
from tests.running import ACME, BASE

ASKED = {**ACME, "dataset_types": ["jira"]}
CLIENT = {"name": "ACME", "code": "AC-ME", "industry": "healthcare", "use_case": "support"}

TAKEN: list[dict[str, Any]] = [
    {"stage": "SANDBOX"},
    {"journey_id": "7b0d5a7e-0000-4000-8000-00000000dead"},
    {"seed": 42},
    {"seed": 42.0},
    {"seed": "forty-two"},
    {"seed": -(2**53) + 1},
    {"record_count": 20.0},
    {"strict": True, "dry_run": False},
    {"ephemeral": {"ttl": "30m"}},
    {"ephemeral": {"ttl": "PT1H30M"}},
    {"ephemeral": {"ttl": "P1D"}},
    {"ephemeral": {"ttl": 0.5}},
    {"ephemeral": {"ttl": 30 * 86400}},
    {"client": {**CLIENT, "name": "Ångström & Söhne"}},
    {"requested_by": "a" * 100},
    {"requested_by": None, "seed": None, "ephemeral": None, "client": None},
    {"plan_digest": "0" * 64},
]

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"stage": "Sandbox"}, "stage"),
    ({"stage": "moon"}, "stage"),
    ({"journey_id": "-x"}, "journey_id"),
    ({"journey_id": "journey\n"}, "journey_id"),
    ({"journey_id": 7}, "journey_id"),
    ({"seed": 2**53}, "seed"),
    ({"seed": float(2**53)}, "seed"),
    ({"seed": 1.5}, "seed"),
    ({"seed": True}, "seed"),
    ({"seed": ""}, "seed"),
    ({"record_count": "50"}, "record_count"),
    ({"record_count": True}, "record_count"),
    ({"record_count": 1.5}, "record_count"),
    ({"record_count": 0}, "record_count"),
    ({"record_count": 1_000_001}, "record_count"),
    ({"strict": "yes"}, "strict"),
    ({"strict": 1}, "strict"),
    ({"ephemeral": {"ttl": "soon"}}, "ephemeral.ttl"),
    ({"ephemeral": {"ttl": "P"}}, "ephemeral.ttl"),
    ({"ephemeral": {"ttl": 0}}, "ephemeral.ttl"),
    ({"ephemeral": {"ttl": 30 * 86400 + 1}}, "ephemeral.ttl"),
    ({"ephemeral": {"ttl": True}}, "ephemeral.ttl"),
    ({"requested_by": "a\x00b"}, "requested_by"),
    ({"requested_by": "a\nb"}, "requested_by"),
    ({"requested_by": "\x1b[31mred"}, "requested_by"),
    ({"requested_by": " ann"}, "requested_by"),
    ({"requested_by": "a" * 101}, "requested_by"),
    ({"client": {**CLIENT, "name": "A\x00\n"}}, "client.name"),
    ({"client": {**CLIENT, "code": "-"}}, "client.code"),
    ({"dataset_types": ["Jira"]}, "dataset_types.0"),
    ({"dataset_types": "jira"}, "dataset_types"),
    ({"dataset_types": []}, "dataset_types"),
    ({"dataset_types": ["jira", "jira"]}, "dataset_types"),
    ({"dataset_types": [f"jira{number}" for number in range(21)]}, "dataset_types"),
    ({"plan_digest": "0"}, "plan_digest"),
    ({"colour": "blue"}, "colour"),
]


@pytest.mark.parametrize("change", TAKEN, ids=repr)
def test_what_the_published_schema_lets_through_is_taken(change: dict[str, Any]) -> None:
    given = {**ASKED, **change}

    taken = ProvisionDatasetsInput.model_validate(given)

    assert _published("provision-datasets").is_valid(given)
    assert taken.command().dataset_types == ("jira",)


@pytest.mark.parametrize(("change", "field"), REFUSED, ids=repr)
def test_what_the_published_schema_refuses_is_refused_by_field(
    change: dict[str, Any], field: str
) -> None:
    given = {**ASKED, **change}

    wrong = _wrong(ProvisionDatasetsInput, given)

    assert not _published("provision-datasets").is_valid(given)
    assert [each.field for each in wrong] == [field]


@pytest.mark.parametrize("status", DatasetStatus)
@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_a_status_is_taken_in_lower_and_in_upper_case(
    status: DatasetStatus, write: Callable[[str], str]
) -> None:
    given = {"status": write(status.value)}

    taken = ListDatasetsInput.model_validate(given)

    assert taken.status is status
    assert _published("list-datasets").is_valid(given)


@pytest.mark.parametrize("reason", TeardownReason)
@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_a_reason_is_taken_in_lower_and_in_upper_case(
    reason: TeardownReason, write: Callable[[str], str]
) -> None:
    given = {"dataset_id": "x", "reason": write(reason.value)}

    taken = TeardownDatasetInput.model_validate(given)

    assert taken.reason is reason
    assert _published("teardown-dataset").is_valid(given)


def test_a_wrong_reference_is_one_error_in_words() -> None:
    (wrong,) = _wrong(DatasetInput, {"dataset_id": "-x"})

    assert wrong.field == "dataset_id"
    assert wrong.message.startswith("must be a slug or a UUID")


@pytest.mark.parametrize("value", [2**53, float(2**53)])
def test_a_seed_that_a_double_cannot_hold_is_asked_for_as_text(value: float) -> None:
    (wrong,) = _wrong(ProvisionDatasetsInput, {**ASKED, "seed": value})

    assert "text" in wrong.message


@pytest.mark.parametrize("text", ["30m", "PT30M", 1800, 1800.0])
def test_a_lifetime_is_the_same_however_it_is_written(text: object) -> None:
    assert Ephemeral.model_validate({"ttl": text}).ttl == timedelta(minutes=30)


@pytest.mark.parametrize("ttl", ["0s", "31d", "P31D"])
def test_a_lifetime_out_of_range_is_refused(ttl: str) -> None:
    (wrong,) = _wrong(Ephemeral, {"ttl": ttl})

    assert wrong.field == "ttl"


@pytest.mark.parametrize(
    "until", ["2031-12-31T00:00:00Z", "2031-12-31T00:00:00.5+01:00", "2040-02-29T23:59:59-05:30"]
)
def test_a_time_is_taken_with_its_zone(until: str) -> None:
    given = {"dataset_id": "x", "until": until}

    taken = ExtendRetentionInput.model_validate(given)

    assert taken.until == datetime.fromisoformat(until)
    assert _published("extend-retention").is_valid(given)


@pytest.mark.parametrize(
    "until",
    [
        "2031-12-31",
        "2031-12-31T00:00:00",
        "2031-12-31 00:00:00Z",
        "2031-13-31T00:00:00Z",
        "9999-12-31T00:00:00Z",
        "2031-12-31T00:00:00Z\n",
        "soon",
        1956441600,
        None,
    ],
)
def test_a_time_without_zone_or_beyond_all_measure_is_refused(until: object) -> None:
    given = {"dataset_id": "x", "until": until}

    (wrong,) = _wrong(ExtendRetentionInput, given)

    assert wrong.field == "until"
    assert "2031-12-31T00:00:00Z" in wrong.message
    assert not _published("extend-retention").is_valid(given)


def test_a_day_that_no_calendar_has_is_refused() -> None:
    (wrong,) = _wrong(ExtendRetentionInput, {"dataset_id": "x", "until": "2031-02-30T00:00:00Z"})

    assert wrong.field == "until"


@pytest.mark.parametrize("reason", ["", " ", "a" * 101, "a\nb", None])
def test_a_hold_says_why_in_so_many_words(reason: object) -> None:
    given = {"dataset_id": "x", "reason": reason}

    (wrong,) = _wrong(HoldArchiveInput, given)

    assert wrong.field == "reason"
    assert not _published("hold-archive").is_valid(given)


def test_a_published_input_schema_has_no_keyword_that_json_schema_does_not_know() -> None:
    known = {"gt", "ge", "lt", "le", "multiple_of", "strict"}

    found = {name: known & _keywords(schemas(BASE)[f"{name}.input"]) for name in SKILLS}

    assert {name: each for name, each in found.items() if each} == {}


def _published(skill: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(schemas(BASE)[f"{skill}.input"]))


def _wrong(model: type[SkillInput], given: dict[str, Any]) -> Any:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    return field_errors(caught.value)


def _keywords(schema: Any) -> set[str]:
    """The keywords of a schema and of all below it; names of properties are none."""
    if isinstance(schema, list):
        return set().union(*map(_keywords, schema))
    if not isinstance(schema, dict):
        return set()
    named = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    rest = [value for key, value in schema.items() if key not in {"properties", "$defs"}]
    return (set(schema) - {"properties", "$defs"}).union(*map(_keywords, [*named, *rest]))
