"""The seed's invariants and rules, tried at every door: none of them is talked out of it.

What the database itself must hold is tried with SQL, past the domain, in
`tests/registry/test_rules_past_the_domain.py`.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.journeys.doors import (
    ASKING,
    Door,
    Told,
    a_request,
    connector,
    datasets_of,
    events_of,
    over_events,
    over_http,
    over_json_rpc,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.service.cli.commanding import Cli

pytestmark = pytest.mark.xdist_group("every door")  # one service serves them all

HEALTHCARE = ("healthcare", "developer_productivity")
_NUMBERS = itertools.count(1)


@pytest.fixture(params=ASKING)
def asking(request: pytest.FixtureRequest) -> Door:
    return ASKING[request.param]


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
def namesake(cli: Cli) -> dict[str, Any]:
    """A READY dataset under a code that others bear later, as it is shown."""
    cli.introduce("namesake", "jira")
    return shown(cli, connector("namesake"))


@pytest.fixture(scope="module")
def archived(cli: Cli) -> dict[str, Any]:
    """An archived dataset, as it is shown."""
    cli.introduce("bygone", "jira")
    cli.run("teardown", connector("bygone"), "--force", "--yes")
    return shown(cli, connector("bygone"))


@pytest.mark.requirement("R67")
def test_a_taken_place_is_refused_by_the_name_of_its_holder(
    cli: Cli, asking: Door, settled: str
) -> None:
    holder = shown(cli, connector(settled))

    told = asking(cli, "provision-datasets", a_request(settled, "jira"))

    assert not told.is_done
    assert holder["dataset_id"] in told.words
    assert [each["dataset_id"] for each in datasets_of(cli, settled)] == [holder["dataset_id"]]


@pytest.mark.requirement("R67")
def test_of_many_who_ask_for_one_place_at_once_at_several_doors_one_gets_it(cli: Cli) -> None:
    cli.introduce("crowd", "slack")
    doors = [over_json_rpc, over_http, over_events] * 3

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


def give_code_away(cli: Cli, code: str) -> None:
    """Give whoever bears a code another one, at Journey Orchestration alone."""
    with closing(sqlite3.connect(cli.data / "journeys.db")) as book, book:
        book.execute("UPDATE client SET code = ref || '-before' WHERE code = ?", [code])


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("code", [str.upper, str.title], ids=["same", "other case"])
def test_no_two_clients_share_a_connectors_name(
    cli: Cli, asking: Door, namesake: dict[str, Any], name: str, code: Callable[[str], str]
) -> None:
    give_code_away(cli, "NAMESAKE")
    thief = a_request(name, "jira")
    thief["client"]["code"] = code("namesake")

    told = asking(cli, "provision-datasets", thief)

    assert not told.is_done
    assert f"{connector('namesake')} ({namesake['dataset_id']}) is ready" in told.words
    assert datasets_of(cli, name) == []


@pytest.mark.requirement("R69", "R46")
def test_no_door_lets_whoever_asks_name_the_connector(cli: Cli, asking: Door, name: str) -> None:
    told = asking(cli, "provision-datasets", a_request(name, "jira", connector_name="MINE"))

    assert not told.is_done
    assert "connector-name" in told.words.replace("_", "-")
    assert re.search("Extra inputs are not permitted|No such option", told.words)
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
    cli: Cli, asking: Door, settled: str, wrong: dict[str, Any], words: str
) -> None:
    asked = {each: it for each, it in a_request(settled, "slack").items() if each != "client"}

    told = asking(cli, "provision-datasets", asked | wrong)

    assert not told.is_done
    assert words in told.words
    assert [each["dataset_type"] for each in datasets_of(cli, settled)] == ["jira"]


@pytest.mark.requirement("R72", "R19")
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (("transition-stage", {"to_stage": "pilot"}), "stage_transition"),
        (("complete-journey", {}), "journey_completed"),
    ],
)
def test_a_journey_that_moves_on_or_ends_takes_all_its_datasets_down(
    cli: Cli, asking: Door, name: str, act: tuple[str, dict[str, str]], reason: str
) -> None:
    cli.introduce(name, "jira", "slack")

    told = asking(cli, act[0], {"journey_id": f"journey-{name}", **act[1]})

    ended = [(each["status"], each["teardown_reason"]) for each in datasets_of(cli, name)]
    assert ended == [("teardown", reason)] * 2
    assert told.is_done or "needs a configured source" in told.words


@pytest.mark.requirement("R72")
def test_a_journey_that_moves_one_by_one_keeps_what_nothing_follows_yet(
    cli: Cli, asking: Door, name: str
) -> None:
    cli.introduce(name, "jira")
    move = {"journey_id": f"journey-{name}", "to_stage": "pilot", "mode": "make_before_break"}

    told = asking(cli, "transition-stage", move)

    (kept,) = datasets_of(cli, name)
    assert "needs a configured source" in told.words
    assert kept["status"] == "ready"
    assert "teardown_reason" not in kept


@pytest.mark.requirement("R72", "R53")
@pytest.mark.parametrize("stage", ["sandbox", "production", "moon"])
def test_no_door_moves_a_journey_back_or_past_a_stage(
    cli: Cli, asking: Door, settled: str, stage: str
) -> None:
    before = shown(cli, connector(settled))

    told = asking(cli, "transition-stage", {"journey_id": f"journey-{settled}", "to_stage": stage})

    assert not told.is_done
    assert "stage" in told.words
    assert shown(cli, connector(settled)) == before


@pytest.mark.requirement("R75")
def test_what_has_no_active_journey_ends_at_the_second_look_and_nothing_else_does(
    cli: Cli, door: Door, settled: str, name: str
) -> None:
    cli.introduce(name, "jira")
    httpx.post(f"{cli.url}/journeys/journeys/journey-{name}/complete").raise_for_status()

    looks = [door(cli, "cleanup-orphans", {"dry_run": dry}) for dry in (True, False, True)]
    between = shown(cli, connector(name))
    looks.append(door(cli, "cleanup-orphans", {"dry_run": False}))

    after = shown(cli, connector(name))
    assert all(each.is_done for each in looks), looks
    assert connector(name) in looks[2].words
    assert between["status"] == "ready"
    assert (after["status"], after["teardown_reason"]) == ("teardown", "orphan_cleanup")
    assert shown(cli, connector(settled))["status"] == "ready"


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
