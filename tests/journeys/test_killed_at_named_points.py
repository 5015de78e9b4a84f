"""Killed or frozen at named points of its life, one process after another: all is done once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.archived import archives_in
from tests.journeys.doom import STORIES
from tests.journeys.succession import Succession, events_in
from tests.registry.databases import DATABASES, a_fresh
from tests.rows import rows_in

pytestmark = pytest.mark.timeout(240)

MADE = {
    "DatasetProvisionRequested": 1,
    "DatasetProvisioningStarted": 1,
    "DatasetPopulated": 1,
    "DatasetProvisionCompleted": 1,
    "DatasetReady": 1,
}
"""What is told of a dataset that was made, and made once, in its order."""

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


@pytest.mark.parametrize("database", ["postgresql"])
@of_story("provision on DBOS")
def test_on_dbos_too_a_dataset_is_made_once_when_processes_die_over_it(story: Succession) -> None:
    heard = story.run(1)

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
    assert heard == {"COMPLETED ready"}
    assert events_in(story.url) == {**MADE, "DatasetValidationStarted": 1, "DatasetReady": 2}
    assert what_glean_holds(story) == (1, 10)
    assert unsettled(story) == []


@on_each_database
@alone_and_beside_another
@of_story("tear down")
def test_a_dataset_is_archived_once_however_many_processes_die_over_it(
    story: Succession, at_once: int
) -> None:
    heard = story.run(at_once)

    require_all_died(story)
    told = events_in(story.url)
    assert heard == {"COMPLETED archived"}
    assert (told["DatasetTeardownStarted"], told["DatasetArchived"]) == (1, 1)
    assert (
        len(archives_in(story.folder))
        == len(rows_in(story.url, "SELECT * FROM archived_datasets"))
        == 1
    )
    assert what_glean_holds(story) == (1, 0)
    assert unsettled(story) == []


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
    assert unsettled(story) == []


def require_all_died(story: Succession) -> None:
    """Hold the story to have had a death at every point, and each by SIGKILL."""
    assert story.deaths == [-signal.SIGKILL] * len(STORIES[story.story].points)


def require_all_froze(story: Succession) -> None:
    """Hold the story to have had a process frozen at every point, and none dead."""
    assert (len(story.frozen), story.deaths) == (len(STORIES[story.story].points), [])


def require_made_once(story: Succession, heard: set[str]) -> None:
    """Hold the story to have made one dataset, to have told of it in order, and everybody to know."""
    assert heard == {"COMPLETED ready"}
    assert told_in(story) == list(MADE)
    assert what_glean_holds(story) == (1, 10)
    assert unsettled(story) == []


def what_glean_holds(story: Succession) -> tuple[object, object]:
    """Count the datasources and the documents at Glean."""
    glean = f"sqlite:///{story.folder / 'glean.db'}"
    ((sources,),) = rows_in(glean, "SELECT count(*) FROM datasource")
    ((documents,),) = rows_in(glean, "SELECT count(*) FROM document")
    return sources, documents


def told_in(story: Succession) -> list[object]:
    """Give the names of all events in the order in which they are told."""
    return [name for (name,) in rows_in(story.url, "SELECT name FROM outbox ORDER BY sequence")]


def unsettled(story: Succession) -> list[tuple[object, ...]]:
    """Find the requests that nobody has seen to their end."""
    return rows_in(story.url, "SELECT task_id FROM requests WHERE NOT is_settled")
