"""Journey Orchestration: what it says of journeys and clients, and who may introduce them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.errors import (
    InvalidInput,
    NotFound,
    RequestRejected,
    SupplierLied,
    SupplierRefused,
    SupplierUnavailable,
)
from domain.journey import (
    Client,
    ClientId,
    Journey,
    JourneyId,
    JourneyStage,
    JourneyStatus,
    uuid_of,
)
from gateways.journeys import JourneysClient
from gateways.local.journeys import create_app
from tests.gateways.foreign import Said, Scripted, Time, calling, page, said

JOURNEY_ID = UUID("0d6a3f0e-5a2e-4b3b-9a55-111111111111")
WIRE: dict[str, Any] = {
    "journey_id": str(JOURNEY_ID),
    "ref": "journey-zenith-1",
    "status": "active",
    "stage": "pilot",
    "client": {
        "client_id": "zenith-bank",
        "ref": "zenith-bank",
        "name": "Zenith Bank",
        "code": "ZEN",
        "industry": "fintech",
        "use_case": "customer_support",
    },
}


TENANT = "default"


def service(*answers: Said, takes_introductions: bool = False) -> JourneysClient:
    return JourneysClient(
        calling(Scripted(*answers)),
        Time().timing,
        takes_introductions=takes_introductions,
    )


def local() -> JourneysClient:
    app = create_app(None, clock=Time().clock)
    return JourneysClient(calling(app), Time().timing, takes_introductions=True)


def zenith(**changes: Any) -> Journey:
    client = Client(
        client_id=ClientId(uuid_of("default", "client", "zenith-bank")),
        ref="zenith-bank",
        name="Zenith Bank",
        code="ZEN",
        industry="fintech",
        use_case="customer_support",
    )
    return replace(
        Journey(
            journey_id=JourneyId(JOURNEY_ID),
            ref="journey-zenith-1",
            status=JourneyStatus.ACTIVE,
            stage=JourneyStage.PILOT,
            client=client,
        ),
        **changes,
    )


async def test_uuids_stay_and_slugs_get_one() -> None:
    journey = await service(said(WIRE)).journey(TENANT, "journey-zenith-1")

    assert journey == zenith()


async def test_a_service_without_refs_is_known_by_its_ids() -> None:
    bare = WIRE | {"client": WIRE["client"] | {"ref": ""}}
    del bare["ref"]

    journey = await service(said(bare)).journey(TENANT, str(JOURNEY_ID))

    assert (journey.ref, journey.client.ref) == (str(JOURNEY_ID), "zenith-bank")


async def test_a_completed_journey_is_no_longer_active() -> None:
    journey = await service(said(WIRE | {"status": "completed"})).journey(
        TENANT, "journey-zenith-1"
    )

    assert not journey.is_active


async def test_the_journey_of_the_scenario_is_known_by_ref_and_by_id() -> None:
    client = local()
    journey = await client.journey(TENANT, "journey-acme-2026")

    same = await client.journey(TENANT, str(journey.journey_id))

    assert same == journey
    assert journey.client.code == "ACME"


async def test_an_unknown_journey_is_not_found() -> None:
    with pytest.raises(NotFound, match="knows no journey journey-nowhere"):
        await local().journey(TENANT, "journey-nowhere")


@pytest.mark.requirement("R75")
@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Said(404), SupplierRefused, "404"),
        (page(), SupplierLied, "not JSON"),
        (said({"detail": "welcome"}), SupplierLied, "journeys"),
    ],
    ids=["nothing there", "a page", "another service"],
)
async def test_who_lists_no_journeys_is_not_journey_orchestration(
    answer: Said, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await service(answer).vouch()


async def test_a_ref_is_kept_inside_its_place_in_the_path() -> None:
    app = Scripted(Said(404))

    with pytest.raises(NotFound):
        await JourneysClient(calling(app), Time().timing).journey(TENANT, "../secrets")

    assert app.asked == [("GET", "/journeys/..%2Fsecrets")]


@pytest.mark.parametrize("name", ["", ".", "..", "..."])
async def test_a_ref_that_would_lead_elsewhere_is_not_asked_for(name: str) -> None:
    app = Scripted(said(WIRE))

    with pytest.raises(InvalidInput, match="cannot be a part of a path"):
        await JourneysClient(calling(app), Time().timing).journey(TENANT, name)

    assert app.asked == []


async def test_an_id_may_be_spelt_in_any_way() -> None:
    journey = await service(said(WIRE)).journey(TENANT, str(JOURNEY_ID).upper())

    assert journey == zenith()


@pytest.mark.parametrize("asked", ["journey-acme-2026", "0d6a3f0e-5a2e-4b3b-9a55-222222222222"])
async def test_another_journey_than_the_one_asked_for_is_a_lie(asked: str) -> None:
    with pytest.raises(
        SupplierLied, match=f"asked for journey {asked} and told of journey journey"
    ):
        await service(said(WIRE)).journey(TENANT, asked)


async def test_another_journey_than_the_one_introduced_is_a_lie() -> None:
    other = service(said(WIRE | {"ref": "journey-b", "journey_id": "b"}), takes_introductions=True)

    with pytest.raises(SupplierLied, match="told of journey journey-b, of client Zenith Bank"):
        await other.introduce(TENANT, zenith())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "paused"}, "status"),
        ({"stage": "SANDBOX"}, "stage"),
        ({"journey_id": 5}, "journey_id"),
        ({"client": None}, "client"),
        ({"client": WIRE["client"] | {"name": 3}}, r"client\.name"),
        ({"client": WIRE["client"] | {"code": "A B"}}, "cannot open a connector"),
    ],
)
async def test_a_journey_that_cannot_be_right_is_a_lie(change: dict[str, Any], named: str) -> None:
    with pytest.raises(SupplierLied, match=named):
        await service(said(WIRE | change)).journey(TENANT, "journey-zenith-1")


async def test_a_sign_in_page_is_a_lie() -> None:
    with pytest.raises(SupplierLied):
        await service(page()).journey(TENANT, "journey-zenith-1")


async def test_a_service_that_is_down_is_unavailable() -> None:
    with pytest.raises(SupplierUnavailable):
        await service(Said(503)).journey(TENANT, "journey-zenith-1")


async def test_the_local_service_takes_an_introduction() -> None:
    client = local()

    known = await client.introduce(TENANT, zenith())

    assert known == await client.journey(TENANT, "journey-zenith-1")
    assert (known.stage, known.client.code) == (JourneyStage.PILOT, "ZEN")


async def test_an_introduction_sends_what_the_service_publishes() -> None:
    app = Scripted(said(WIRE, 201))
    client = JourneysClient(calling(app), Time().timing, takes_introductions=True)

    await client.introduce(TENANT, zenith())

    sent = {name: value for name, value in WIRE["client"].items() if name != "client_id"}
    assert json.loads(app.bodies[0]) == {
        "ref": "journey-zenith-1",
        "stage": "pilot",
        "client": sent,
    }


async def test_introducing_the_same_again_changes_nothing() -> None:
    client = local()
    first = await client.introduce(TENANT, zenith())

    again = await client.introduce(TENANT, zenith())

    assert again == first


async def test_a_client_who_is_known_otherwise_is_rejected() -> None:
    client = local()
    await client.introduce(TENANT, zenith())
    other = replace(zenith().client, name="Zenith Insurance")

    with pytest.raises(RequestRejected, match="client zenith-bank"):
        await client.introduce(TENANT, zenith(client=other))


async def test_an_introduction_the_service_cannot_read_is_rejected() -> None:
    with pytest.raises(RequestRejected, match="not valid"):
        await local().introduce(TENANT, zenith(ref="Not A Slug"))


@pytest.mark.parametrize("answer", [page(409), said({}, 409)])
async def test_a_rejection_without_reasons_shows_what_was_said(answer: Said) -> None:
    with pytest.raises(RequestRejected, match="was not taken by Journey Orchestration: "):
        await service(answer, takes_introductions=True).introduce(TENANT, zenith())


@pytest.mark.parametrize("status", [404, 405])
async def test_a_service_that_turns_out_to_take_none_rejects(status: int) -> None:
    with pytest.raises(RequestRejected, match="takes none"):
        await service(Said(status), takes_introductions=True).introduce(TENANT, zenith())


async def test_a_service_that_took_something_else_is_found_out() -> None:
    other = WIRE | {"stage": "production"}

    with pytest.raises(RequestRejected, match="stage is 'production', not 'pilot'"):
        await service(said(other), takes_introductions=True).introduce(TENANT, zenith())


async def test_what_a_real_service_says_is_only_compared() -> None:
    app = Scripted(said(WIRE))
    client = JourneysClient(calling(app), Time().timing)

    known = await client.introduce(TENANT, zenith())

    assert known == zenith()
    assert app.asked == [("GET", "/journeys/journey-zenith-1")]


async def test_everything_that_differs_is_named() -> None:
    other = replace(zenith().client, ref="zenith", name="Zenith", code="ZTH", industry="healthcare")

    with pytest.raises(RequestRejected) as raised:
        await service(said(WIRE)).introduce(TENANT, zenith(client=other))

    assert (
        "client name is 'Zenith Bank', not 'Zenith'; client code is 'ZEN', not 'ZTH'; "
        "client industry is 'fintech', not 'healthcare'; client is 'zenith-bank', not 'zenith'"
    ) in str(raised.value)


async def test_a_client_named_by_its_id_is_the_same_client() -> None:
    by_id = replace(zenith().client, ref=str(zenith().client.client_id))

    known = await service(said(WIRE)).introduce(TENANT, zenith(client=by_id))

    assert known.client.ref == "zenith-bank"


async def test_a_real_service_takes_no_introduction_of_what_it_does_not_know() -> None:
    with pytest.raises(RequestRejected, match="starts its journeys itself"):
        await service(Said(404)).introduce(TENANT, zenith())


async def test_a_journey_without_an_id_has_one_of_each_tenants_own() -> None:
    slugs = WIRE | {"journey_id": "journey-zenith-1"}
    client = service(said(slugs), said(slugs))

    ours = await client.journey(TENANT, "journey-zenith-1")
    theirs = await client.journey("globex", "journey-zenith-1")

    assert ours.ref == theirs.ref
    assert ours.journey_id != theirs.journey_id
    assert ours.client.client_id != theirs.client.client_id
