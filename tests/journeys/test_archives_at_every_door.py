"""How long an archive is kept is said at every door, and at none is it kept for less."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.journeys.doors import Door, connector, shown

if TYPE_CHECKING:
    from tests.service.cli.commanding import Cli

pytestmark = [
    pytest.mark.xdist_group("archives at every door"),  # one service serves them all
    pytest.mark.requirement("R23", "R98"),
]

_NUMBERS = itertools.count(1)


@pytest.fixture
def ready(cli: Cli) -> str:
    """A dataset that is READY, by its connector."""
    client = f"client{next(_NUMBERS)}"
    cli.introduce(client, "jira")
    return connector(client)


@pytest.fixture
def archived(cli: Cli, ready: str) -> str:
    """A dataset that is archived, by its connector."""
    cli.run("teardown", ready, "--force", "--yes")
    return ready


def _kept(cli: Cli, ref: str) -> tuple[Any, Any]:
    """Say until when an archive is kept, and what it is held for."""
    dataset = shown(cli, ref)
    return dataset.get("retain_until"), dataset.get("legal_hold")


def test_every_door_keeps_an_archive_for_longer_holds_and_releases_it(
    cli: Cli, door: Door, archived: str
) -> None:
    until = "2040-01-01T00:00:00+00:00"

    longer = door(cli, "extend-retention", {"dataset_id": archived, "until": until})
    held = door(cli, "hold-archive", {"dataset_id": archived, "reason": "case 7"})
    while_held = _kept(cli, archived)
    released = door(cli, "release-archive", {"dataset_id": archived})

    assert all(each.is_done for each in (longer, held, released)), (longer, held, released)
    assert while_held == (until, "case 7")
    assert _kept(cli, archived) == (until, None)


def test_no_door_has_an_archive_kept_for_less(cli: Cli, door: Door, archived: str) -> None:
    before = _kept(cli, archived)

    told = door(cli, "extend-retention", {"dataset_id": archived, "until": "2026-01-01T00:00:00Z"})

    assert not told.is_done
    assert "only ever kept for longer" in told.words
    assert _kept(cli, archived) == before


@pytest.mark.parametrize(
    ("skill", "more"),
    [
        ("extend-retention", {"until": "2040-01-01T00:00:00Z"}),
        ("hold-archive", {"reason": "case 7"}),
        ("release-archive", {}),
    ],
)
def test_no_door_speaks_of_the_archive_of_a_dataset_that_is_in_use(
    cli: Cli, door: Door, ready: str, skill: str, more: dict[str, str]
) -> None:
    told = door(cli, skill, {"dataset_id": ready, **more})

    assert not told.is_done
    assert "only an archived dataset can be" in told.words
    assert shown(cli, ready)["status"] == "ready"
    assert _kept(cli, ready) == (None, None)
