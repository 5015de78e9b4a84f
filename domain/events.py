"""The domain events: the seed's seven with exactly its fields, and the additive ones beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import TypeAlias
from uuid import UUID

from domain.connector import ConnectorId
from domain.custody_events import (
    DatasetLegalHoldPlaced,
    DatasetLegalHoldReleased,
    DatasetRetentionExpired,
    DatasetRetentionExtended,
)
from domain.journey import ClientId, JourneyId, JourneyStage
from domain.lifecycle import TeardownReason, TeardownStep
from domain.record import Json
from domain.template import TemplateId


@dataclass(frozen=True, slots=True)
class DatasetProvisionRequested:
    """Somebody asked for datasets of a journey's stage; published once a request."""

    journey_id: JourneyId
    client_id: ClientId
    stage: JourneyStage
    dataset_types: tuple[str, ...]
    requested_by: str


@dataclass(frozen=True, slots=True)
class DatasetProvisioningStarted:
    """The template is found and provisioning begins."""

    dataset_id: UUID
    journey_id: JourneyId
    template_id: TemplateId
    stage: JourneyStage


@dataclass(frozen=True, slots=True)
class DatasetProvisionCompleted:
    """The dataset passed its gate for the first time.

    `record_count` is what the connector holds; minutes are rounded up, at least 1.
    """

    dataset_id: UUID
    journey_id: JourneyId
    quality_score: Fraction
    record_count: int
    connector_id: ConnectorId
    duration_minutes: int


@dataclass(frozen=True, slots=True)
class DatasetValidationFailed:
    """The gate said no; `failed_checks` names the checks that did not pass."""

    dataset_id: UUID
    journey_id: JourneyId
    failed_checks: tuple[str, ...]
    error_message: str


@dataclass(frozen=True, slots=True)
class DatasetReady:
    """The dataset passed its gate and may be used."""

    dataset_id: UUID
    journey_id: JourneyId
    quality_score: Fraction


@dataclass(frozen=True, slots=True)
class DatasetTeardownStarted:
    """The dataset's end begins, for this reason."""

    dataset_id: UUID
    journey_id: JourneyId
    reason: TeardownReason


@dataclass(frozen=True, slots=True)
class DatasetArchived:
    """The connector is empty and the archive verified; the size is that of the records."""

    dataset_id: UUID
    archive_location: str
    original_size_bytes: int


@dataclass(frozen=True, slots=True)
class DatasetProvisioningFailed:
    """A dataset failed before it ever reached its gate."""

    dataset_id: UUID
    journey_id: JourneyId
    error_message: str


@dataclass(frozen=True, slots=True)
class DatasetValidationAborted:
    """A dataset failed in validation without a verdict: there was no evidence to judge."""

    dataset_id: UUID
    journey_id: JourneyId
    error_message: str


@dataclass(frozen=True, slots=True)
class DatasetPopulated:
    """The connector holds so many records and the search engine has indexed them."""

    dataset_id: UUID
    journey_id: JourneyId
    record_count: int


@dataclass(frozen=True, slots=True)
class DatasetValidationStarted:
    """The gate runs again over a dataset that was READY or FAILED."""

    dataset_id: UUID
    journey_id: JourneyId
    cause: str


@dataclass(frozen=True, slots=True)
class ConnectorHealthDegraded:
    """A READY dataset's connector failed its probes; one incident id over the whole episode."""

    dataset_id: UUID
    journey_id: JourneyId
    incident_id: UUID
    error_message: str


@dataclass(frozen=True, slots=True)
class ConnectorUnwatched:
    """Probe after probe was lost on its way: nobody knows how the connector is."""

    dataset_id: UUID
    journey_id: JourneyId
    error_message: str


@dataclass(frozen=True, slots=True)
class DatasetTeardownStepDone:
    """One step of a teardown is done; `detail` says honestly what that meant."""

    dataset_id: UUID
    journey_id: JourneyId
    step: TeardownStep
    detail: str


@dataclass(frozen=True, slots=True)
class DatasetTeardownHurried:
    """Somebody had the grace period left out of a teardown that stands before this step."""

    dataset_id: UUID
    journey_id: JourneyId
    step: TeardownStep


@dataclass(frozen=True, slots=True)
class DatasetGivesWay:
    """A dataset stays until its successor is READY, for a day at most; None: there is none."""

    dataset_id: UUID
    journey_id: JourneyId
    successor_id: UUID | None


@dataclass(frozen=True, slots=True)
class TeardownApprovalAsked:
    """A dataset's teardown for this reason waits until somebody consents."""

    dataset_id: UUID
    journey_id: JourneyId
    approval_id: UUID
    reason: TeardownReason


@dataclass(frozen=True, slots=True)
class TeardownApprovalDecided:
    """Somebody consented to a dataset's teardown, or refused it; a withdrawal is not told of."""

    dataset_id: UUID
    journey_id: JourneyId
    approval_id: UUID
    is_approved: bool


@dataclass(frozen=True, slots=True)
class DatasetRestored:
    """A teardown was undone inside its grace period."""

    dataset_id: UUID
    journey_id: JourneyId


SeedEvent: TypeAlias = (
    DatasetProvisionRequested
    | DatasetProvisioningStarted
    | DatasetProvisionCompleted
    | DatasetValidationFailed
    | DatasetReady
    | DatasetTeardownStarted
    | DatasetArchived
)
"""The seven events Journey Orchestration consumes; exactly seven, whatever we add beside them."""

AdditiveEvent: TypeAlias = (
    DatasetProvisioningFailed
    | DatasetValidationAborted
    | DatasetPopulated
    | DatasetValidationStarted
    | ConnectorHealthDegraded
    | ConnectorUnwatched
    | DatasetTeardownStepDone
    | DatasetTeardownHurried
    | DatasetGivesWay
    | TeardownApprovalAsked
    | TeardownApprovalDecided
    | DatasetRestored
    | DatasetRetentionExpired
    | DatasetRetentionExtended
    | DatasetLegalHoldPlaced
    | DatasetLegalHoldReleased
)

DomainEvent: TypeAlias = SeedEvent | AdditiveEvent


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as the aggregate records it, with what its envelope adds (`extensions`)."""

    event: DomainEvent
    extensions: Mapping[str, Json] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The event's name, as the seed writes it."""
        return type(self.event).__name__


@dataclass(frozen=True, slots=True)
class EventContext:
    """What every event's envelope carries besides its fields (A29).

    `correlation` is the id of the request that set things going, `causation` the one of what
    directly led here.
    """

    tenant: str
    journey_id: JourneyId
    journey_ref: str
    client_ref: str
    dataset_id: UUID | None
    correlation: str
    causation: str = ""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the outbox holds it: numbered, dated, in its envelope, its fields as JSON."""

    event_id: UUID
    sequence: int
    name: str
    occurred_at: datetime
    context: EventContext
    fields: Mapping[str, Json]
    extensions: Mapping[str, Json] = field(default_factory=dict)
