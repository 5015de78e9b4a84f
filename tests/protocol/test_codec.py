"""A message is a call, words for people, or something a machine must be told is neither."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from a2a.types import Message, Part
from google.protobuf import json_format, struct_pb2

from domain.errors import InvalidInput
from domain.quality import QualityPolicy
from domain.work import OrderKey, ProbeConnector
from protocol.codec import (
    data_part,
    order_part,
    read_call,
    read_order,
    require_understood,
    text_part,
)
from tests.domain.making import NOW, a_connector

LIST = {"skill": "list-datasets", "page_size": 20}

MISHEARD: list[tuple[list[Part], str]] = [
    ([data_part({})], "skill"),
    ([data_part({"journey_id": "x", "stage": "sandbox"})], "skill"),
    ([data_part({"skil": "list-datasets"})], "skill"),
    ([data_part({"skill": 5})], "skill"),
    ([text_part('{"stage": "sandbox"}')], "skill"),
    ([data_part({"event": "JourneyCompleted", "journey_id": "j"})], "event"),
    ([text_part('{"event": "JourneyCompleted"}')], "event"),
    ([data_part(LIST), data_part({"skill": "dataset-status", "dataset_id": "x"})], "skill"),
    ([data_part(LIST), data_part({"page_size": 5})], "skill"),
    ([text_part('{"skill": "list-datasets", "stage": "pilot", "stage": "sandbox"}')], "(all)"),
    ([text_part('{"skill": "list-datasets", "page_size": NaN}')], "(all)"),
    ([text_part('{"a": ' * 900 + "1" + "}" * 900)], "(all)"),
]


@pytest.mark.parametrize(("parts", "field"), MISHEARD)
def test_machine_input_that_nobody_would_hear_is_refused_by_field(
    parts: list[Part], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_understood(Message(parts=parts))

    assert [each.field for each in refused.value.errors] == [field]


@pytest.mark.parametrize("value", [[1, 2], "list-datasets", 5, None])
def test_data_that_is_no_object_is_refused(value: Any) -> None:
    held = struct_pb2.Value()
    json_format.ParseDict(value, held)

    with pytest.raises(InvalidInput, match="skill must be named in an object"):
        require_understood(Message(parts=[Part(data=held)]))


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [text_part("hello")],
        [text_part("[1, 2]")],
        [text_part("{broken")],
        [text_part("[" * 100_000)],
        [Part(raw=b"{}", media_type="application/json")],
    ],
)
def test_words_for_people_pass_and_are_no_call(parts: list[Part]) -> None:
    message = Message(parts=parts)

    require_understood(message)

    assert read_call(message) is None


@pytest.mark.parametrize(
    "parts",
    [
        [data_part(LIST)],
        [text_part(json.dumps(LIST))],
        [text_part("please:"), data_part(LIST)],
        [text_part(json.dumps(LIST)), data_part(LIST)],
    ],
)
def test_one_call_passes_in_every_form(parts: list[Part]) -> None:
    message = Message(parts=parts)

    require_understood(message)

    call = read_call(message)
    assert call is not None
    assert (call.skill, call.given) == ("list-datasets", {"page_size": 20})


def test_an_order_that_carries_the_seeds_own_gate_arrives_as_it_was_given() -> None:
    key = OrderKey("default", UUID(int=1), 1, 0)
    order = ProbeConnector(key, NOW, a_connector(), QualityPolicy(), thorough=False)

    assert read_order(Message(parts=[order_part(order)])) == order


def test_what_cannot_be_read_is_no_call() -> None:
    twice = text_part('{"skill": "list-datasets", "stage": "pilot", "stage": "sandbox"}')

    assert read_call(Message(parts=[twice])) is None
