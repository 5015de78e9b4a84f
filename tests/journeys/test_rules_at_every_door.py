"""The seed's invariants and rules, tried at every door: none of them is talked out of it.

What the database itself must hold is tried past the domain in `tests/registry/test_invariants.py`
and `tests/registry/test_ledgers.py`.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.journeys.doors import DOORS, Door, over_http, over_json_rpc
from tests.service.cli.commanding import Cli, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.journeys.doors import Told

HEALTHCARE = ("healthcare", "developer_productivity")

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    with served(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    return DOORS[request.param]


@pytest.fixture
def name() -> str:
    """Name a client that no other test knows."""
    return f"client{next(_NUMBERS)}"


@pytest.fixture(scope="module")
def settled(cli: Cli) -> str:
    """A client with one READY dataset that no test changes."""
    cli.introduce("settled", "jira")
    return "settled"


@pytest.fixture(scope="module")
def archived(cli: Cli) -> dict[str, Any]:
    """An archived dataset, as it is shown."""
    cli.introduce("bygone", "jira")
    cli.run("teardown", connector("bygone"), "--force", "--yes")
    return shown(cli, connector("bygone"))


def a_request(client: str, *types: str, **more: Any) -> dict[str, Any]:
    """Ask for small datasets of a client, which is introduced by it."""
    return {
        "journey_id": f"journey-{client}",
        "client_id": client,
        "stage": "sandbox",
        "dataset_types": list(types),
        "record_count": 10,
        "client": {
            "name": client.title(),
            "code": client.upper(),
            "industry": "retail",
            "use_case": "onboarding",
        },
        **more,
    }


def connector(client: str, kind: str = "jira") -> str:
    return f"{client.upper()}-sandbox-{kind}"


def shown(cli: Cli, ref: str) -> dict[str, Any]:
    """Read a dataset, named by id or by its connector."""
    found: dict[str, Any] = cli.answer("datasets", "show", ref)["datasets"][0]
    return found


def datasets_of(cli: Cli, client: str) -> list[dict[str, Any]]:
    return list(cli.answer("datasets", "list", "--client", client)["datasets"])


def events_of(cli: Cli, client: str) -> list[str]:
    result = cli.run("events", "tail", "--no-follow", "--journey", f"journey-{client}")
    return result.stdout.split()


@pytest.mark.requirement("R67")
def test_a_taken_place_is_refused_by_the_name_of_its_holder(
    cli: Cli, door: Door, settled: str
) -> None:
    holder = shown(cli, connector(settled))

    told = door(cli, "provision-datasets", a_request(settled, "jira"))

    assert not told.is_done
    assert holder["dataset_id"] in told.words
    assert [each["dataset_id"] for each in datasets_of(cli, settled)] == [holder["dataset_id"]]


@pytest.mark.requirement("R67")
def test_of_many_who_ask_for_one_place_at_once_at_several_doors_one_gets_it(cli: Cli) -> None:
    cli.introduce("crowd", "slack")
    doors = [over_json_rpc, over_http] * 4

    def ask(door: Door) -> Told:
        return door(cli, "provision-datasets", a_request("crowd", "jira"))

    with ThreadPoolExecutor(len(doors)) as pool:
        told = list(pool.map(ask, doors))

    assert [each.is_done for each in told].count(True) == 1
    held = [each for each in datasets_of(cli, "crowd") if each["dataset_type"] == "jira"]
    assert len(held) == 1


@pytest.mark.requirement("R67", "R22")
def test_a_place_is_free_again_once_its_dataset_is_ending(cli: Cli, door: Door, name: str) -> None:
    cli.introduce(name, "jira")
    cli.run("teardown", connector(name), "--yes")
    first = shown(cli, connector(name))

    told = door(cli, "provision-datasets", a_request(name, "jira"))

    second = shown(cli, connector(name))
    assert told.is_done, told.words
    assert (first["generation"], second["generation"]) == (1, 2)
    restored = door(cli, "restore-dataset", {"dataset_id": first["dataset_id"]})
    assert not restored.is_done
    assert "successor" in restored.words


@pytest.mark.requirement("R68", "R73", "R33", "R81")
def test_no_door_lets_a_dataset_below_the_threshold_be_ready(
    cli: Cli, door: Door, name: str
) -> None:
    cli.introduce(name, "jira")
    cli.hide_everything(connector(name))

    told = door(cli, "validate-dataset", {"dataset_id": connector(name)})

    found = shown(cli, connector(name))
    assert not told.is_done
    assert found["status"] == "failed"
    assert "sample_queries" in found["failed_checks"]
    assert events_of(cli, name).count("DatasetReady") == 1
    assert events_of(cli, name).count("DatasetValidationFailed") == 1


@pytest.mark.requirement("R68")
@pytest.mark.parametrize("wish", ["quality_score", "status", "ready_threshold"])
def test_no_door_takes_a_verdict_from_whoever_asks(
    cli: Cli, door: Door, settled: str, wish: str
) -> None:
    before = shown(cli, connector(settled))

    told = door(cli, "validate-dataset", {"dataset_id": connector(settled), wish: "1.0"})

    assert not told.is_done
    assert wish in told.words.replace("-", "_")
    assert shown(cli, connector(settled)) == before


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("code", [str.upper, str.title], ids=["same", "other case"])
def test_no_two_clients_share_a_connectors_name(
    cli: Cli, door: Door, settled: str, name: str, code: Callable[[str], str]
) -> None:
    thief = a_request(name, "jira")
    thief["client"]["code"] = code(settled)

    told = door(cli, "provision-datasets", thief)

    assert not told.is_done
    assert datasets_of(cli, name) == []


@pytest.mark.requirement("R69", "R46")
def test_no_door_lets_whoever_asks_name_the_connector(cli: Cli, door: Door, name: str) -> None:
    told = door(cli, "provision-datasets", a_request(name, "jira", connector_name="MINE"))

    assert not told.is_done
    assert datasets_of(cli, name) == []


@pytest.mark.requirement("R70", "R22")
@pytest.mark.parametrize(
    "act",
    [
        ("validate-dataset", {}),
        ("restore-dataset", {}),
        ("teardown-dataset", {}),
        ("teardown-dataset", {"force": True}),
    ],
    ids=lambda act: " ".join((act[0], *act[1])),
)
def test_an_archived_dataset_never_comes_back(
    cli: Cli, door: Door, archived: dict[str, Any], act: tuple[str, dict[str, Any]]
) -> None:
    skill, more = act

    told = door(cli, skill, {"dataset_id": archived["dataset_id"], **more})

    assert archived["status"] == "archived"
    assert not told.is_done
    assert "is archived" in told.words
    assert shown(cli, archived["dataset_id"]) == archived


@pytest.mark.requirement("R71")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"journey_id": "journey-of-nobody"}, "journey-of-nobody"),
        ({"client_id": "globex"}, "globex"),
        ({"stage": "moon"}, "stage"),
        ({"stage": ""}, "stage"),
    ],
    ids=str,
)
def test_no_dataset_is_made_without_a_journey_of_its_client_and_a_stage(
    cli: Cli, door: Door, settled: str, wrong: dict[str, Any], words: str
) -> None:
    asked = {each: it for each, it in a_request(settled, "slack").items() if each != "client"}

    told = door(cli, "provision-datasets", asked | wrong)

    assert not told.is_done
    assert words in told.words
    assert [each["dataset_type"] for each in datasets_of(cli, settled)] == ["jira"]


@pytest.mark.requirement("R76", "R80")
@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ((*HEALTHCARE, "confluence"), "healthcare_developer_productivity_confluence"),
        (("farming", "harvest", "jira"), "generic_jira"),
    ],
    ids=["exact", "fallback"],
)
def test_every_door_matches_a_template_and_falls_back_to_the_generic_one(
    cli: Cli, door: Door, wanted: tuple[str, str, str], chosen: str
) -> None:
    industry, use_case, kind = wanted
    asked = {"industry": industry, "use_case": use_case, "dataset_type": kind}

    told = door(cli, "select-template", asked)
    strictly = door(cli, "select-template", {**asked, "strict": True})

    assert told.is_done, told.words
    assert chosen in told.words
    assert strictly.is_done is (wanted[:2] == HEALTHCARE)
