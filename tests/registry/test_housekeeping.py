"""Housekeeping: events of tasks that are long over go, all else stays."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from registry.housekeeping import KEPT, prune_task_events
from tests.builders import NOW
from tests.registry.databases import House

_TASK = (
    "INSERT INTO tasks (id, context_id, kind, owner, last_updated, status) "
    "VALUES (:id, 'context', 'task', 'me', :at, '{}')"
)
_EVENT = (
    "INSERT INTO task_events (task_id, owner, task_version, event_data) "
    "VALUES (:id, 'me', 1, :data)"
)


async def test_events_of_a_task_that_is_long_over_go_and_the_task_stays(house: House) -> None:
    async with house.database.engine.begin() as connection:
        for name, days in (("old", KEPT.days + 1), ("new", KEPT.days - 1)):
            at = (NOW - timedelta(days=days)).replace(tzinfo=None)
            await connection.execute(text(_TASK), {"id": name, "at": at})
            await connection.execute(text(_EVENT), {"id": name, "data": b"event"})

    pruned = await prune_task_events(house.database, NOW)

    async with house.database.reads.connect() as connection:
        left = (await connection.execute(text("SELECT task_id FROM task_events"))).scalars().all()
        tasks = (await connection.execute(text("SELECT id FROM tasks"))).scalars().all()
    assert pruned == 1
    assert list(left) == ["new"]
    assert sorted(tasks) == ["new", "old"]
