"""Killed or frozen at named points of its life, one process after another: all is done once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archived import archives_in
from tests.journeys.ends import (
    MADE,
    require_all_died,
    require_all_froze,
    require_archived_once,
    require_checked_once,
    require_made_once,
    require_whole,
    told_in,
    what_glean_holds,
)
from tests.journeys.succession import Succession
from tests.registry.databases import DATABASES, a_fresh

pytestmark = pytest.mark.timeout(240)

on_each_database = pytest.mark.parametrize("database", DATABASES)
alone_and_beside_another = pytest.mark.parametrize("at_once", [1, 2], ids=["alone", "of two"])


@pytest.fixture
def story(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> Succession:
    name: str = request.param
    return Succession(name, tmp_path, a_fresh(database, tmp_path))


def of_story(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("story", [name], indirect=True)


@on_each_database
@alone_and_beside_another
@of_story("provision")
def test_a_dataset_is_made_once_however_many_processes_die_over_it(
    story: Succession, at_once: int
) -> None:
    heard = story.run(at_once)

    require_all_died(story)
    require_made_once(story, heard)


@on_each_database
@alone_and_beside_another
@of_story("revalidate")
def test_a_gate_is_run_and_told_of_once_however_many_processes_die_over_it(
    story: Succession, at_once: int
) -> None:
    heard = story.run(at_once)

    require_all_died(story)
    require_checked_once(story, heard)


@on_each_database
@alone_and_beside_another
@of_story("tear down")
def test_a_dataset_is_archived_once_however_many_processes_die_over_it(
    story: Succession, at_once: int
) -> None:
    heard = story.run(at_once)

    require_all_died(story)
    require_archived_once(story, heard)


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize(
    ("story", "require_done_once"),
    [
        pytest.param("provision on DBOS", require_made_once, id="provision"),
        pytest.param("revalidate on DBOS", require_checked_once, id="revalidate"),
        pytest.param("tear down on DBOS", require_archived_once, id="tear down"),
    ],
    indirect=["story"],
)
def test_on_dbos_too_all_is_done_once_however_many_processes_die_over_it(
    story: Succession, require_done_once: Callable[[Succession, set[str]], None]
) -> None:
    heard = story.run(1)

    require_all_died(story)
    require_done_once(story, heard)


@pytest.mark.parametrize(
    ("story", "database"),
    [("provision, frozen", "postgresql"), ("provision, frozen at a commit", "sqlite")],
    indirect=["story"],
)
def test_who_thaws_when_another_has_made_its_dataset_changes_nothing(story: Succession) -> None:
    heard = story.run(1)

    require_all_froze(story)
    require_made_once(story, heard)


@pytest.mark.parametrize("database", ["postgresql"])
@of_story("tear down, frozen")
def test_who_thaws_when_another_has_archived_its_dataset_changes_nothing(
    story: Succession,
) -> None:
    heard = story.run(1)

    require_all_froze(story)
    assert heard == {"COMPLETED archived"}
    steps = ["DatasetTeardownStepDone"] * 6
    assert told_in(story) == [*MADE, "DatasetTeardownStarted", *steps, "DatasetArchived"]
    assert len(archives_in(story.folder)) == 1
    assert what_glean_holds(story) == (1, 0)
    require_whole(story)
