"""The lookout: many who follow cost no more looks than one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

import pytest

from domain.lifecycle import DatasetStatus
from domain.repository import Standing
from domain.work import Progress
from protocol.lookout import Lookout

READY = DatasetStatus.READY
FIRST, SECOND = UUID(int=1), UUID(int=2)


class Rows:
    """A progress log that counts the looks at it; an unknown tenant is a broken database."""

    def __init__(self) -> None:
        self.looks: list[set[UUID]] = []

    async def note(self, tenant: str, dataset_id: UUID, progress: Progress, /) -> None:
        raise NotImplementedError

    async def standings(self, tenant: str, ids: Collection[UUID], /) -> dict[UUID, Standing]:
        if tenant != "default":
            raise OSError(tenant)
        self.looks.append(set(ids))
        return {each: Standing(each.int, READY, None) for each in ids}


async def test_those_who_ask_together_share_one_look_and_get_their_own() -> None:
    rows = Rows()
    lookout = Lookout(rows)

    first, second = await asyncio.gather(
        lookout.standings("default", [FIRST]), lookout.standings("default", [SECOND])
    )

    assert rows.looks == [{FIRST, SECOND}]
    assert (first, second) == (
        {FIRST: Standing(1, READY, None)},
        {SECOND: Standing(2, READY, None)},
    )


async def test_whoever_asks_after_a_look_gets_another() -> None:
    rows = Rows()
    lookout = Lookout(rows)
    await lookout.standings("default", [FIRST])

    await lookout.standings("default", [FIRST])

    assert rows.looks == [{FIRST}, {FIRST}]


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    lookout = Lookout(Rows())
    leaving = asyncio.create_task(lookout.standings("default", [FIRST]))
    staying = asyncio.create_task(lookout.standings("default", [SECOND]))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == {SECOND: Standing(2, READY, None)}


async def test_a_look_that_fails_fails_for_all_who_shared_it_and_the_next_is_new() -> None:
    lookout = Lookout(Rows())

    both = await asyncio.gather(
        lookout.standings("broken", [FIRST]),
        lookout.standings("broken", [SECOND]),
        return_exceptions=True,
    )

    assert [type(each) for each in both] == [OSError, OSError]
    with pytest.raises(OSError, match="broken"):
        await lookout.standings("broken", [FIRST])
