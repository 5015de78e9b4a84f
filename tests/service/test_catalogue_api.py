"""The catalogue over HTTP: what was discovered, what has changed, and what is published of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from domain.catalogue import Discovery, ScannedPage
from domain.commands import Principal
from domain.difference import compare
from domain.findings import Findings, ScanLimits
from registry.catalogue import SqlCatalogue
from service.openapi import openapi_document
from tests.builders import ADDRESS, NOW, TENANT
from tests.service.consoles import Console, serving

API = "/api/v1/catalogue"


def a_discovery(number: int, **record: Any) -> Discovery:
    findings = Findings(ScanLimits())
    findings.take(ScannedPage([("jira", {"id": "1", **record})]))
    types, report = findings.types(), findings.report(None)
    return Discovery(UUID(int=number), "folder:acme", NOW, "ada", types, report)


async def keep(console: Console, *discoveries: Discovery) -> None:
    for each in discoveries:
        await SqlCatalogue(console.house.database).keep(TENANT, each)


def published(path: str, document: Any) -> None:
    """Hold an answer to what the OpenAPI document says of its path."""
    api = openapi_document(ADDRESS)
    answer = api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema_rs.Draft202012Validator({**answer, "components": api["components"]}).validate(
        document
    )


@pytest.mark.requirement("R11", "R79")
async def test_discoveries_are_listed_and_shown_as_published(tmp_path: Path) -> None:
    async with serving(tmp_path) as console:
        await keep(console, a_discovery(1), a_discovery(2))

        listed = (await console.http.get(API, params={"source": "folder:acme"})).json()
        shown = (await console.http.get(f"{API}/{UUID(int=2)}")).json()

        published(API, listed)
        published(f"{API}/{{discovery}}", shown)
        assert [each["discovery_id"] for each in listed["discoveries"]] == [
            str(UUID(int=2)),
            str(UUID(int=1)),
        ]
        assert shown["types"][0]["schema"]["properties"] == {"id": {"type": "string"}}


async def test_what_has_changed_is_shown_since_the_last_one_or_since_another(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as console:
        first, second, third = a_discovery(1, a=1), a_discovery(2, b=1), a_discovery(3, b=1, a=1)
        await keep(console, first, second, third)

        last = (await console.http.get(f"{API}/{third.discovery_id}/difference")).json()
        chosen = (
            await console.http.get(
                f"{API}/{third.discovery_id}/difference", params={"since": str(first.discovery_id)}
            )
        ).json()

        published(f"{API}/{{discovery}}/difference", last)
        assert not compare(second, third).is_none
        assert [each["path"] for each in last["changes"]] == ["a"]
        assert [each["path"] for each in chosen["changes"]] == ["b"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{API}/nothing", 404),
        (f"{API}/{UUID(int=9)}", 404),
        (f"{API}/{UUID(int=9)}/difference", 404),
        (f"{API}?limit=0", 422),
        (f"{API}?limit=101", 422),
    ],
)
async def test_what_is_not_there_or_wrong_is_a_problem(
    tmp_path: Path, path: str, status: int
) -> None:
    async with serving(tmp_path) as console:
        answer = await console.http.get(path)

        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


async def test_another_tenants_catalogue_is_out_of_sight(tmp_path: Path) -> None:
    async with serving(tmp_path) as console:
        await keep(console, a_discovery(1))
        async with console.seen_by(Principal("globex", "bob")) as theirs:
            listed = await theirs.get(API)
            shown = await theirs.get(f"{API}/{UUID(int=1)}")

        assert listed.json() == {"discoveries": []}
        assert shown.status_code == 404


@pytest.mark.requirement("R37", "R79")
async def test_templates_are_found_by_industry_and_use_case(tmp_path: Path) -> None:
    async with serving(tmp_path) as console:
        found = (
            await console.http.get("/api/v1/templates/healthcare/developer_productivity")
        ).json()

        published("/api/v1/templates/{industry}/{use_case}", found)
        assert {each["dataset_type"] for each in found["templates"]} == {"confluence", "github"}
