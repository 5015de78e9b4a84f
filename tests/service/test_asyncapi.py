"""The AsyncAPI document has every event once, leads nowhere into the void, and is as AsyncAPI 3 asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema_rs
import pytest

from domain.events import AdditiveEvent, SeedEvent
from domain.lifecycle import DatasetStatus
from protocol.inbound import INBOUND
from service.asyncapi import asyncapi_document
from tests.builders import ADDRESS
from tests.published import strictly
from tests.service.consoles import Console

NAMES = [each.__name__ for each in (*get_args(SeedEvent), *get_args(AdditiveEvent))]

_KEY = "^[A-Za-z0-9_.\\-]+$"
_REF: dict[str, Any] = {
    "type": "object",
    "required": ["$ref"],
    "properties": {"$ref": {"type": "string", "pattern": "^#/"}},
    "additionalProperties": False,
}


def _closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """Give the schema of an object with these fields and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


def _map(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "patternProperties": {_KEY: of}, "additionalProperties": False}


_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_HTTP = _closed(
    {"method": {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]}},
    bindingVersion={"enum": ["0.2.0", "0.3.0"]},
    query={"type": "object"},
)
_MESSAGE = _closed(
    {"payload": {"type": "object"}},
    name=_TEXT,
    title=_TEXT,
    summary=_TEXT,
    contentType={"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+$"},
)
ASYNCAPI_3 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_closed(
        {
            "asyncapi": {"const": "3.0.0"},
            "info": _closed({"title": _TEXT, "version": _TEXT}, description=_TEXT),
        },
        defaultContentType=_TEXT,
        servers=_map(
            _closed(
                {"host": {"type": "string", "pattern": "^[^/]+$"}, "protocol": _TEXT},
                pathname={"type": "string", "pattern": "^/"},
                security={"type": "array", "items": _REF},
            )
        ),
        channels=_map(
            _closed(
                {"address": {"type": ["string", "null"], "pattern": "^[^?#]*$"}},
                description=_TEXT,
                messages=_map(_REF),
            )
        ),
        operations=_map(
            _closed(
                {"action": {"enum": ["send", "receive"]}, "channel": _REF},
                messages={"type": "array", "items": _REF, "uniqueItems": True},
                bindings=_closed({}, http=_HTTP),
            )
        ),
        components=_closed(
            {},
            messages=_map(_MESSAGE),
            schemas=_map({"type": "object"}),
            securitySchemes=_map(
                _closed({"type": {"const": "http"}, "scheme": {"const": "bearer"}})
            ),
        ),
    ),
}
"""What AsyncAPI 3.0.0 says of the parts we use, written down by hand from the specification."""


@pytest.fixture
def document() -> dict[str, Any]:
    return dict(asyncapi_document(ADDRESS))


def test_the_document_is_as_asyncapi_3_asks(document: dict[str, Any]) -> None:
    errors = list(jsonschema_rs.Draft202012Validator(ASYNCAPI_3).iter_errors(document))

    assert [each.message for each in errors] == []


def test_a_document_that_is_not_would_be_found(document: dict[str, Any]) -> None:
    document["operations"]["streamEvents"]["action"] = "publish"

    errors = list(jsonschema_rs.Draft202012Validator(ASYNCAPI_3).iter_errors(document))

    assert len(errors) == 1


@pytest.mark.parametrize("channel", ["events", "webhook"])
def test_every_event_goes_out_once_on_each_way(document: dict[str, Any], channel: str) -> None:
    names = list(document["channels"][channel]["messages"])

    assert names == NAMES


def test_every_event_that_is_taken_in_is_there(document: dict[str, Any]) -> None:
    names = list(document["channels"]["announcements"]["messages"])

    assert names == [f"announced.{each}" for each in INBOUND]


def test_every_message_belongs_to_a_channel(document: dict[str, Any]) -> None:
    told = {name for each in document["channels"].values() for name in each["messages"]}

    assert set(document["components"]["messages"]) == told


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


def test_an_operation_has_messages_of_its_own_channel(document: dict[str, Any]) -> None:
    for each in document["operations"].values():
        channel = each["channel"]["$ref"]
        messages = {each["$ref"] for each in each["messages"]}

        known = document["channels"][channel.removeprefix("#/channels/")]["messages"]
        assert messages == {f"{channel}/messages/{name}" for name in known}


@pytest.mark.requirement("R88")
async def test_every_event_of_a_life_is_as_its_message_says(console: Console) -> None:
    await console.keep(DatasetStatus.ARCHIVED)
    document = (await console.http.get("/asyncapi.json")).json()
    events = (await console.http.get("/events/replay")).json()

    for event in events:
        name = event["type"].split(".")[-2]
        payload = document["components"]["messages"][name]["payload"]
        strictly({**payload, "components": document["components"]}).validate(event)
        (wrong, *_) = (each for each in NAMES if each != name)
        other = document["components"]["messages"][wrong]["payload"]
        assert not strictly({**other, "components": document["components"]}).is_valid(event)

    assert len(events) > 5


def test_the_document_is_json_and_names_the_service(document: dict[str, Any]) -> None:
    text = json.dumps(document)

    assert re.sub("^https?://", "", ADDRESS) == document["servers"]["service"]["host"]
    assert json.loads(text) == document


def test_a_service_below_a_path_is_named_with_it() -> None:
    server = asyncapi_document("https://example.com/dataops")["servers"]["service"]

    assert (server["host"], server["pathname"]) == ("example.com", "/dataops")


def references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)
        case _:
            pass
