"""The JSON API answers what is so, and tells every error as RFC 9457 asks."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest

from domain import errors
from domain.commands import Principal
from domain.lifecycle import DatasetStatus
from service.problems import problem_of
from tests.published import strictly
from tests.service.consoles import Console, a_dataset_of


async def test_datasets_are_listed_page_by_page(console: Console) -> None:
    for client in range(3):
        await console.keep(DatasetStatus.READY, a_dataset_of(client))

    first = (await console.http.get("/api/v1/datasets?page_size=2")).json()
    rest = await console.http.get(
        "/api/v1/datasets", params={"page_size": 2, "page_token": first["next_page_token"]}
    )

    assert len(first["datasets"]) == 2
    assert len(rest.json()["datasets"]) == 1
    assert rest.json()["next_page_token"] is None


async def test_datasets_are_filtered_by_status_in_either_case(console: Console) -> None:
    await console.keep(DatasetStatus.READY, a_dataset_of(1))
    await console.keep(DatasetStatus.FAILED, a_dataset_of(2))

    found = (await console.http.get("/api/v1/datasets?status=FAILED&stage=sandbox")).json()

    assert [each["status"] for each in found["datasets"]] == ["failed"]


@pytest.mark.parametrize("named", ["by id", "by connector"])
async def test_a_dataset_is_shown_by_either_name(console: Console, named: str) -> None:
    dataset = await console.keep(DatasetStatus.READY)
    place = dataset.place
    ref = place.connector_name if named == "by connector" else str(place.dataset_id)

    found = (await console.http.get(f"/api/v1/datasets/{ref}")).json()

    assert found["dataset_id"] == str(place.dataset_id)
    assert len(found["checks"]) == 4


async def test_a_quality_report_names_its_run(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.FAILED)

    found = (await console.http.get(f"/api/v1/datasets/{dataset.place.dataset_id}/quality")).json()

    assert (found["run"], found["runs"]) == (1, 1)
    assert found["failed_checks"] == ["schema"]


async def test_events_are_told_of_one_dataset_or_of_all(console: Console) -> None:
    first = await console.keep(DatasetStatus.READY, a_dataset_of(1))
    await console.keep(DatasetStatus.READY, a_dataset_of(2))
    path = f"/api/v1/datasets/{first.place.dataset_id}/events"

    own = (await console.http.get(path)).json()["events"]
    everything = (await console.http.get("/api/v1/events")).json()["events"]

    assert {each["subject"] for each in own} == {str(first.place.dataset_id)}
    assert len(everything) == 2 * len(own)


async def test_events_come_page_by_page(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    page = (await console.http.get("/api/v1/events?limit=1")).json()
    rest = (await console.http.get(f"/api/v1/events?after={page['next_after']}")).json()

    assert len(page["events"]) == 1
    assert rest["next_after"] is None


async def test_an_archive_is_read_back_and_compared(console: Console) -> None:
    dataset = await console.keep_archived(b'{"format":"dataops-archive/1"}')

    found = (await console.http.get(f"/api/v1/datasets/{dataset.place.dataset_id}/archive")).json()

    assert found["verified"] is True
    assert found["size_bytes"] == 30


async def test_archives_are_listed_page_by_page(console: Console) -> None:
    for client in range(3):
        await console.keep(DatasetStatus.ARCHIVED, a_dataset_of(client))
    await console.keep(DatasetStatus.READY, a_dataset_of(9))

    first = (await console.http.get("/api/v1/archives?page_size=2")).json()
    rest = await console.http.get(
        "/api/v1/archives", params={"page_size": 2, "page_token": first["next_page_token"]}
    )

    assert len(first["archives"]) == 2
    assert len(rest.json()["archives"]) == 1
    assert rest.json()["next_page_token"] is None


async def test_an_archive_is_shown_with_how_long_it_is_kept(console: Console) -> None:
    dataset = await console.keep_archived(b"{}")

    found = (await console.http.get(f"/api/v1/archives/{dataset.place.dataset_id}")).json()

    assert dataset.archive is not None
    assert dataset.retain_until is not None
    assert found["location"] == dataset.archive.location
    assert found["kept_until"] == dataset.retain_until.isoformat()
    assert (found["legal_hold"], found["lock_owed"], found["purged_at"]) == (None, False, None)


async def test_an_archives_bytes_come_as_they_were_written_with_their_digest(
    console: Console,
) -> None:
    content = b'{"format":"dataops-archive/1"}'
    dataset = await console.keep_archived(content)

    answer = await console.http.get(f"/api/v1/archives/{dataset.place.dataset_id}/content")

    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert answer.content == content
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert answer.headers["content-disposition"].endswith(f'{dataset.place.dataset_id}.json"')


@pytest.mark.parametrize("damage", ["exchanged", "gone"])
async def test_bytes_that_are_not_the_archives_are_not_given_out(
    console: Console, damage: str
) -> None:
    dataset = await console.keep_archived(b"{}")
    assert dataset.archive is not None
    await console.archive.purge(dataset.archive.location, dataset.archive.locked_until)
    if damage == "exchanged":
        key = dataset.archive.location.removeprefix("folder:")
        await console.archive.put(key, b"other", dataset.archive.locked_until)

    answer = await console.http.get(f"/api/v1/archives/{dataset.place.dataset_id}/content")

    assert answer.status_code == 502
    assert dataset.archive.location.removeprefix("folder:") in answer.json()["detail"]


async def test_another_tenants_archive_does_not_exist(console: Console) -> None:
    dataset = await console.keep_archived(b"{}")

    async with console.seen_by(Principal("globex", "bob")) as stranger:
        listed = (await stranger.get("/api/v1/archives")).json()
        shown = await stranger.get(f"/api/v1/archives/{dataset.place.dataset_id}")
        content = await stranger.get(f"/api/v1/archives/{dataset.place.dataset_id}/content")

    assert listed["archives"] == []
    assert (shown.status_code, content.status_code) == (404, 404)


async def test_a_dataset_without_an_archive_says_so(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY)

    answer = await console.http.get(f"/api/v1/datasets/{dataset.place.dataset_id}/archive")

    assert answer.status_code == 404
    assert "has no archive" in answer.json()["detail"]


async def test_approvals_are_listed_those_that_wait_unless_a_status_is_named(
    console: Console,
) -> None:
    asked = await console.ask_about(await console.keep(DatasetStatus.READY))

    waiting = (await console.http.get("/api/v1/approvals")).json()
    refused = (await console.http.get("/api/v1/approvals?status=refused")).json()
    elsewhere = await console.seen_by(Principal("globex", "bob")).get("/api/v1/approvals")

    assert [each["approval_id"] for each in waiting["approvals"]] == [str(asked.approval_id)]
    assert refused["approvals"] == elsewhere.json()["approvals"] == []


@pytest.mark.requirement("R79")
async def test_templates_are_listed_shown_and_previewed(console: Console) -> None:
    key = "healthcare_developer_productivity_confluence"

    found = (await console.http.get("/api/v1/templates?dataset_type=confluence")).json()
    shown = (await console.http.get(f"/api/v1/templates/{key}")).json()
    preview = (await console.http.get(f"/api/v1/templates/{key}/preview?record_count=2")).json()

    assert key in [each["template_id"] for each in found["templates"]]
    assert {each["dataset_type"] for each in found["templates"]} == {"confluence"}
    assert shown["schema"]["type"] == "object"
    assert len(preview["records"]) == 2


async def test_the_agents_cards_are_listed(console: Console) -> None:
    found = (await console.http.get("/api/v1/agents")).json()

    assert len(found["agents"]) == 5


async def test_the_success_metrics_are_told_of_the_tenant_that_asks(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    ours = (await console.http.get("/api/v1/metrics")).json()["metrics"]
    async with console.seen_by(Principal("globex", "bob")) as stranger:
        theirs = (await stranger.get("/api/v1/metrics")).json()["metrics"]

    told = {each["number"]: (each["value"], each["is_met"], each["counted"]) for each in ours}
    assert told["R91"] == (420, True, 1)
    assert told["R95"] == (0.995, True, 1)
    assert told["R98"] == (None, None, 0)
    assert {each["value"] for each in theirs} == {None}


@pytest.mark.parametrize(
    "path",
    [
        "datasets/nothing",
        "datasets/7b0d5a7e-0000-4000-8000-00000000dead",
        "templates/nothing",
        "datasets/nothing/events",
    ],
)
async def test_what_does_not_exist_is_a_problem(console: Console, path: str) -> None:
    answer = await console.http.get(f"/api/v1/{path}")

    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["title"]) == (404, 404, "Not Found")


async def test_another_tenants_dataset_does_not_exist(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY)

    async with console.seen_by(Principal("globex", "bob")) as stranger:
        answer = await stranger.get(f"/api/v1/datasets/{dataset.place.dataset_id}")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("datasets?status=broken", "status"),
        ("datasets?stage=beta", "stage"),
        ("datasets?page_size=0", "page_size"),
        ("datasets?page_size=101", "page_size"),
        ("templates/generic_jira/preview?record_count=51", "record_count"),
        ("events?after=soon", "after"),
        (f"events?after={2**63}", "after"),
        ("events?limit=101", "limit"),
        ("events?limit=99999999999999999999", "limit"),
    ],
)
async def test_a_wrong_parameter_is_named(console: Console, query: str, field: str) -> None:
    answer = await console.http.get(f"/api/v1/{query}")

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("given", ["101", "99999999999999999999", "1.5", "-1", "²"])
async def test_a_number_out_of_range_is_told_the_range(console: Console, given: str) -> None:
    answer = await console.http.get("/api/v1/datasets", params={"page_size": given})

    assert "from 1 to 100" in answer.json()["errors"][0]["message"]


async def test_a_page_token_of_somebody_else_is_refused(console: Console) -> None:
    answer = await console.http.get("/api/v1/datasets?page_token=none-of-ours")

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.RequestRejected("no"), 400),
        (errors.NotAllowed("no"), 403),
        (errors.NotFound("no"), 404),
        (errors.TemplateNotFound("no"), 404),
        (errors.DuplicateDataset("no"), 409),
        (errors.IllegalTransition("no"), 409),
        (errors.Conflict("no"), 409),
        (errors.StaleOutcome("no"), 409),
        (errors.InvalidInput("no"), 422),
        (errors.SupplierLied("no"), 502),
        (errors.SupplierUnavailable("no"), 503),
        (errors.DataOpsError("no"), 500),
    ],
)
def test_every_error_has_its_status(error: errors.DataOpsError, status: int) -> None:
    answer = problem_of(error)

    assert answer.status_code == status


def test_a_supplier_that_asks_for_patience_is_heard() -> None:
    answer = problem_of(errors.SupplierUnavailable("later", timedelta(seconds=20)))

    assert answer.headers["retry-after"] == "20"


async def test_the_openapi_document_describes_the_routes_there_are(console: Console) -> None:
    document = (await console.http.get("/openapi.json")).json()

    served = {path for each in console.app.routes if (path := getattr(each, "path", ""))}
    assert document["openapi"].startswith("3.1")
    read = {each for each in served if each.startswith("/api/v1/")}
    assert set(document["paths"]) == read | {"/events"}


async def test_every_reference_of_the_openapi_document_leads_somewhere(console: Console) -> None:
    answer = await console.http.get("/openapi.json")

    known = answer.json()["components"]["schemas"]
    referred = set(answer.text.split('"#/components/schemas/')[1:])
    assert {each.split('"')[0] for each in referred} <= set(known)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("datasets", "/datasets"),
        ("datasets?page_size=1", "/datasets"),
        ("datasets/{0}", "/datasets/{dataset}"),
        ("datasets/{0}/quality", "/datasets/{dataset}/quality"),
        ("datasets/{0}/events?limit=2", "/datasets/{dataset}/events"),
        ("datasets/{0}/archive", "/datasets/{dataset}/archive"),
        ("archives", "/archives"),
        ("archives/{0}", "/archives/{dataset}"),
        ("archives/nothing", "/archives/{dataset}"),
        ("events", "/events"),
        ("templates", "/templates"),
        ("templates/generic_jira", "/templates/{template}"),
        ("templates/generic_jira/preview", "/templates/{template}/preview"),
        ("agents", "/agents"),
        ("metrics", "/metrics"),
        ("approvals", "/approvals"),
        ("approvals?status=pending", "/approvals"),
        ("approvals?status=maybe", "/approvals"),
        ("datasets/nothing", "/datasets/{dataset}"),
        ("datasets?stage=beta", "/datasets"),
    ],
)
async def test_every_answer_is_as_the_openapi_document_says(
    console: Console, path: str, operation: str
) -> None:
    archived = await console.keep_archived(b"{}")
    await console.ask_about(await console.keep(DatasetStatus.READY, a_dataset_of(99)))
    for number, status in enumerate(DatasetStatus):
        await console.keep(status, a_dataset_of(number))
    document = (await console.http.get("/openapi.json")).json()

    answer = await console.http.get(f"/api/v1/{path.format(archived.place.dataset_id)}")

    responses = document["paths"][f"/api/v1{operation}"]["get"]["responses"]
    (content,) = responses[str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == content[0]
    strictly({**content[1]["schema"], "components": document["components"]}).validate(answer.json())


async def test_the_openapi_document_takes_what_the_api_takes_and_no_more(console: Console) -> None:
    document = (await console.http.get("/openapi.json")).json()
    asked = document["paths"]["/api/v1/datasets"]["get"]["parameters"]
    schemas = {each["name"]: each["schema"] for each in asked}

    most = schemas["page_size"]["maximum"]
    status = schemas["status"]["enum"][-1]

    taken = await console.http.get(f"/api/v1/datasets?page_size={most}&status={status}")
    refused = await console.http.get(f"/api/v1/datasets?page_size={most + 1}")
    assert (taken.status_code, refused.status_code) == (200, 422)
