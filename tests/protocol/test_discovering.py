"""Discovering and registering as callers meet them: over A2A, from the source to a READY dataset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.commands import Principal
from protocol.examples import example_of
from protocol.schemas import schemas
from tests.published import strictly
from tests.running import ACME, BASE, JIRA, SMALL, RunningService, running, tokens_file

if TYPE_CHECKING:
    from pathlib import Path

DISCOVERY = "dataset-discovery"
COORDINATOR = "lifecycle-coordinator"
_NOBODY = Principal("default", "nobody")
CONFLUENCE = "healthcare_developer_productivity_confluence"


async def discover(service: RunningService, source: str) -> Any:
    return await service.call(DISCOVERY, {"skill": "discover-datasets", "source": source})


async def register(service: RunningService, pack: Any, **more: Any) -> Any:
    return await service.call(DISCOVERY, {"skill": "register-template", "pack": pack, **more})


def a_pack(**changes: Any) -> dict[str, Any]:
    return {**example_of("register-template")["pack"], **changes}


def exports(folder: Path, *lines: str) -> dict[str, Any]:
    """Make a discovery root with one export; gives the setting that names it."""
    (folder / "root" / "acme").mkdir(parents=True, exist_ok=True)
    (folder / "root" / "acme" / "jira.jsonl").write_text("\n".join(lines))
    return {"discovery_root": folder / "root"}


# --- discovering ---------------------------------------------------------------------------------


@pytest.mark.requirement("R11", "R64")
async def test_the_suppliers_samples_are_catalogued_and_answered_as_published(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        heard = await discover(service, f"samples:{CONFLUENCE}")

        strictly(schemas(BASE)["discover-datasets.output"]).validate(heard.data)
        (found,) = heard.data["types"]
        assert (found["dataset_type"], found["record_count"]) == ("confluence", 20)
        assert found["schema"]["properties"]["created_at"]["format"] == "date-time"
        assert heard.data["difference"]["since"] is None
        assert "20 records of confluence" in heard.sentence


@pytest.mark.requirement("R11")
async def test_a_datasource_of_ours_is_catalogued_by_its_connectors_name(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)

        heard = await discover(service, f"glean:{JIRA}")
        datasource = (
            await service.call(COORDINATOR, {"skill": "dataset-status", "dataset_id": JIRA})
        ).dataset["datasource"]
        again = await discover(service, f"glean:{datasource}")

        for each in (heard, again):
            (found,) = each.data["types"]
            assert (found["dataset_type"], found["record_count"]) == ("jira", 10)
            assert {"id", "title", "object_type"} <= set(found["schema"]["required"])
            assert "not its text" in each.data["scan"]["notes"][0]


@pytest.mark.requirement("R11")
async def test_a_folder_is_catalogued_and_its_broken_lines_are_told(tmp_path: Path) -> None:
    set_up = exports(tmp_path, '{"id": "1", "title": "a"}', "{", '{"id": "2", "title": "b"}')
    async with running(tmp_path / "data", **set_up) as service:
        heard = await discover(service, "folder:acme")

        strictly(schemas(BASE)["discover-datasets.output"]).validate(heard.data)
        assert heard.state == "COMPLETED"
        assert heard.data["record_count"] == 2
        assert heard.data["scan"]["broken"][0]["line"] == 2
        assert "1 lines are broken." in heard.sentence


@pytest.mark.requirement("R11")
async def test_a_second_discovery_tells_what_has_changed_since_the_first(tmp_path: Path) -> None:
    set_up = exports(tmp_path, '{"id": "1", "size": 1}')
    async with running(tmp_path / "data", **set_up) as service:
        first = await discover(service, "folder:acme")
        exports(tmp_path, '{"id": "1", "size": "large", "owner": "a"}')
        second = await discover(service, "folder:acme")

        difference = second.data["difference"]
        assert difference["since"] == first.data["discovery_id"]
        assert {(each["path"], each["change"]) for each in difference["changes"]} == {
            ("size", "type"),
            ("owner", "added"),
        }


@pytest.mark.parametrize(
    ("source", "state", "told"),
    [
        ("samples:nothing", "REJECTED", "There is no template 'nothing'"),
        ("glean:nothing", "REJECTED", "Glean has no datasource 'nothing'"),
        ("glean:../../x", "REJECTED", "Glean"),
        ("folder:nothing", "REJECTED", "There is no folder or file"),
        ("folder:../..", "REJECTED", "not named as one below"),
        ("folder:/etc", "REJECTED", "not named as one below"),
        ("folder:acme", "REJECTED", "There is not one record in folder:acme"),
        ("s3:bucket", "INPUT_REQUIRED", "source: must be glean:DATASOURCE"),
        ("folder:a\nb", "INPUT_REQUIRED", "source: must be"),
    ],
)
async def test_what_cannot_be_discovered_is_refused_and_nothing_is_kept(
    tmp_path: Path, source: str, state: str, told: str
) -> None:
    async with running(tmp_path / "data", **exports(tmp_path, "{", "[]")) as service:
        heard = await discover(service, source)

        assert (heard.state, told in heard.sentence) == (state, True), heard.sentence
        assert await service.service.desks.catalogue.discoveries(_NOBODY, None, 10) == {
            "discoveries": []
        }


async def test_without_a_root_no_folder_is_looked_through(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        heard = await discover(service, "folder:acme")

        assert heard.state == "REJECTED"
        assert "DATAOPS_DISCOVERY_ROOT is not set" in heard.sentence


async def test_a_glean_that_is_down_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        service.glean_faults.fail_next("/search", status=503, times=1000)

        heard = await discover(service, f"glean:{JIRA}")

        assert heard.state == "FAILED"
        assert "Glean" in heard.sentence


async def test_another_tenants_dataset_folder_and_catalogue_are_out_of_sight(
    tmp_path: Path,
) -> None:
    tokens = tokens_file(tmp_path, ours="default ada", theirs="globex bob")
    set_up = {"auth_tokens": tokens, **exports(tmp_path, '{"id": "1"}')}
    async with running(tmp_path / "data", **set_up) as service:
        ours, theirs = await service.line_of("ours"), await service.line_of("theirs")
        made = await ours.call(COORDINATOR, SMALL)
        ask = {"skill": "discover-datasets"}
        await ours.call(DISCOVERY, {**ask, "source": "folder:acme"})

        by_name = await theirs.call(DISCOVERY, {**ask, "source": f"glean:{JIRA}"})
        by_id = await theirs.call(
            DISCOVERY, {**ask, "source": f"glean:{made.dataset['datasource']}"}
        )
        folder = await theirs.call(DISCOVERY, {**ask, "source": "folder:acme"})
        catalogue = service.service.desks.catalogue

        assert [each.state for each in (by_name, by_id, folder)] == ["REJECTED"] * 3
        assert "not parted by tenant" in folder.sentence
        assert made.dataset["dataset_id"] not in by_id.sentence
        theirs_alone = await catalogue.discoveries(Principal("globex", "bob"), None, 10)
        assert theirs_alone == {"discoveries": []}


# --- registering ---------------------------------------------------------------------------------


@pytest.mark.requirement("R11", "R13", "R76", "R79", "R80")
async def test_a_registered_template_is_chosen_and_its_dataset_becomes_ready(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        pack = a_pack(use_case="developer_productivity")
        registered = await register(service, pack)
        wanted = {"industry": "healthcare", "use_case": "developer_productivity"}

        chosen = await service.call(
            DISCOVERY, {"skill": "select-template", **wanted, "dataset_type": "jira"}
        )
        made = await service.call(COORDINATOR, {**SMALL, "record_count": 50})

        strictly(schemas(BASE)["register-template.output"]).validate(registered.data)
        assert registered.data["template"]["origin"] == "registered"
        assert (chosen.data["template_id"], chosen.data["match"]) == ("acme_support_jira", "exact")
        assert made.state == "COMPLETED"
        assert made.dataset["template_id"] == "acme_support_jira"
        assert made.dataset["status"] == "ready"
        assert made.dataset["record_count"] == 50


@pytest.mark.requirement("R11")
async def test_the_drafted_pack_of_samples_can_be_registered_and_provisioned_as_it_is(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        found = await discover(service, f"samples:{CONFLUENCE}")
        pack = found.data["drafts"][0]["pack"]
        registered = await register(service, pack)

        made = await service.call(
            COORDINATOR,
            {
                "skill": "provision-datasets",
                **ACME,
                "dataset_types": ["confluence"],
                "record_count": 300,
            },
        )

        assert registered.state == "COMPLETED", registered.sentence
        assert made.dataset["template_id"] == pack["template_id"]
        assert made.dataset["status"] == "ready", made.dataset


async def test_the_draft_of_a_folder_is_refused_until_a_person_has_filled_it_in(
    tmp_path: Path,
) -> None:
    lines = [json.dumps({"id": f"r{n}", "title": f"title {n}"}) for n in range(20)]
    async with running(tmp_path / "data", **exports(tmp_path, *lines)) as service:
        found = await discover(service, "folder:acme")
        draft = found.data["drafts"][0]

        refused = await register(service, draft["pack"])
        filled = {
            **draft["pack"],
            "industry": "healthcare",
            "use_case": "customer_support",
            "generate_from": "generic_jira",
            "record_count_range": [10, 20],
        }
        taken = await register(service, filled)

        empty = {"pack.industry", "pack.use_case", "pack.generate_from"}
        assert refused.state == "INPUT_REQUIRED"
        assert {each["field"] for each in refused.data["errors"]} == empty
        assert empty <= {f"pack.{each['field']}" for each in draft["fill_in"]}
        assert len(draft["sample_queries"]) == 10
        assert taken.state == "COMPLETED", taken.sentence


async def test_registering_again_is_the_same_and_other_content_wants_another_version(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        first = await register(service, a_pack())
        again = await register(service, dict(reversed(a_pack().items())))
        other = await register(service, a_pack(name="Another"))
        newer = await register(service, a_pack(name="Another", version="1.0.1"))

        assert (first.data["was_there"], again.data["was_there"]) == (False, True)
        assert again.data["registered_at"] == first.data["registered_at"]
        assert (other.state, "higher version" in other.sentence) == ("REJECTED", True)
        assert newer.state == "COMPLETED"


async def test_a_dry_run_tells_what_would_come_of_a_pack_and_writes_nothing(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        heard = await register(service, a_pack(), dry_run=True)

        shown = await service.call(
            DISCOVERY, {"skill": "describe-template", "template_id": "acme_support_jira"}
        )
        strictly(schemas(BASE)["register-template.output"]).validate(heard.data)
        assert (heard.state, heard.data["registered"]) == ("COMPLETED", False)
        assert "nothing was written" in heard.sentence
        assert shown.state == "REJECTED"


async def test_a_dry_run_knows_what_is_registered(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        first = await register(service, a_pack(version="1.10.0"))

        same = await register(service, a_pack(version="1.10.0"), dry_run=True)
        other = await register(service, a_pack(version="1.10.0", name="Another"), dry_run=True)
        lower = await register(service, a_pack(version="1.9.0"), dry_run=True)

        assert (same.data["registered"], same.data["was_there"]) == (False, True)
        assert same.data["registered_at"] == first.data["registered_at"]
        assert "was registered already; nothing was written" in same.sentence
        assert (other.state, "higher version" in other.sentence) == ("REJECTED", True)
        assert (lower.data["was_there"], same.data["warnings"]) == (False, [])
        assert "1.10.0 of acme_support_jira is registered: it stays" in lower.data["warnings"][0]


STRICT = {"type": "object", "required": ["colour"]}


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"generate_from": "nothing"}, "pack.generate_from", "names none of the supplier's"),
        ({"dataset_type": "slack"}, "pack.dataset_type", "generic_jira makes jira"),
        ({"record_count_range": [50, 9000]}, "pack.record_count_range", "makes 10 to 5000 records"),
        ({"schema": STRICT}, "pack.schema", "refuses 20 of the 20 sample records"),
        ({"schema": {"$ref": "http://127.0.0.1:1/x"}}, "pack.schema", "outside the schema"),
    ],
)
async def test_a_pack_no_dataset_of_which_could_pass_is_refused_by_field(
    tmp_path: Path, change: dict[str, Any], field: str, told: str
) -> None:
    async with running(tmp_path) as service:
        heard = await register(service, a_pack(**change))

        assert heard.state == "INPUT_REQUIRED"
        assert [each["field"] for each in heard.data["errors"]] == [field]
        assert told in heard.sentence


async def test_queries_that_expect_records_nobody_generates_are_warned_of(tmp_path: Path) -> None:
    queries = [{"query": f"q{n}", "expected_id": f"r{n}"} for n in range(10)]
    async with running(tmp_path) as service:
        heard = await register(service, a_pack(sample_queries=queries), dry_run=True)

        assert "10 of its 10 sample queries" in heard.data["warnings"][0]


async def test_a_template_of_the_suppliers_key_takes_its_place_and_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        pack = a_pack(template_id="generic_jira", industry="generic", use_case="generic")

        heard = await register(service, pack)

        shown = await service.call(
            DISCOVERY, {"skill": "describe-template", "template_id": "generic_jira"}
        )
        preview = await service.call(
            DISCOVERY,
            {"skill": "preview-template", "template_id": "generic_jira", "record_count": 2},
        )
        assert "takes the place of" in heard.data["warnings"][0]
        assert shown.data["name"] == "ACME support: Jira"
        assert len(preview.data["records"]) == 2


async def test_a_registered_template_is_its_tenants_alone(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, ours="default ada", theirs="globex bob")
    async with running(tmp_path, auth_tokens=tokens) as service:
        ours, theirs = await service.line_of("ours"), await service.line_of("theirs")
        await ours.call(DISCOVERY, {"skill": "register-template", "pack": a_pack()})

        shown = {"skill": "describe-template", "template_id": "acme_support_jira"}
        mine, other = await ours.call(DISCOVERY, shown), await theirs.call(DISCOVERY, shown)

        assert (mine.state, other.state) == ("COMPLETED", "REJECTED")


DEVELOPERS = "developer_productivity"

NEAREST = [
    ("healthcare", DEVELOPERS, "github", "exact", "healthcare_developer_productivity_github"),
    ("healthcare", "support", "confluence", "industry", CONFLUENCE),
    ("retail", DEVELOPERS, "confluence", "use_case", CONFLUENCE),
    ("retail", "support", "confluence", "type", CONFLUENCE),
    ("retail", "support", "slack", "generic", "generic_slack"),
]


@pytest.mark.requirement("R76", "R80")
async def test_the_nearest_template_is_selected_down_to_the_generic_one(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        for industry, use_case, dataset_type, match, key in NEAREST:
            wanted = {"industry": industry, "use_case": use_case, "dataset_type": dataset_type}

            heard = await service.call(DISCOVERY, {"skill": "select-template", **wanted})

            assert (heard.data["match"], heard.data["template_id"]) == (match, key)
            assert len(heard.data["reasons"]) == len(heard.data["candidates"])


@pytest.mark.requirement("R76", "R80")
async def test_at_one_level_the_registered_template_comes_first(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        pack = a_pack(template_id="zzz_last_by_name", industry="generic", use_case="generic")
        await register(service, pack)

        heard = await service.call(
            DISCOVERY,
            {
                "skill": "select-template",
                "industry": "retail",
                "use_case": "support",
                "dataset_type": "jira",
            },
        )

        assert heard.data["template_id"] == "zzz_last_by_name"
        assert heard.data["candidates"]["generic"] == ["zzz_last_by_name", "generic_jira"]
