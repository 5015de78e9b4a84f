"""Every Journey Orchestration: journeys by ref and id, and introductions that never overwrite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import NotFound, RequestRejected
from domain.journey import JourneyStage
from domain.ports import Journeys
from gateways.journeys import JourneysClient
from gateways.local.journeys import create_app
from tests.gateways.foreign import Time, calling

TENANT = "default"
TAKES_INTRODUCTIONS = {"the stand-in": True, "a service that takes no introductions": False}


@pytest.fixture(params=sorted(TAKES_INTRODUCTIONS))
def journeys(request: pytest.FixtureRequest) -> Journeys:
    return JourneysClient(
        calling(create_app(None, clock=Time().clock)),
        Time().timing,
        takes_introductions=TAKES_INTRODUCTIONS[request.param],
    )


@pytest.mark.requirement("R7")
async def test_a_journey_is_known_by_its_ref_and_by_its_id(journeys: Journeys) -> None:
    by_ref = await journeys.journey(TENANT, "journey-acme-2026")

    by_id = await journeys.journey(TENANT, str(by_ref.journey_id))

    assert by_id == by_ref
    assert by_ref.is_active


async def test_its_client_comes_with_it(journeys: Journeys) -> None:
    client = (await journeys.journey(TENANT, "journey-acme-2026")).client

    assert (client.ref, client.name, client.code) == ("acme-healthcare", "ACME Healthcare", "ACME")
    assert (client.industry, client.use_case) == ("healthcare", "developer_productivity")


async def test_an_unknown_journey_is_not_found(journeys: Journeys) -> None:
    with pytest.raises(NotFound, match="journey-nowhere"):
        await journeys.journey(TENANT, "journey-nowhere")


@pytest.mark.requirement("R75")
async def test_who_lists_journeys_is_known_by_that(journeys: Journeys) -> None:
    await journeys.vouch()


async def test_introducing_what_is_known_just_so_changes_nothing(journeys: Journeys) -> None:
    known = await journeys.journey(TENANT, "journey-acme-2026")

    again = await journeys.introduce(TENANT, known)

    assert again == known


async def test_introducing_a_client_otherwise_is_rejected(journeys: Journeys) -> None:
    known = await journeys.journey(TENANT, "journey-acme-2026")
    other = replace(known, client=replace(known.client, code="ACME2"))

    with pytest.raises(RequestRejected):
        await journeys.introduce(TENANT, other)

    assert await journeys.journey(TENANT, "journey-acme-2026") == known


async def test_introducing_another_stage_is_rejected(journeys: Journeys) -> None:
    known = await journeys.journey(TENANT, "journey-acme-2026")

    with pytest.raises(RequestRejected):
        await journeys.introduce(TENANT, replace(known, stage=JourneyStage.PRODUCTION))
