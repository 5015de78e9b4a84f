"""How a succession of processes must have ended: all is done once, and nothing is left open."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from tests.archived import archives_in
from tests.audited import flaws_in
from tests.journeys.doom import STORIES
from tests.journeys.succession import events_in
from tests.rows import rows_in

if TYPE_CHECKING:
    from tests.journeys.succession import Succession

MADE = {
    "DatasetProvisionRequested": 1,
    "DatasetProvisioningStarted": 1,
    "DatasetPopulated": 1,
    "DatasetProvisionCompleted": 1,
    "DatasetReady": 1,
}
"""What is told of a dataset that was made, and made once, in its order."""


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
    require_whole(story)


def require_checked_once(story: Succession, heard: set[str]) -> None:
    """Hold the story to have run one gate more, and to have told of it once."""
    assert heard == {"COMPLETED ready"}
    assert events_in(story.url) == {**MADE, "DatasetValidationStarted": 1, "DatasetReady": 2}
    assert what_glean_holds(story) == (1, 10)
    require_whole(story)


def require_archived_once(story: Succession, heard: set[str]) -> None:
    """Hold the story to have ended one dataset, with one archive, and no document at Glean."""
    told = events_in(story.url)
    assert heard == {"COMPLETED archived"}
    assert (told["DatasetTeardownStarted"], told["DatasetArchived"]) == (1, 1)
    assert (
        len(archives_in(story.folder))
        == len(rows_in(story.url, "SELECT * FROM archived_datasets"))
        == 1
    )
    assert what_glean_holds(story) == (1, 0)
    require_whole(story)


def require_whole(story: Succession) -> None:
    """Hold the story to have left no request open, and nothing wrong with the audit trail."""
    assert unsettled(story) == []
    assert asyncio.run(flaws_in(story.url, story.folder)) == []


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
