"""The line between coordinator and agents is cut, and neither hears of it: all is done, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from a2a.types import TaskState

from domain.rules import LifecycleRules
from service.cli.serve import serving
from service.settings import Settings
from tests.journeys.scenes import at_a_socket
from tests.ports import free_port
from tests.postgres_databases import a_fresh_database
from tests.processes import PATIENCE, Cluster, HeldSupplier, Reached, cluster
from tests.relay import Relay, relayed
from tests.running import SMALL
from tests.verdict import MADE_ONCE, stories

pytestmark = pytest.mark.timeout(120)

COMPLETED = TaskState.TASK_STATE_COMPLETED


class Hasty(Settings):
    """Settings under which no order may take longer than two seconds."""

    @property
    def rules(self) -> LifecycleRules:
        return replace(super().rules, order_limit=timedelta(seconds=2))


@dataclass
class Scene:
    """Agents in a process of their own, the line to them, and the supplier they wait for."""

    town: Cluster
    relay: Relay
    agents_url: str
    supplier: HeldSupplier

    @property
    def settings(self) -> dict[str, str]:
        """Give what the coordinator is started with."""
        return {"agents_url": self.agents_url, "retry_delays": "100ms"}

    async def at_work(self, coordinator: Reached) -> None:
        """Have the agents at work with an order, and the line cut before they can answer."""
        await coordinator.begin(SMALL, "the-message")
        async with asyncio.timeout(PATIENCE):
            await self.supplier.asked.get()
            self.relay.cut()
            self.supplier.let_go.set()
            await self.relay.withheld.wait()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    held, port = HeldSupplier(), free_port()
    key = tmp_path / "order-key"
    key.write_text("the key of this installation")
    settings = {"auth_order_key": f"secret://file/{key}"}
    async with (
        at_a_socket(held.app()) as supplier,
        relayed(port) as (relay, url),
        cluster(tmp_path, a_fresh_database(), mock_data_url=supplier, **settings) as town,
    ):
        await town.start("--role", "agents", "--port", str(port), base_url=url)
        yield Scene(town, relay, url, held)
        held.let_go.set()


async def test_an_answer_that_a_cut_line_held_up_counts_when_the_line_is_mended(
    scene: Scene,
) -> None:
    coordinator = await scene.town.start("--role", "coordinator", **scene.settings)
    await scene.at_work(coordinator)

    scene.relay.heal()

    assert (await coordinator.call(SMALL, message_id="the-message")).state == COMPLETED
    assert list(stories(await coordinator.events()).values()) == [MADE_ONCE]
    assert scene.supplier.asked.qsize() == 1  # to validate; to fill it was asked before


async def test_an_order_whose_line_broke_after_its_agent_had_done_it_is_given_anew_and_told_once(
    scene: Scene,
) -> None:
    coordinator = await scene.town.start("--role", "coordinator", **scene.settings)
    await scene.at_work(coordinator)

    scene.relay.drop()

    assert (await coordinator.call(SMALL, message_id="the-message")).state == COMPLETED
    assert list(stories(await coordinator.events()).values()) == [MADE_ONCE]
    assert scene.supplier.asked.qsize() == 2  # to fill once more, into the same, and to validate


async def test_an_order_whose_line_stays_silent_is_given_anew_after_its_deadline(
    scene: Scene,
) -> None:
    town = scene.town
    given = {"data": town.folder, "database_url": town.database, "port": 0, "role": "coordinator"}
    settings = Hasty.model_validate({**given, **town.settings, **scene.settings})
    async with serving(settings) as served:
        coordinator = Reached(served.url)
        await scene.at_work(coordinator)

        scene.relay.heal_for_others()

        assert (await coordinator.call(SMALL, message_id="the-message")).state == COMPLETED
        assert list(stories(await coordinator.events()).values()) == [MADE_ONCE]
        assert scene.supplier.asked.qsize() == 2
