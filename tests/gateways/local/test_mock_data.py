"""The local supplier: its templates, and records that come out the same for the same seed."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from gateways.local.mock_data import create_app

CONFLUENCE = "healthcare_developer_productivity_confluence"
GITHUB = "healthcare_developer_productivity_github"
ZENDESK = "fintech_customer_support_zendesk"
TYPES = (
    "confluence",
    "gdrive",
    "github",
    "jira",
    "salesforce",
    "servicenow",
    "sharepoint",
    "slack",
    "stackoverflow",
    "zendesk",
)
ALL = sorted([CONFLUENCE, GITHUB, ZENDESK, *(f"generic_{each}" for each in TYPES)])
CATEGORIES = {
    "KNOWLEDGE_HUB",
    "PUBLISHED_CONTENT",
    "COLLABORATIVE_CONTENT",
    "TICKETS",
    "CRM",
    "CHANGE_MANAGEMENT",
    "MESSAGING",
    "QUESTION_ANSWER",
    "CODE_REPOSITORY",
}


@pytest.fixture
async def supplier() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://supplier") as http:
        yield http


async def _templates(supplier: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {each["template_id"]: each for each in (await supplier.get("/templates")).json()}


async def _generate(supplier: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    asked = {"template_id": CONFLUENCE, "record_count": 20, "seed": 1} | body
    answer = await supplier.post("/generate-mock-data", json=asked)
    generated: dict[str, Any] = answer.json()
    return generated


async def test_every_dataset_type_has_a_template(supplier: httpx.AsyncClient) -> None:
    templates = await _templates(supplier)

    assert sorted(templates) == ALL
    assert {each["dataset_type"] for each in templates.values()} == set(TYPES)


@pytest.mark.requirement("R37")
async def test_templates_are_found_by_industry_and_use_case(supplier: httpx.AsyncClient) -> None:
    healthcare = await supplier.get("/templates/healthcare/developer_productivity")
    generic = await supplier.get("/templates/generic/generic")

    assert [each["template_id"] for each in healthcare.json()] == [CONFLUENCE, GITHUB]
    assert len(generic.json()) == 10


async def test_no_template_is_a_problem_with_404(supplier: httpx.AsyncClient) -> None:
    answer = await supplier.get("/templates/forestry/pest_control")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "there is no template for forestry and pest_control"


@pytest.mark.requirement("R6", "R45")
async def test_the_three_named_templates_are_as_they_were_described(
    supplier: httpx.AsyncClient,
) -> None:
    templates = await _templates(supplier)

    described = {
        key: (
            templates[key]["record_count"],
            templates[key]["record_count_range"],
            [(each["name"], each["percent"]) for each in templates[key]["content_mix"]],
        )
        for key in (CONFLUENCE, GITHUB, ZENDESK)
    }
    assert described == {
        CONFLUENCE: (
            500,
            [300, 2000],
            [
                ("Engineering docs", 40),
                ("Product specs", 30),
                ("Onboarding guides", 20),
                ("Meeting notes", 10),
            ],
        ),
        GITHUB: (
            100,
            [50, 500],
            [("Backend services", 50), ("Frontend apps", 30), ("Data pipelines", 20)],
        ),
        ZENDESK: (
            1000,
            [500, 5000],
            [
                ("Account issues", 40),
                ("Transaction questions", 30),
                ("Product features", 20),
                ("Bug reports", 10),
            ],
        ),
    }
    assert templates[CONFLUENCE]["topics"] == [
        "Medical device development",
        "FDA compliance processes",
        "Software quality assurance",
        "Clinical trial protocols",
    ]
    assert templates[GITHUB]["languages"] == ["Python", "TypeScript", "Java"]
    assert templates[ZENDESK]["industries"] == ["Banking", "Insurance", "Payments"]


@pytest.mark.requirement("R6")
@pytest.mark.parametrize("template_id", ALL)
async def test_a_template_says_all_that_a_dataset_needs(
    supplier: httpx.AsyncClient, template_id: str
) -> None:
    template = (await _templates(supplier))[template_id]

    least, most = template["record_count_range"]
    assert least <= template["record_count"] <= most == template["max_documents"]
    assert sum(each["percent"] for each in template["content_mix"]) == 100
    assert {each["category"] for each in template["object_types"]} <= CATEGORIES
    assert all(each["name"].isalnum() for each in template["object_types"])
    assert template["schema"]["additionalProperties"] is False
    assert len(template["schema"]["properties"]) == 10
    assert template["quality_expectations"] == {
        "schema": 1.0,
        "completeness": 0.95,
        "connector_health": 1.0,
        "sample_queries": 1.0,
    }
    assert (await supplier.get(template["sample_data_url"])).status_code == 200
    assert "generator" not in template


@pytest.mark.requirement("R6")
@pytest.mark.parametrize("template_id", ALL)
async def test_records_are_what_their_template_promises(
    supplier: httpx.AsyncClient, template_id: str
) -> None:
    template = (await _templates(supplier))[template_id]
    schema = jsonschema_rs.Draft202012Validator(template["schema"], validate_formats=True)

    records = (await _generate(supplier, template_id=template_id, record_count=500, seed=3))[
        "records"
    ]

    assert [error.message for record in records for error in schema.iter_errors(record)] == []
    assert len({record["id"] for record in records}) == 500
    assert len({record["title"] for record in records}) >= 495
    assert len({record["body"] for record in records}) == 500
    assert all(120 <= len(record["body"].split()) <= 250 for record in records)
    assert all(record["created_at"] <= record["updated_at"] for record in records)
    assert Counter(record["content_type"] for record in records) == {
        each["name"]: each["percent"] * 5 for each in template["content_mix"]
    }
    assert sum(len(record) for record in records) / (500 * 10) == 0.98


async def test_a_hundred_records_are_as_complete_as_five_hundred(
    supplier: httpx.AsyncClient,
) -> None:
    records = (await _generate(supplier, template_id=GITHUB, record_count=100))["records"]

    assert sum(len(record) for record in records) / (100 * 10) == 0.98


@pytest.mark.requirement("R38")
async def test_the_sample_is_always_the_same_twenty(supplier: httpx.AsyncClient) -> None:
    first = await supplier.get(f"/mock-data/{CONFLUENCE}")
    again = await supplier.get(f"/mock-data/{CONFLUENCE}")

    assert first.content == again.content
    assert first.json()["template_id"] == CONFLUENCE
    assert len(first.json()["records"]) == 20


@pytest.mark.requirement("R39")
async def test_an_answer_repeats_what_was_asked(supplier: httpx.AsyncClient) -> None:
    generated = await _generate(supplier, record_count=3, seed="9223372036854775808")

    records = generated.pop("records")
    assert generated == {"template_id": CONFLUENCE, "record_count": 3, "seed": 2**63}
    assert len(records) == 3


async def test_a_page_is_that_slice_of_the_whole(supplier: httpx.AsyncClient) -> None:
    whole = (await _generate(supplier, record_count=300))["records"]

    page = (await _generate(supplier, record_count=300, offset=120, limit=75))["records"]
    rest = (await _generate(supplier, record_count=300, offset=290, limit=75))["records"]
    nothing = (await _generate(supplier, record_count=300, offset=300))["records"]

    assert page == whole[120:195]
    assert rest == whole[290:]
    assert nothing == []


async def test_records_come_as_lines_where_lines_are_asked_for(supplier: httpx.AsyncClient) -> None:
    whole = (await _generate(supplier, record_count=120))["records"]

    answer = await supplier.post(
        "/generate-mock-data",
        json={"template_id": CONFLUENCE, "record_count": 120, "seed": "1"},
        headers={"accept": "application/x-ndjson"},
    )

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == whole


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"record_count": 0}, "record_count"),
        ({"record_count": 2001}, "record_count"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63 + 1}, "seed"),
        ({"seed": "acme-healthcare"}, "seed"),
        ({"limit": 0}, "limit"),
        ({"offset": 21}, ""),
        ({"pages": 2}, "pages"),
    ],
)
async def test_a_wrong_body_is_answered_field_by_field(
    supplier: httpx.AsyncClient, wrong: dict[str, object], field: str
) -> None:
    problem = await _generate(supplier, **wrong)

    assert problem["status"] == 422
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/mock-data/nobody", None),
        ("POST", "/generate-mock-data", {"template_id": "nobody", "record_count": 1, "seed": 1}),
        ("POST", "/templates/nobody/feedback", {}),
        ("GET", "/elsewhere", None),
    ],
)
async def test_what_does_not_exist_is_a_problem_with_404(
    supplier: httpx.AsyncClient, method: str, path: str, body: dict[str, object] | None
) -> None:
    answer = await supplier.request(method, path, json=body)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_feedback_is_taken(supplier: httpx.AsyncClient) -> None:
    path = f"/templates/{CONFLUENCE}/feedback"

    taken = await supplier.post(path, json={"datasets": 3, "quality_score": 0.995})
    refused = await supplier.post(path, content=b"[1]")

    assert (taken.status_code, refused.status_code) == (202, 422)


async def test_feedback_is_shown_newest_first_and_once_an_id(supplier: httpx.AsyncClient) -> None:
    path = f"/templates/{CONFLUENCE}/feedback"
    for said in ({"feedback_id": "a", "n": 1}, {"feedback_id": "b"}, {"feedback_id": "a", "n": 2}):
        await supplier.post(path, json=said)

    shown = (await supplier.get(path)).json()

    assert shown == {
        "template_id": CONFLUENCE,
        "count": 2,
        "feedback": [{"feedback_id": "b"}, {"feedback_id": "a", "n": 1}],
    }
    assert (await supplier.get("/templates/nobody/feedback")).status_code == 404


async def test_feedback_without_an_id_is_known_by_what_it_says(supplier: httpx.AsyncClient) -> None:
    path = f"/templates/{GITHUB}/feedback"
    for said in ({"used": 1}, {"used": 1}, {"used": 2}):
        await supplier.post(path, json=said)

    assert (await supplier.get(path)).json()["count"] == 2


async def test_feedback_outlasts_a_restart_and_is_seen_by_every_process(tmp_path: Path) -> None:
    path, file = f"/templates/{GITHUB}/feedback", tmp_path / "mock-data.db"
    counts = []
    for number in range(2):
        app = create_app(file)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://supplier") as http,
        ):
            await http.post(path, json={"feedback_id": str(number)})
            counts.append((await http.get(path)).json()["count"])

    assert counts == [1, 2]
