"""The coordinator: decide, delegate, apply; and what comes too late changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from agents import coordinator as coordinator_module
from agents.coordinator import LifecycleCoordinator
from domain.audit import SYSTEM
from domain.checks import Probe
from domain.commands import Principal
from domain.errors import Conflict, NotFound
from domain.health import Health
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.work import (
    FailureKind,
    FindTemplate,
    OrderFailed,
    Probed,
    ProvisionDataset,
    TemplateFound,
)
from registry.progress import SqlProgressLog
from tests.builders import (
    TENANT,
    a_dataset,
    a_journey,
    a_template,
    fill,
    find_template,
    validate,
)
from tests.running import JIRA, SMALL, RunningService, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from uuid import UUID

    from domain.ports import OnProgress
    from domain.work import Order, Outcome

ASIDE = timedelta(days=3650)
"""So far ahead that the service's own engine leaves a dataset alone."""


class Acting:
    """A delegate that does what a test says, order by order."""

    def __init__(self, act: Callable[[Order], Awaitable[Outcome]]) -> None:
        self._act = act
        self.orders: list[Order] = []

    async def delegate(self, order: Order, _progress: OnProgress, /) -> Outcome:
        """Take an order down and act."""
        self.orders.append(order)
        return await self._act(order)


async def _added(service: RunningService) -> UUID:
    """Add a dataset that only the test's own coordinator takes turns with."""
    registry, journey = service.service.registry, a_journey()
    dataset = a_dataset("slack", journey=journey, at=service.clock())
    async with registry.transaction(Principal(TENANT, SYSTEM)) as transaction:
        await transaction.keep_journey(journey)
        await transaction.add(dataset)
        await transaction.save(dataset, service.clock() + ASIDE)
    return dataset.place.dataset_id


def _coordinator(service: RunningService, delegate: Acting) -> LifecycleCoordinator:
    log = SqlProgressLog(service.service.database)
    return LifecycleCoordinator(service.service.registry, delegate, log, service.clock)


async def test_a_turn_goes_on_until_the_dataset_rests(tmp_path: Path) -> None:
    async def refuse(order: Order) -> Outcome:
        return OrderFailed(order.key, FailureKind.REFUSED, "no")

    async with running(tmp_path) as service:
        dataset_id = await _added(service)
        delegate = Acting(refuse)

        turn = await _coordinator(service, delegate).turn(TENANT, dataset_id)

        dataset = await service.service.registry.dataset(TENANT, dataset_id)
        assert dataset.status is DatasetStatus.FAILED
        assert turn.version == dataset.version
        assert [type(each) for each in delegate.orders] == [FindTemplate]


async def test_an_interrupted_order_is_an_outcome(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(order: Order) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError(order)

    async with running(tmp_path) as service:
        coordinator = _coordinator(service, Acting(hang))
        dataset = await service.service.registry.dataset(TENANT, await _added(service))
        order = dataset.next_order(service.clock())
        assert isinstance(order, FindTemplate)
        carrying = asyncio.create_task(coordinator.carry_out(order))
        await begun.wait()

        coordinator.interrupt(dataset.place.dataset_id)

        outcome = await carrying
        assert isinstance(outcome, OrderFailed)
        assert outcome.failure is FailureKind.CANCELLED


async def test_an_agent_that_is_silent_after_its_deadline_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator_module, "LAST_WORDS_SECONDS", 0.01)
    stopped: list[Order] = []

    async def hang(order: Order) -> Outcome:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(order)
        raise AssertionError(order)

    async with running(tmp_path) as service:
        coordinator = _coordinator(service, Acting(hang))
        dataset = await service.service.registry.dataset(TENANT, await _added(service))
        order = dataset.next_order(service.clock())
        assert isinstance(order, FindTemplate)
        late = replace(order, deadline=service.clock())

        outcome = await coordinator.carry_out(late)

        assert stopped == [late]
        assert isinstance(outcome, OrderFailed)
        assert outcome.failure is FailureKind.LOST
        assert "dataset-discovery has not answered find_template" in outcome.message


@pytest.mark.parametrize("is_moved_on", [True, False])
async def test_an_order_is_interrupted_exactly_when_another_process_has_moved_its_dataset_on(
    tmp_path: Path, *, is_moved_on: bool
) -> None:
    begun = asyncio.Event()

    async def hang(order: Order) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError(order)

    async with running(tmp_path) as service:
        registry = service.service.registry
        coordinator = _coordinator(service, Acting(hang))
        dataset_id = await _added(service)
        order = (await registry.dataset(TENANT, dataset_id)).next_order(service.clock())
        assert isinstance(order, FindTemplate)
        carrying = asyncio.create_task(coordinator.carry_out(order))
        await begun.wait()
        if is_moved_on:
            async with registry.transaction(Principal(TENANT, SYSTEM)) as transaction:
                dataset = await transaction.dataset(dataset_id)
                dataset.start_teardown(TeardownReason.MANUAL_REQUEST, service.clock())
                await transaction.save(dataset, service.clock() + ASIDE)

        await coordinator.heed()

        await asyncio.wait({carrying}, timeout=10 if is_moved_on else 0.1)
        assert carrying.done() is is_moved_on
        carrying.cancel()
        await asyncio.wait({carrying})


async def test_interrupting_what_is_not_under_way_is_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset_id = await _added(service)

        _coordinator(service, Acting(_never)).interrupt(dataset_id)

        dataset = await service.service.registry.dataset(TENANT, dataset_id)
        assert dataset.status is DatasetStatus.DISCOVERING


async def _never(order: Order) -> Outcome:
    raise AssertionError(order)


async def test_a_turn_that_is_stopped_stops_its_order(tmp_path: Path) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def hang(order: Order) -> Outcome:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError(order)

    async with running(tmp_path) as service:
        dataset_id = await _added(service)
        turn = asyncio.create_task(_coordinator(service, Acting(hang)).turn(TENANT, dataset_id))
        await begun.wait()

        turn.cancel()

        with pytest.raises(asyncio.CancelledError):
            await turn
        assert stopped.is_set()


async def test_whoever_may_have_been_taken_over_gives_no_order(tmp_path: Path) -> None:
    given: list[Order] = []

    async def act(order: Order) -> Outcome:
        given.append(order)
        return OrderFailed(order.key, FailureKind.REFUSED, "nobody was to ask")

    async with running(tmp_path) as service:
        dataset_id = await _added(service)

        with pytest.raises(Conflict, match="may have been taken over"):
            await _coordinator(service, Acting(act)).turn(TENANT, dataset_id, lambda: False)

    assert given == []


async def test_an_outcome_that_comes_too_late_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset_id = await _added(service)
        registry = service.service.registry

        async def overtaken(order: Order) -> Outcome:
            async with registry.transaction(Principal(TENANT, SYSTEM)) as transaction:
                dataset = await transaction.dataset(dataset_id)
                dataset.start_teardown(TeardownReason.MANUAL_REQUEST, service.clock())
                await transaction.save(dataset, service.clock() + ASIDE)
            return OrderFailed(order.key, FailureKind.REFUSED, "too late")

        turn = await _coordinator(service, Acting(overtaken)).turn(TENANT, dataset_id)

        dataset = await registry.dataset(TENANT, dataset_id)
        assert dataset.status is DatasetStatus.TEARDOWN
        assert dataset.trouble is None
        assert "changes nothing" in turn.why


async def test_a_teardown_waits_no_longer_for_an_order_that_has_ended(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset_id = await _added(service)
        registry = service.service.registry

        async def act(order: Order) -> Outcome:
            if isinstance(order, FindTemplate):
                selection = (await service.service.registry.dataset(TENANT, dataset_id)).wish
                assert selection is not None
                return await _found(service, order)
            assert isinstance(order, ProvisionDataset)
            async with registry.transaction(Principal(TENANT, SYSTEM)) as transaction:
                dataset = await transaction.dataset(dataset_id)
                dataset.start_teardown(
                    TeardownReason.MANUAL_REQUEST, service.clock(), skip_grace=True
                )
                await transaction.save(dataset, service.clock() + ASIDE)
            return OrderFailed(order.key, FailureKind.CANCELLED, "called off")

        turn = await _coordinator(service, Acting(act)).turn(TENANT, dataset_id)

        dataset = await registry.dataset(TENANT, dataset_id)
        assert dataset.teardown is not None
        assert dataset.teardown.quiet_at <= service.clock()
        assert turn.version == dataset.version


async def test_a_teardown_still_waits_for_an_agent_that_was_lost(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset_id = await _added(service)
        registry = service.service.registry

        async def act(order: Order) -> Outcome:
            if isinstance(order, FindTemplate):
                return await _found(service, order)
            async with registry.transaction(Principal(TENANT, SYSTEM)) as transaction:
                dataset = await transaction.dataset(dataset_id)
                dataset.start_teardown(
                    TeardownReason.MANUAL_REQUEST, service.clock(), skip_grace=True
                )
                await transaction.save(dataset, service.clock() + ASIDE)
            return OrderFailed(order.key, FailureKind.LOST, "the connection broke")

        await _coordinator(service, Acting(act)).turn(TENANT, dataset_id)

        dataset = await registry.dataset(TENANT, dataset_id)
        assert dataset.teardown is not None
        assert dataset.teardown.quiet_at > service.clock() + timedelta(minutes=20)


@pytest.mark.requirement("R74")
async def test_operations_are_told_in_the_log_of_a_sick_connector(tmp_path: Path) -> None:
    async def knock(order: Order) -> Outcome:
        return Probed(order.key, Probe(False, False, 12.5, "no answer"))

    async with running(tmp_path) as service:
        dataset_id = await _ready(service, Health(failures=2))

        with capture_logs() as lines:
            await _coordinator(service, Acting(knock)).turn(TENANT, dataset_id)

        (line,) = [each for each in lines if each["event"] == "connector.degraded"]
        assert (line["log_level"], line["dataset_id"]) == ("warning", str(dataset_id))
        assert "no answer" in line["why"]


async def test_operations_are_told_in_the_log_of_a_connector_nobody_can_watch(
    tmp_path: Path,
) -> None:
    async def lose(order: Order) -> Outcome:
        return OrderFailed(order.key, FailureKind.LOST, "nobody answers")

    async with running(tmp_path) as service:
        dataset_id = await _ready(service, Health(silences=4))

        with capture_logs() as lines:
            await _coordinator(service, Acting(lose)).turn(TENANT, dataset_id)

        (line,) = [each for each in lines if each["event"] == "connector.unwatched"]
        assert (line["log_level"], line["dataset_id"]) == ("warning", str(dataset_id))
        assert "nobody answers" in line["why"]


async def _ready(service: RunningService, health: Health) -> UUID:
    """Add a dataset that is READY, with a connector as well as that."""
    dataset_id = await _added(service)
    async with service.service.registry.transaction(Principal(TENANT, SYSTEM)) as transaction:
        dataset = await transaction.dataset(dataset_id)
        find_template(dataset)
        fill(dataset)
        validate(dataset)
        dataset.health = health
        await transaction.save(dataset, service.clock() + ASIDE)
    return dataset_id


async def _found(service: RunningService, order: FindTemplate) -> Outcome:
    """Find a template as the discovery agent would."""
    from domain.template import select_template  # noqa: PLC0415 - only this answer needs it

    del service
    return TemplateFound(order.key, select_template(order.wanted, [a_template("slack")]))


async def test_an_outcome_that_answers_no_order_of_ours_fails_the_order(tmp_path: Path) -> None:
    async def answer_something_else(order: Order) -> Outcome:
        return Probed(order.key, Probe(connected=True, authenticated=True, response_time_ms=1.0))

    async with running(tmp_path) as service:
        dataset_id = await _added(service)

        turn = await _coordinator(service, Acting(answer_something_else)).turn(TENANT, dataset_id)

        dataset = await service.service.registry.dataset(TENANT, dataset_id)
        assert dataset.status is DatasetStatus.FAILED
        assert dataset.trouble is not None
        assert "answered find_template with probed" in dataset.trouble.message
        assert turn.version == dataset.version


async def test_the_outcome_of_another_order_changes_neither_dataset(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        other = await service.call("lifecycle-coordinator", SMALL)
        registry = service.service.registry
        theirs = await registry.dataset(TENANT, await registry.dataset_id_of(TENANT, JIRA))
        dataset_id = await _added(service)

        async def forge(order: Order) -> Outcome:
            key = replace(order.key, dataset_id=theirs.place.dataset_id, version=theirs.version)
            return OrderFailed(key, FailureKind.REFUSED, "forged")

        await _coordinator(service, Acting(forge)).turn(TENANT, dataset_id)

        dataset = await registry.dataset(TENANT, dataset_id)
        assert dataset.trouble is not None
        assert "the outcome of another order" in dataset.trouble.message
        assert await registry.dataset(TENANT, theirs.place.dataset_id) == theirs
        assert other.state == "COMPLETED"


async def test_a_delegate_that_breaks_is_tried_again_later(tmp_path: Path) -> None:
    async def break_down(order: Order) -> Outcome:
        raise KeyError(order.kind)

    async with running(tmp_path) as service:
        dataset_id = await _added(service)

        turn = await _coordinator(service, Acting(break_down)).turn(TENANT, dataset_id)

        dataset = await service.service.registry.dataset(TENANT, dataset_id)
        assert dataset.status is DatasetStatus.DISCOVERING
        assert dataset.retries == 1
        assert turn.due_at is not None
        assert turn.due_at > service.clock()


async def test_an_unknown_dataset_gets_no_turn(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset_id = a_dataset().place.dataset_id

        with pytest.raises(NotFound):
            await _coordinator(service, Acting(_never)).turn(TENANT, dataset_id)


async def test_what_time_alone_does_is_committed(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call("lifecycle-coordinator", SMALL)
        await service.call("data-teardown", {"skill": "teardown-dataset", "dataset_id": JIRA})

        service.clock.advance(timedelta(hours=25))

        shown = await service.settled(JIRA, "archived")
        assert shown["teardown_step"] == "verify_emptied"
