"""The door for events is as strict as every other, and says what is wrong in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from protocol.edge import LARGEST_BODY
from protocol.inbound import CLOUD_EVENT
from tests.protocol.test_inbound import an_event
from tests.running import ACME

if TYPE_CHECKING:
    from tests.running import RunningService

COORDINATOR = "lifecycle-coordinator"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("event", "status", "told"),
    [
        (an_event(type="JourneyBegun"), 422, "Known: io.dataops.lifecycle.DatasetProvision"),
        (an_event(data={}), 422, "journey_id"),
        (an_event(data={"journey_id": "journey-of-nobody"}), 404, "journey-of-nobody"),
        (
            an_event(
                "StageTransitioned",
                data={"journey_id": ACME["journey_id"], "to_stage": "production"},
            ),
            409,
            "past a stage",
        ),
    ],
    ids=["unknown type", "no data", "unknown journey", "a skipped stage"],
)
async def test_an_event_that_cannot_be_taken_is_a_problem(
    shared: RunningService, event: dict[str, Any], status: int, told: str
) -> None:
    headers = {"content-type": CLOUD_EVENT}

    answer = await shared.http.post("/events", json=event, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", CLOUD_EVENT, 400),
        (b'{"id": "1", "id": "2"}', CLOUD_EVENT, 400),
        (b"[]", CLOUD_EVENT, 400),
        (b'{"data": ' + b"[" * 100 + b"]" * 100 + b"}", CLOUD_EVENT, 400),
        (b'"' + b"x" * LARGEST_BODY + b'"', CLOUD_EVENT, 413),
        (b"[]", "application/cloudevents-batch+json", 415),
        (b"{}", "text/plain", 415),
        (b"", CLOUD_EVENT, 422),
        (b"{}", "application/json", 422),
    ],
    ids=[
        "no JSON",
        "two ids",
        "a list",
        "too deep",
        "too large",
        "a batch",
        "text",
        "nothing",
        "no envelope",
    ],
)
async def test_the_door_is_as_strict_as_every_other(
    shared: RunningService, body: bytes, media_type: str, status: int
) -> None:
    answer = await shared.http.post("/events", content=body, headers={"content-type": media_type})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_event_in_an_envelope_is_taken_at_the_door_for_events_alone(
    shared: RunningService,
) -> None:
    answer = await shared.http.post(
        f"/agents/{COORDINATOR}", content=b"{}", headers={"content-type": CLOUD_EVENT}
    )

    assert CLOUD_EVENT in answer.json()["error"]["message"]
    assert "application/a2a+json" in answer.json()["error"]["message"]
