"""Orders and outcomes: what the coordinator asks of a stage agent, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias
from uuid import UUID

from domain.archive import ArchiveLock, ArchiveReceipt, Dossier
from domain.checks import Evidence, Probe
from domain.connector import ConnectorConfiguration
from domain.lifecycle import TeardownStep
from domain.quality import QualityPolicy
from domain.recipe import Recipe
from domain.template import SampleQuery, Selection, TemplateRequest


class AgentName(StrEnum):
    """The agents by the names of their cards."""

    COORDINATOR = "lifecycle-coordinator"
    DISCOVERY = "dataset-discovery"
    PROVISIONING = "dataset-provisioning"
    VALIDATION = "data-validation"
    TEARDOWN = "data-teardown"


@dataclass(frozen=True, slots=True)
class OrderKey:
    """Which order this is: the dataset, its version when the order was given, and the try.

    An outcome given at another version changes nothing; that alone fences a zombie.
    """

    tenant: str
    dataset_id: UUID
    version: int
    attempt: int

    def __str__(self) -> str:
        """Write the key as the one id every message about the order carries."""
        return f"{self.dataset_id}/{self.version}/{self.attempt}"


@dataclass(frozen=True, slots=True)
class FindTemplate:
    """Find the template that fits best; to the discovery agent."""

    key: OrderKey
    deadline: datetime
    wanted: TemplateRequest
    kind: Literal["find_template"] = "find_template"


@dataclass(frozen=True, slots=True)
class ProvisionDataset:
    """Create the connector, fill it, and wait until it is indexed; to the provisioning agent."""

    key: OrderKey
    deadline: datetime
    recipe: Recipe
    connector: ConnectorConfiguration
    query_count: int
    kind: Literal["provision_dataset"] = "provision_dataset"


@dataclass(frozen=True, slots=True)
class ValidateDataset:
    """Gather the evidence for the four checks; to the validation agent."""

    key: OrderKey
    deadline: datetime
    recipe: Recipe
    connector: ConnectorConfiguration
    queries: tuple[SampleQuery, ...]
    policy: QualityPolicy
    kind: Literal["validate_dataset"] = "validate_dataset"


@dataclass(frozen=True, slots=True)
class ProbeConnector:
    """Knock once at a connector; to the validation agent.

    `thorough` has the search tried as well, as the gate does, where there is quota to spare.
    """

    key: OrderKey
    deadline: datetime
    connector: ConnectorConfiguration
    policy: QualityPolicy
    thorough: bool = False
    kind: Literal["probe_connector"] = "probe_connector"


@dataclass(frozen=True, slots=True)
class TakeStep:
    """Take one step of a teardown; to the teardown agent.

    `connector` may be None; ARCHIVE_METADATA needs the `dossier`, VERIFY_EMPTIED the `queries`.
    """

    key: OrderKey
    deadline: datetime
    step: TeardownStep
    connector: ConnectorConfiguration | None
    queries: tuple[SampleQuery, ...] = ()
    dossier: Dossier | None = None
    locked_until: datetime | None = None
    kind: Literal["take_step"] = "take_step"


@dataclass(frozen=True, slots=True)
class RestoreConnector:
    """Make a hidden connector visible again; to the teardown agent."""

    key: OrderKey
    deadline: datetime
    connector: ConnectorConfiguration
    kind: Literal["restore_connector"] = "restore_connector"


@dataclass(frozen=True, slots=True)
class LockArchive:
    """Lock an archive for longer, put a legal hold on it, or take it off; to the teardown agent."""

    key: OrderKey
    deadline: datetime
    location: str
    lock: ArchiveLock
    kind: Literal["lock_archive"] = "lock_archive"


@dataclass(frozen=True, slots=True)
class PurgeArchive:
    """Remove an archive whose retention is over; to the teardown agent."""

    key: OrderKey
    deadline: datetime
    location: str
    kind: Literal["purge_archive"] = "purge_archive"


Order: TypeAlias = (
    FindTemplate
    | ProvisionDataset
    | ValidateDataset
    | ProbeConnector
    | TakeStep
    | RestoreConnector
    | LockArchive
    | PurgeArchive
)

AGENT_OF: dict[str, AgentName] = {
    "find_template": AgentName.DISCOVERY,
    "provision_dataset": AgentName.PROVISIONING,
    "validate_dataset": AgentName.VALIDATION,
    "probe_connector": AgentName.VALIDATION,
    "take_step": AgentName.TEARDOWN,
    "restore_connector": AgentName.TEARDOWN,
    "lock_archive": AgentName.TEARDOWN,
    "purge_archive": AgentName.TEARDOWN,
}
"""The one agent each kind of order is meant for."""


@dataclass(frozen=True, slots=True)
class TemplateFound:
    """The discovery agent's answer."""

    key: OrderKey
    selection: Selection
    kind: Literal["template_found"] = "template_found"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The provisioning agent's answer: what was generated, uploaded and indexed.

    `record_count` is what the supplier made, or what was read of the source's `source_version`,
    `documents` what the filters let through and the search engine indexed; `size_bytes` the
    canonical bytes of the latter (A30).
    """

    key: OrderKey
    record_count: int
    documents: int
    content_digest: str
    size_bytes: int
    queries: tuple[SampleQuery, ...]
    source_version: str | None = None
    kind: Literal["provisioned"] = "provisioned"


@dataclass(frozen=True, slots=True)
class Examined:
    """The validation agent's answer: evidence, never a verdict."""

    key: OrderKey
    evidence: Evidence
    kind: Literal["examined"] = "examined"


@dataclass(frozen=True, slots=True)
class Probed:
    """What one knock at the connector found."""

    key: OrderKey
    probe: Probe
    kind: Literal["probed"] = "probed"


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A teardown step is done; `detail` says what that meant at the foreign system."""

    key: OrderKey
    step: TeardownStep
    detail: str
    receipt: ArchiveReceipt | None = None
    kind: Literal["step_taken"] = "step_taken"


@dataclass(frozen=True, slots=True)
class ConnectorRestored:
    """A hidden connector is visible again."""

    key: OrderKey
    detail: str
    kind: Literal["connector_restored"] = "connector_restored"


@dataclass(frozen=True, slots=True)
class ArchiveLocked:
    """The lock the archive has now, as it reads back."""

    key: OrderKey
    lock: ArchiveLock
    kind: Literal["archive_locked"] = "archive_locked"


@dataclass(frozen=True, slots=True)
class ArchivePurged:
    """The archive is gone; its tombstone stays in the registry."""

    key: OrderKey
    kind: Literal["archive_purged"] = "archive_purged"


class FailureKind(StrEnum):
    """What an order died of, by what to do about it.

    LOST: we no longer hear its agent, which may still be at work until the order's deadline.
    """

    LOST = "lost"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class OrderFailed:
    """An order could not be carried out; the message says what, to which thing, and what next."""

    key: OrderKey
    failure: FailureKind
    message: str
    retry_after: timedelta | None = None
    kind: Literal["order_failed"] = "order_failed"


Outcome: TypeAlias = (
    TemplateFound
    | Provisioned
    | Examined
    | Probed
    | StepTaken
    | ConnectorRestored
    | ArchiveLocked
    | ArchivePurged
    | OrderFailed
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an order has come: `done` of `total` in `unit` during `phase`."""

    phase: str
    done: int
    total: int
    unit: str = "records"
