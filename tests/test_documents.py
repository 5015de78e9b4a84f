"""The documents say what is so: their links lead somewhere, their tables agree with the code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import httpx
import jsonschema_rs
import pytest

from domain.events import AdditiveEvent, SeedEvent
from domain.lifecycle import TRANSITIONS
from domain.quality import CheckType, QualityPolicy
from domain.success import SUCCESS_METRICS
from gateways.local import journeys
from service.settings import Settings, Untouched
from service.success import target_text
from service.tokens import read_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = "docs/ddd/dataops-lifecycle-bounded-context.md"
SETTINGS = "docs/settings.md"
METRICS = "docs/metrics.md"
FORM = ROOT / "docs/decisions/0000-template.md"  # it is filled in by whoever copies it
PAGES = sorted(
    str(each.relative_to(ROOT))
    for each in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if each != FORM
)
PLANS = [each for each in PAGES if each.startswith("docs/test-plans/")]
FOLDERS = "agents|bench|docs|domain|gateways|protocol|registry|service|tests"

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED_FILE = re.compile(rf"`((?:{FOLDERS})/[\w./-]+\.(?:py|md|json))(?:::(\w+))?`")
_EDGE = re.compile(r"^\s*(\w+) --> (\w+)", re.MULTILINE)


@pytest.mark.requirement("R90")
def test_the_context_page_speaks_of_the_lifecycle_stages() -> None:
    stages = "(discovery|provisioning|validation|ready|teardown|archived)"

    found = _grep("-E", stages)

    assert len(found) >= 15


@pytest.mark.requirement("R90")
def test_the_context_page_has_the_four_checks_with_their_thresholds() -> None:
    policy = QualityPolicy()

    found = "\n".join(_grep("-A", "15", r"Quality Check\|validateDataset"))

    for check in CheckType:
        needed = policy.thresholds[check]
        passing, weight = float(needed.pass_threshold), float(needed.weight)
        assert f"| {check.value} | {passing:.2f} | {weight:.2f} | yes |" in found
    assert f"{policy.response_time_max_ms} ms" in found
    assert f"queries passed ÷ {policy.query_count}" in found
    assert f"probes passed ÷ {policy.probe_count}" in found
    assert f"at least {float(policy.ready_threshold):.2f}" in found


@pytest.mark.requirement("R3", "R90")
def test_the_context_page_has_the_mock_data_pattern_and_workflow() -> None:
    workflow = ("metadata", "template", "generated", "connector", "uploaded", "checks")

    found = _grep("-A", "10", r"medtronic_mock_data\|Mock Data")

    assert any("Customer-Supplier" in line and "Anti-Corruption Layer" in line for line in found)
    steps = [line for line in found if re.match(r"\d\. ", line)]
    assert all(word in step for word, step in zip(workflow, steps, strict=True))


@pytest.mark.requirement("R90")
def test_the_context_page_defines_the_events_of_every_stage() -> None:
    events = "DatasetProvision|DatasetValidation|DatasetReady|DatasetArchived"

    found = _grep("-E", events)

    definitions = [line for line in found if line.startswith("| Dataset")]
    assert len(definitions) >= 7


@pytest.mark.parametrize("event", [*get_args(SeedEvent), *get_args(AdditiveEvent)])
def test_the_context_page_gives_each_event_its_fields(event: type[Any]) -> None:
    names = ", ".join(each.name for each in fields(event))

    found = _grep("-F", f"| {event.__name__} | ")

    assert [line for line in found if line.startswith(f"| {event.__name__} | {names} | ")]


@pytest.mark.parametrize("page", [CONTEXT, "README.md"])
def test_the_states_are_drawn_as_the_transition_table_has_them(page: str) -> None:
    allowed = {
        (source.name, target.name) for source, targets in TRANSITIONS.items() for target in targets
    }

    drawing = _text(page).partition("stateDiagram-v2")[2].partition("```")[0]

    assert set(_EDGE.findall(drawing)) == allowed


def test_the_settings_page_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `DATAOPS_(\w+)` \| (?:`(.+?)`|–) \|", _text(SETTINGS), re.MULTILINE)

    told = {
        name.lower(): Untouched(**({name.lower(): each} if each else {})) for name, each in rows
    }

    defaults = Untouched()
    assert set(told) == set(Settings.model_fields)
    for name, settings in told.items():
        assert getattr(settings, name) == getattr(defaults, name), name
    assert {name.lower() for name, each in rows if not each} == {
        name for name in Settings.model_fields if getattr(defaults, name) in {None, ()}
    }


def test_the_settings_page_tells_how_to_write_a_line_of_the_tokens_file(tmp_path: Path) -> None:
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", _text(SETTINGS), re.MULTILINE | re.DOTALL)

    for _ in range(2):
        subprocess.run(["sh", "-ec", commands], cwd=tmp_path, check=True)

    principals = read_tokens(f"secret://file/{tmp_path / 'tokens'}")
    assert [(each.tenant, each.subject) for each in principals.values()] == [
        ("default", "alice")
    ] * 2


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_its_heading(page: str) -> None:
    prose = _FENCE.sub("", _COMMENT.sub("", _text(page)))

    missing = [
        link
        for link in _LINK.findall(prose)
        if not re.match(r"https?:", link) and not _leads_somewhere(ROOT / page, link)
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_name_a_page_gives_exists(page: str) -> None:
    given = _NAMED_FILE.findall(_text(page))

    missing = [f"{path}::{name}" for path, name in given if not _exists(path, name)]

    assert missing == []


@pytest.mark.requirement("R89")
@pytest.mark.parametrize("plan", PLANS)
def test_every_step_of_a_test_plan_names_tests_that_exist(plan: str) -> None:
    steps = [line for line in _text(plan).splitlines() if re.match(r"\| \d+ \|", line)]

    unproven = [step for step in steps if not _is_proven(step)]

    assert steps
    assert unproven == []


@pytest.mark.requirement("R89")
def test_there_is_a_test_plan_for_each_of_the_four_stories() -> None:
    stories = [Path(each).stem for each in PLANS]

    assert stories == ["F2-001", "F2-002", "F2-003", "F2-004"]


@pytest.mark.requirement("R99")
def test_the_metrics_page_has_each_metric_with_its_target_and_how_it_was() -> None:
    rows = re.findall(
        r"^\| (R\d+) \| (.+?) \| (.+?) \| (.+?) \| `\w+` \|$", _text(METRICS), re.MULTILINE
    )

    assert rows == [
        (each.number, each.name, target_text(each), each.baseline or "–")
        for each in SUCCESS_METRICS
    ]


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/journeys/journey-acme-2026", "Journey"),
        ("/journeys?status=active", "JourneyPage"),
        ("/journeys/nobody", "Problem"),
    ],
)
async def test_the_local_journey_orchestration_answers_as_published(path: str, schema: str) -> None:
    now = datetime(2026, 1, 20, tzinfo=UTC)
    app = journeys.create_app(None, clock=lambda: now)
    transport = httpx.ASGITransport(app)

    async with httpx.AsyncClient(transport=transport, base_url="http://journeys") as client:
        answer = await client.get(path)
    await app.state.aclose()

    _published(schema).validate(answer.json())
    assert (answer.status_code == HTTPStatus.NOT_FOUND) is (schema == "Problem")


def test_the_published_example_of_a_journey_is_one() -> None:
    response = _openapi()["paths"]["/journeys/{ref}"]["get"]["responses"]["200"]
    example = response["content"]["application/json"]["examples"]["acme"]["value"]

    errors = list(_published("Journey").iter_errors(example))

    assert errors == []


def _grep(*arguments: str) -> list[str]:
    found = subprocess.run(
        ["grep", *arguments, CONTEXT], cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
    )
    return found.stdout.splitlines()


def _published(schema: str) -> jsonschema_rs.Draft202012Validator:
    """A validator of one of the schemas that we publish for Journey Orchestration."""
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": _openapi()["components"]}
    )


@cache
def _openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_text("docs/journey-orchestration.openapi.json"))
    return document


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    is_ours = target.is_relative_to(ROOT) and target.exists()
    return is_ours and (not heading or heading in _headings(target))


def _headings(page: Path) -> set[str]:
    """The headings of a page as links write them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in found}


def _is_proven(step: str) -> bool:
    named = _NAMED_FILE.findall(step)
    return bool(named) and all(
        path.startswith("tests/") and name.startswith("test_") and _exists(path, name)
        for path, name in named
    )


def _exists(path: str, name: str) -> bool:
    file = ROOT / path
    return file.is_file() and (not name or name in _names_in(file))


@cache
def _names_in(module: Path) -> frozenset[str]:
    return frozenset(_defined(ast.parse(module.read_text(encoding="utf-8"))))


def _defined(tree: ast.Module) -> Iterator[str]:
    """Each function, class, method and assigned name of a module."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case _:
                pass


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")
