"""What the tests of the agents share: the real gateways before the stand-ins, and real orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from starlette.types import ASGIApp

from agents.discovery import DatasetDiscoveryAgent, Templates
from agents.intake import Intake
from agents.provisioning import DatasetProvisioningAgent
from agents.teardown import DataTeardownAgent
from agents.validation import DataValidationAgent
from domain.archive import Dossier
from domain.connector import ConnectorConfiguration
from domain.dataset import Dataset
from domain.lifecycle import TeardownReason, TeardownStep
from domain.ordering import Rest
from domain.ports import StageAgent
from domain.state import Content, Wish
from domain.work import (
    AGENT_OF,
    AgentName,
    FailureKind,
    Order,
    OrderFailed,
    Outcome,
    Progress,
    TakeStep,
)
from gateways.archive import FolderArchive
from gateways.folder_source import FolderSource
from gateways.local.mock_data import create_app as create_supplier
from gateways.mock_data import MockDataClient
from gateways.schema import JsonSchemaRecords
from tests.domain.driving import (
    a_dataset,
    commit,
)
from tests.domain.making import (
    DATASET_ID,
)
from tests.gateways.foreign import INDEXING_TOKEN, Glean, Said, Scripted, calling

E = TypeVar("E")

ALL_OF_GLEAN = ""
"""The path every call to Glean ends with."""

MASKING_SECRET = "sixteen letters at least"

OUTAGE = 10_000
"""More calls than any test makes."""

DOSSIER = Dossier(DATASET_ID, {"stage": "sandbox"}, (), {"queries": None}, ())


class Scene:
    """Four agents, the local Glean, the local supplier and an archive in a folder."""

    def __init__(self, folder: Path, supplier: ASGIApp | None = None, **glean: Any) -> None:
        self.folder = folder
        self.glean = Glean(**glean)
        self.clock = self.glean.time.clock
        self.connectors = self.glean.connectors
        self.archive = FolderArchive(folder)
        self.noted: list[Progress] = []
        self.agents: dict[AgentName, StageAgent] = {}
        self.source = FolderSource(folder / "source")
        self.meet(supplier or create_supplier())

    def meet(self, supplier: ASGIApp) -> None:
        """Let another supplier take the place of the present one."""
        data = MockDataClient(calling(supplier), self.glean.time.timing)
        intake = Intake(data, self.source, lambda: MASKING_SECRET)
        agents = (
            DatasetDiscoveryAgent(Templates(data), self.clock),
            DatasetProvisioningAgent(intake, self.connectors, self.clock),
            DataValidationAgent(intake, self.connectors, JsonSchemaRecords(), self.clock),
            DataTeardownAgent(self.connectors, self.archive, self.clock),
        )
        self.agents = {each.name: each for each in agents}

    async def note(self, progress: Progress) -> None:
        """Take note of an order's progress."""
        self.noted.append(progress)

    async def perform(self, order: Order, agent: AgentName | None = None) -> Outcome:
        """Have an order carried out by its agent, or by another one."""
        return await self.agents[agent or AGENT_OF[order.kind]].perform(order, self.note)

    async def answer(self, dataset: Dataset) -> Outcome:
        """Have the next order of a dataset carried out."""
        return await self.perform(order_of(dataset, self))

    async def advance(self, dataset: Dataset, steps: int = 1) -> None:
        """Move a dataset on by so many orders, all of which must succeed."""
        for _ in range(steps):
            outcome = await self.answer(dataset)
            assert not isinstance(outcome, OrderFailed), outcome.message
            dataset.apply(outcome, self.clock())
            commit(dataset)

    async def delete(self, dataset: Dataset, record_id: str) -> None:
        """Delete a document behind everybody's back."""
        uploaded = [
            each
            for body in self.glean.bodies("/bulkindexdocuments")
            for each in body["documents"]
            if each["id"] == record_id
        ]
        body = {
            "datasource": connector_of(dataset).datasource,
            "objectType": uploaded[0]["objectType"],
            "id": record_id,
        }
        await self._index("deletedocument", body)

    def down(self, path_suffix: str = ALL_OF_GLEAN, **fault: Any) -> None:
        """Let Glean fail for every call to paths that end so."""
        self.glean.faults.fail_next(path_suffix, **{"times": OUTAGE, **fault})

    def pass_time(self, **span: float) -> None:
        """Let time pass."""
        self.glean.time.now += timedelta(**span)

    async def _index(self, path: str, body: dict[str, Any]) -> None:
        headers = {"authorization": f"Bearer {INDEXING_TOKEN}"}
        answer = await self.glean.client.post(f"/api/index/v1/{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text


def acme(dataset_type: str = "confluence", record_count: int | None = 300) -> Dataset:
    """ACME Healthcare's sandbox dataset; 300 records are the fewest its template allows."""
    return a_dataset(wish=Wish(record_count=record_count), dataset_type=dataset_type)


def order_of(dataset: Dataset, scene: Scene) -> Order:
    """The next order of a dataset, with the dossier its archiving needs."""
    order = dataset.next_order(scene.clock())
    assert not isinstance(order, Rest)
    if isinstance(order, TakeStep) and order.step is TeardownStep.ARCHIVE_METADATA:
        return replace(order, dossier=DOSSIER)
    return order


async def tear_down(scene: Scene, dataset: Dataset, steps: int) -> None:
    """Begin a teardown without grace and take so many of its steps."""
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, scene.clock(), skip_grace=True)
    commit(dataset)
    await scene.advance(dataset, min(steps, 3))
    if steps > 2:
        assert dataset.lapse(scene.clock())
        commit(dataset)
    await scene.advance(dataset, max(0, steps - 3))


def connector_of(dataset: Dataset) -> ConnectorConfiguration:
    """The connector, which must be configured."""
    assert dataset.connector is not None
    return dataset.connector


def content_of(dataset: Dataset) -> Content:
    """The content, which must be there."""
    assert dataset.content is not None
    return dataset.content


def is_a(kind: type[E], outcome: Outcome) -> E:
    """An outcome that must be of this kind."""
    assert isinstance(outcome, kind), outcome
    return outcome


def unavailable(outcome: Outcome) -> str:
    """The message of an order that may work later."""
    failed = is_a(OrderFailed, outcome)
    assert failed.failure is FailureKind.UNAVAILABLE
    return failed.message


def refused(outcome: Outcome) -> str:
    """The message of an order that somebody has to see to."""
    failed = is_a(OrderFailed, outcome)
    assert failed.failure is FailureKind.REFUSED
    return failed.message


def always(answer: Said) -> Scripted:
    """A supplier that says one thing to everything."""
    return Scripted(answer)
