"""Journey Orchestration, played: clients, their journeys, the stage each has reached."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from gateways.local.journeys import create_app
from gateways.local.problems import answer_problem
from tests.gateways.local.glean_client import Clock

ACME = "journey-acme-2026"
BETA: dict[str, Any] = {
    "ref": "journey-beta-2026",
    "stage": "sandbox",
    "client": {
        "ref": "beta-bank",
        "name": "Beta Bank",
        "code": "BETA",
        "industry": "fintech",
        "use_case": "customer_support",
    },
}


@asynccontextmanager
async def _calling(database: Path | None) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(database, clock=Clock())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://journeys") as http,
    ):
        yield http


@pytest.fixture
async def journeys() -> AsyncIterator[httpx.AsyncClient]:
    async with _calling(None) as http:
        yield http


async def test_the_acme_journey_is_known_from_the_start(journeys: httpx.AsyncClient) -> None:
    answer = await journeys.get(f"/journeys/{ACME}")

    assert answer.json() == {
        "journey_id": "b83dfcca-0d22-5290-b64d-bf08b8ee9695",
        "ref": ACME,
        "status": "active",
        "stage": "sandbox",
        "client": {
            "client_id": "675bf373-ccef-59db-8704-51d44127dee0",
            "ref": "acme-healthcare",
            "name": "ACME Healthcare",
            "code": "ACME",
            "industry": "healthcare",
            "use_case": "developer_productivity",
        },
    }


async def test_a_journey_is_found_by_its_id_too(journeys: httpx.AsyncClient) -> None:
    by_ref = (await journeys.get(f"/journeys/{ACME}")).json()

    by_id = (await journeys.get(f"/journeys/{by_ref['journey_id']}")).json()

    assert by_id == by_ref


async def test_an_unknown_journey_is_a_problem_with_404(journeys: httpx.AsyncClient) -> None:
    answers = [
        await journeys.get("/journeys/nobody"),
        await journeys.post("/journeys/nobody/complete"),
        await journeys.put("/journeys/nobody/stage", json={"stage": "pilot"}),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert answers[0].headers["content-type"] == "application/problem+json"


async def test_a_journey_is_introduced_once(journeys: httpx.AsyncClient) -> None:
    first = await journeys.post("/journeys", json=BETA)
    again = await journeys.post("/journeys", json=BETA)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["client"]["code"] == "BETA"


@pytest.mark.parametrize(
    ("journey", "client"),
    [
        ({"stage": "pilot"}, {}),
        ({}, {"name": "Beta Bank plc"}),
        ({}, {"ref": "another-bank"}),
        ({}, {"ref": "another-bank", "code": "beta"}),
        ({}, {"ref": "another-bank", "code": "OTHER"}),
        ({"ref": "journey-two"}, {"code": "ACME"}),
    ],
)
async def test_what_is_known_otherwise_is_a_conflict(
    journeys: httpx.AsyncClient, journey: dict[str, str], client: dict[str, str]
) -> None:
    await journeys.post("/journeys", json=BETA)

    answer = await journeys.post(
        "/journeys", json=BETA | journey | {"client": {**BETA["client"], **client}}
    )

    assert answer.status_code == 409


async def test_a_refused_journey_leaves_no_client_behind(journeys: httpx.AsyncClient) -> None:
    stolen = BETA | {"ref": ACME}

    refused = await journeys.post("/journeys", json=stolen)
    renamed = await journeys.post(
        "/journeys", json=BETA | {"client": {**BETA["client"], "name": "Beta"}}
    )

    assert (refused.status_code, renamed.status_code) == (409, 201)


async def test_a_client_may_have_several_journeys(journeys: httpx.AsyncClient) -> None:
    await journeys.post("/journeys", json=BETA)

    second = await journeys.post("/journeys", json=BETA | {"ref": "journey-beta-2027"})

    assert second.status_code == 201


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ref": "Not A Ref"}, "ref"),
        ({"stage": "moon"}, "stage"),
        ({"client": None}, "client"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_a_wrong_body_is_answered_field_by_field(
    journeys: httpx.AsyncClient, wrong: dict[str, Any], field: str
) -> None:
    answer = await journeys.post("/journeys", json=BETA | wrong)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_completed_journey_stays_completed(journeys: httpx.AsyncClient) -> None:
    first = await journeys.post(f"/journeys/{ACME}/complete")
    again = await journeys.post(f"/journeys/{ACME}/complete")
    moved = await journeys.put(f"/journeys/{ACME}/stage", json={"stage": "pilot"})

    assert (first.json()["status"], again.json()["status"]) == ("completed", "completed")
    assert moved.status_code == 409


async def test_a_journey_reaches_the_next_stage(journeys: httpx.AsyncClient) -> None:
    moved = await journeys.put(f"/journeys/{ACME}/stage", json={"stage": "pilot"})
    wrong = await journeys.put(f"/journeys/{ACME}/stage", json={"stage": "moon"})

    assert (moved.status_code, moved.json()["stage"]) == (200, "pilot")
    assert wrong.status_code == 422


async def test_journeys_are_listed_page_by_page(journeys: httpx.AsyncClient) -> None:
    for number in range(3):
        await journeys.post("/journeys", json=BETA | {"ref": f"journey-beta-{number}"})
    await journeys.post("/journeys/journey-beta-1/complete")

    refs, token = [], ""
    while page := (
        await journeys.get(
            "/journeys", params={"status": "active", "page_token": token, "page_size": "2"}
        )
    ).json():
        refs += [each["ref"] for each in page["journeys"]]
        token = page["next_page_token"]
        if not token:
            break

    assert refs == [ACME, "journey-beta-0", "journey-beta-2"]


async def test_journeys_are_listed_by_status(journeys: httpx.AsyncClient) -> None:
    await journeys.post("/journeys", json=BETA)
    await journeys.post(f"/journeys/{ACME}/complete")

    listed = {
        status: [
            each["ref"]
            for each in (await journeys.get("/journeys", params={"status": status})).json()[
                "journeys"
            ]
        ]
        for status in ("", "active", "completed")
    }

    assert listed == {"": [ACME, BETA["ref"]], "active": [BETA["ref"]], "completed": [ACME]}


@pytest.mark.parametrize(
    "params", [{"status": "asleep"}, {"page_token": "nonsense"}, {"page_size": "0"}]
)
async def test_a_listing_it_does_not_understand_is_refused(
    journeys: httpx.AsyncClient, params: dict[str, str]
) -> None:
    answer = await journeys.get("/journeys", params=params)

    assert answer.status_code == 422


async def test_a_method_it_does_not_know_is_a_problem(journeys: httpx.AsyncClient) -> None:
    answer = await journeys.delete(f"/journeys/{ACME}")

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


async def test_journeys_survive_a_restart_where_they_were(tmp_path: Path) -> None:
    database = tmp_path / "journeys.db"
    async with _calling(database) as http:
        await http.put(f"/journeys/{ACME}/stage", json={"stage": "pilot"})

    async with _calling(database) as http:
        journey = (await http.get(f"/journeys/{ACME}")).json()

    assert journey["stage"] == "pilot"


def test_only_problems_are_answered_as_problems() -> None:
    request = Request({"type": "http"})

    with pytest.raises(LookupError):
        answer_problem(request, LookupError("a defect of ours"))
