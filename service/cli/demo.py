"""The demo: ACME Healthcare's two datasets, from one request to two archives, in three acts."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from a2a.types import TaskState

from domain.commands import Principal
from domain.errors import NotAllowed
from domain.lifecycle import DatasetStatus
from domain.repository import DatasetFilter
from domain.view import describe
from protocol.auth import ANONYMOUS
from service.cli.glean_admin import GleanAdmin
from service.cli.serve import Served, serving
from service.cli.stage import Stage
from service.cli.talk import Ending, Talk
from service.clocks import MovableClock
from service.observability import set_up_logs
from service.settings import Untouched

if TYPE_CHECKING:
    from uuid import UUID

    from domain.commands import Request
    from domain.dataset import Dataset
    from domain.events import RecordedEvent
    from service.settings import Settings

BY_HAND = "four to six hours each"
"""What a dataset costs without the service (the seed's baseline)."""

PATIENCE_SECONDS = 180.0
"""How long the three acts may take together; they take seconds where all is well."""

_MANY = 100

_REQUEST = {
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "sandbox",
    "dataset_types": ["confluence", "github"],
}


@dataclass(slots=True)
class Report:
    """What the demo measured, act by act; every figure comes from this very run."""

    acts: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    succeeded: bool = False

    def document(self) -> dict[str, Any]:
        """Give the report as one JSON object."""
        return {"succeeded": self.succeeded, "acts": self.acts, "events": self.events}


async def demo(data: Path | None, *, as_json: bool) -> int:
    """Play the three acts in a folder, or in one that goes with the demo; 0 when all went well.

    With a folder, a demo that was killed in its first act is carried on where it stood. Whatever is set elsewhere
    has no say: the demo moves the clock, and no installation but its own may feel that.
    """
    with tempfile.TemporaryDirectory(prefix="dataops-demo-") as folder:
        settings = Untouched(data=data or Path(folder), port=0, log_level="WARNING")
        return await play(settings, as_json=as_json)


async def play(settings: Settings, *, as_json: bool) -> int:
    """Play the three acts against a service with these settings; 0 when all went well.

    Raises:
        NotAllowed: somebody else's datasets are there, whose time would pass too.
    """
    set_up_logs(settings)
    clock, report = MovableClock(), Report()
    async with serving(settings, clock) as served:
        await _require_no_others(served)
        talk = Talk(served.url)
        try:
            await _Play(served, talk, Stage(quiet=as_json), clock, report).run()
        finally:
            await talk.close()
    if as_json:
        print(json.dumps(report.document()))  # noqa: T201 - the command's output
    return 0 if report.succeeded else 1


async def _require_no_others(served: Served) -> None:
    page = await served.service.registry.datasets(_WHO.tenant, DatasetFilter(), _MANY, None)
    clients = {each.place.client.ref for each in page.datasets} - {_REQUEST["client_id"]}
    if clients:
        message = (
            f"{served.service.settings.data} holds datasets of {', '.join(sorted(clients))}, and "
            "the demo would let a day pass for them too. Choose another folder with --data."
        )
        raise NotAllowed(message)


class _Play:
    """The three acts."""

    def __init__(
        self, served: Served, talk: Talk, stage: Stage, clock: MovableClock, report: Report
    ) -> None:
        self._served = served
        self._talk = talk
        self._stage = stage
        self._clock = clock
        self._report = report
        self._admin = GleanAdmin(served)
        self._told = 0
        self._is_over = False
        self._names: dict[UUID, str] = {}

    async def run(self) -> None:
        """Play the acts in order; each builds on the one before."""
        self._stage.title(self._served.url)
        unfinished = await self._unfinished()
        self._told = unfinished.since if unfinished else await self._newest()
        telling = asyncio.create_task(self._tell_events())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                self._report.succeeded = (
                    await self._act_one(unfinished)
                    and await self._act_two()
                    and await self._act_three()
                )
        except TimeoutError:
            self._stage.say(f"It was not done within {PATIENCE_SECONDS:g} s.")
        finally:
            self._is_over = True
            self._served.service.bell.ring()
            await telling
        self._stage.end(self._report.succeeded, len(self._report.events))

    async def _act_one(self, unfinished: Request | None) -> bool:
        """One request, two READY datasets, with evidence; one left behind is carried on."""
        self._stage.act("Act one", "Journey Orchestration asks for two datasets")
        started = time.monotonic()
        ending = await self._talk.call(
            "lifecycle-coordinator",
            {"event": "DatasetProvisionRequested", **_REQUEST},
            self._stage.progress,
            message_id=unfinished.key.message_id if unfinished else str(uuid4()),
        )
        seconds = time.monotonic() - started
        datasets = ending.data.get("datasets", [])
        self._stage.quality(datasets)
        records = sum(int(each["record_count"] or 0) for each in datasets)
        ready = sum(each["status"] == "ready" for each in datasets)
        self._stage.say(
            f"{ready} of {len(datasets)} datasets READY, {records} records, in {seconds:.2f} s "
            f"(by hand {BY_HAND})"
        )
        for each in datasets:
            if each.get("error"):
                self._stage.say(f"{each['connector_name']}: {each['error']}")
        if not datasets:
            self._stage.say(ending.sentence)
        self._report.acts["provision"] = {
            "seconds": round(seconds, 3),
            "records": records,
            "datasets": [_short(each) for each in datasets],
        }
        return ending.state == TaskState.TASK_STATE_COMPLETED

    async def _act_two(self) -> bool:
        """One page is hidden, the gate blocks the dataset with evidence; mended, it passes."""
        self._stage.act("Act two", "somebody hides a page that people look for")
        dataset = await self._dataset("ACME-sandbox-confluence")
        document = await self._admin.document_of_first_query(dataset)
        await self._admin.override(document, "HIDE_FROM_ALL")
        blocked = await self._validate()
        self._stage.verdict(blocked.data)
        await self._admin.override(document, "NONE")
        self._stage.say("The page is brought back; the gate runs again.")
        mended = await self._validate()
        self._stage.verdict(mended.data)
        self._report.acts["break_and_mend"] = {
            "blocked": [_short(each) for each in blocked.data.get("datasets", [])],
            "mended": [_short(each) for each in mended.data.get("datasets", [])],
        }
        return (
            blocked.state == TaskState.TASK_STATE_FAILED
            and mended.state == TaskState.TASK_STATE_COMPLETED
        )

    async def _act_three(self) -> bool:
        """Both are torn down; the 24 hours pass on the demo's clock; archives are verified."""
        self._stage.act("Act three", "the stage is over: gone without trace, except in the archive")
        names = ("ACME-sandbox-confluence", "ACME-sandbox-github")
        for name in names:
            ending = await self._talk.call(
                "data-teardown", {"skill": "teardown-dataset", "dataset_id": name}, _silent
            )
            self._stage.say(ending.sentence)
        grace = self._served.service.settings.grace_period
        self._clock.advance(grace + timedelta(seconds=1))
        self._stage.say(f"{grace / timedelta(hours=1):g} hours pass on the demo's clock.")
        datasets = [await self._archived(each) for each in names]
        verified = [await self._verified(each) for each in names]
        self._report.acts["teardown"] = {
            "datasets": [_short(describe(each)) for each in datasets],
            "archives": verified,
        }
        return all(each["verified"] for each in verified)

    async def _validate(self) -> Ending:
        call = {"skill": "validate-dataset", "dataset_id": "ACME-sandbox-confluence"}
        return await self._talk.call("data-validation", call, _silent)

    async def _verified(self, name: str) -> dict[str, Any]:
        call = {"skill": "verify-archive", "dataset_id": name}
        ending = await self._talk.call("data-teardown", call, _silent)
        self._stage.say(ending.sentence)
        return {key: ending.data.get(key) for key in ("location", "verified", "actual_sha256")}

    async def _archived(self, name: str) -> Dataset:
        """Wait until a dataset is ARCHIVED; its row says when, the bell says when to look."""
        while True:
            wait = self._served.service.bell.handle()
            dataset = await self._dataset(name)
            if dataset.status is DatasetStatus.ARCHIVED:
                return dataset
            self._served.service.engine.ring(dataset.place.dataset_id)
            await wait(0.5)

    async def _dataset(self, name: str) -> Dataset:
        registry = self._served.service.registry
        found = await registry.dataset_id_of(ANONYMOUS.tenant, name)
        return await registry.dataset(ANONYMOUS.tenant, found)

    async def _unfinished(self) -> Request | None:
        """Give the request a killed demo left behind."""
        left = await self._served.service.registry.unsettled_requests(10)
        return next((each for each in left if each.skill == "provision-datasets"), None)

    async def _newest(self) -> int:
        return await self._served.service.registry.last_sequence(_WHO.tenant)

    # events as they happen

    async def _tell_events(self) -> None:
        """Tell each event once, and the last of them after the last act."""
        while not self._is_over:
            wait = self._served.service.bell.handle()
            await self._catch_up()
            await wait(0.5)
        await self._catch_up()

    async def _catch_up(self) -> None:
        registry = self._served.service.registry
        for event in await registry.events(_WHO.tenant, self._told, 1000):
            self._told = event.sequence
            self._report.events.append(event.name)
            self._stage.event(event, await self._whose(event))

    async def _whose(self, event: RecordedEvent) -> str:
        """Name the dataset of an event by its connector, or the journey where it has none."""
        dataset_id = event.context.dataset_id
        if dataset_id is None:
            return event.context.journey_ref
        if dataset_id not in self._names:
            found = await self._served.service.registry.dataset(_WHO.tenant, dataset_id)
            self._names[dataset_id] = found.place.connector_name
        return self._names[dataset_id]


_WHO = Principal(ANONYMOUS.tenant, ANONYMOUS.subject)


def _short(dataset: Any) -> dict[str, Any]:
    keys = ("connector_name", "status", "quality_score", "record_count", "template_id")
    return {key: dataset.get(key) for key in keys}


async def _silent(data: dict[str, Any]) -> None:
    del data
