"""The cards: read strictly, true to what runs, and each example runs as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from domain.work import AgentName
from protocol.cards import FOLDER, CardWrong, load_cards
from protocol.examples import example_of
from protocol.schemas import DIALECT, schemas
from protocol.skills import SKILLS, skills_of
from tests.published import strictly
from tests.running import BASE, running

if TYPE_CHECKING:
    from collections.abc import Callable

ORDER = (
    "list-templates",
    "describe-template",
    "preview-template",
    "select-template",
    "discover-datasets",
    "register-template",
    "plan-datasets",
    "configure-connector",
    "list-datasets",
    "transition-stage",
    "provision-datasets",
    "provision-dataset",
    "dataset-status",
    "check-connector",
    "validate-dataset",
    "quality-report",
    "cleanup-orphans",
    "teardown-dataset",
    "verify-archive",
    "restore-dataset",
    "extend-retention",
    "hold-archive",
    "release-archive",
    "complete-journey",
)
"""An order in which every example makes sense: up to the provisioning, on a fresh service."""

ON_WHAT_WAITS = {"resolve-approval"}
"""The skills whose examples want a teardown that waits for somebody's consent."""


WANTED = {
    "extend-retention": {
        "skill": "teardown-dataset",
        "dataset_id": "ACME-sandbox-zendesk",
        "force": True,
    }
}
"""What the description of a skill says that its example wants, where no other example makes it."""


def _copied(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Copy the cards, the coordinator's with a change."""
    for path in FOLDER.glob("*.json"):
        card = json.loads(path.read_text())
        if path.stem == AgentName.COORDINATOR:
            change(card)
        (folder / path.name).write_text(json.dumps(card))
    return folder


def test_every_agent_has_a_card_with_its_skills() -> None:
    cards = load_cards(BASE)

    assert set(cards) == set(AgentName)
    for name, card in cards.items():
        assert [each.id for each in card.card.skills] == [each.id for each in skills_of(name)]


def test_a_card_carries_the_address_of_its_service() -> None:
    card = load_cards(BASE)[AgentName.TEARDOWN]

    urls = {each.url for each in card.card.supported_interfaces}
    assert urls == {f"{BASE}/agents/data-teardown"}
    assert b"{base_url}" not in card.content


def test_a_card_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    folder = _copied(tmp_path, lambda card: card.update(colour="blue"))

    with pytest.raises(CardWrong, match=r"lifecycle-coordinator\.json.*colour"):
        load_cards(BASE, folder)


def test_a_card_with_a_missing_field_is_refused(tmp_path: Path) -> None:
    folder = _copied(tmp_path, lambda card: card.pop("description"))

    with pytest.raises(CardWrong, match=r"lifecycle-coordinator\.json"):
        load_cards(BASE, folder)


def test_a_card_that_promises_another_skill_is_refused(tmp_path: Path) -> None:
    folder = _copied(tmp_path, lambda card: card["skills"][0].update(id="dance"))

    with pytest.raises(CardWrong, match=r"only on the card \['dance'\].*provision-datasets"):
        load_cards(BASE, folder)


def test_a_card_that_is_no_json_is_refused(tmp_path: Path) -> None:
    folder = _copied(tmp_path, lambda _: None)
    (folder / "data-teardown.json").write_text("{")

    with pytest.raises(CardWrong, match=r"data-teardown\.json"):
        load_cards(BASE, folder)


def test_a_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardWrong, match="cannot be used"):
        load_cards(BASE, tmp_path)


@pytest.mark.parametrize("skill", SKILLS)
def test_the_example_of_a_card_is_the_one_that_errors_show(skill: str) -> None:
    card = load_cards(BASE)[SKILLS[skill].agent].card

    (example,) = next(each.examples for each in card.skills if each.id == skill)

    assert json.loads(example) == example_of(skill)


@pytest.mark.parametrize("skill", SKILLS)
def test_the_example_of_a_skill_is_valid_by_its_published_schema(skill: str) -> None:
    example = {key: value for key, value in example_of(skill).items() if key != "skill"}

    jsonschema_rs.Draft202012Validator(dict(schemas(BASE)[f"{skill}.input"])).validate(example)


@pytest.mark.parametrize("name", schemas(BASE))
def test_a_published_schema_is_valid_json_schema_2020_12(name: str) -> None:
    schema = dict(schemas(BASE)[name])

    jsonschema_rs.meta.validate(schema)

    assert schema["$schema"] == DIALECT
    assert schema["$id"] == f"{BASE}/schemas/{name}.v1.json"


def test_every_skill_has_a_schema_of_its_input_and_of_its_output() -> None:
    published = set(schemas(BASE))

    assert {f"{skill}.{side}" for skill in SKILLS for side in ("input", "output")} <= published


@pytest.mark.requirement("R7")
async def test_every_example_runs_as_it_stands(tmp_path: Path) -> None:
    assert set(ORDER) | ON_WHAT_WAITS == set(SKILLS)
    async with running(tmp_path) as service:
        published = schemas(BASE)
        for skill in ORDER:
            if skill in WANTED:
                await service.call(AgentName.TEARDOWN.value, WANTED[skill])
            heard = await service.call(SKILLS[skill].agent.value, example_of(skill))

            assert (skill, heard.state, heard.sentence) == (skill, "COMPLETED", heard.sentence)
            strictly(published[f"{skill}.output"]).validate(heard.data)


async def test_the_example_of_an_approval_runs_where_a_teardown_waits(tmp_path: Path) -> None:
    async with running(tmp_path, protect_stages=("sandbox",)) as service:
        coordinator, ended = AgentName.COORDINATOR.value, example_of("complete-journey")
        await service.call(coordinator, example_of("provision-datasets"))
        waiting = await service.call(coordinator, ended)

        heard = await service.call(coordinator, example_of("resolve-approval"))

        published = schemas(BASE)
        assert (waiting.state, heard.state) == ("INPUT_REQUIRED", "COMPLETED")
        strictly(published["complete-journey.output"]).validate(waiting.data)
        strictly(published["resolve-approval.output"]).validate(heard.data)
