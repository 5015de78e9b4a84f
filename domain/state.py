"""A dataset's state: every fact the registry keeps of it, and nothing that can be derived."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NoReturn
from uuid import UUID, uuid5

from domain.archive import ArchiveReceipt, LegalHold
from domain.connector import ConnectorConfiguration, ConnectorPlace, connector_name
from domain.errors import IllegalTransition
from domain.events import DomainEvent, Happening
from domain.health import Health
from domain.journey import Client, JourneyId, JourneyStage
from domain.lifecycle import (
    ENDED,
    UNDER_WAY,
    DatasetStatus,
    LifecycleStage,
    require_transition,
    stage_of,
)
from domain.moments import require_zone
from domain.quality import QualityScore, Severity
from domain.record import Json
from domain.rules import LifecycleRules
from domain.succession import GivingWay
from domain.teardown import Teardown
from domain.template import DatasetTemplate, Hop, SampleQuery
from domain.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks of a dataset besides its place.

    `seed` takes the client's id's place in the derived seed; `lifetime` tears the dataset down
    by itself, without grace, that long after it was asked for; `replaces` is the dataset that
    gives way to it once it is READY.
    """

    record_count: int | None = None
    seed: str | None = None
    strict: bool = False
    lifetime: timedelta | None = None
    replaces: UUID | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a dataset holds: how it was made, how much of it, and its digest.

    `seed` and `record_count` with the template give the same bytes again; `documents` is what
    the search engine indexed; `size_bytes` the records' canonical bytes. What was read from a
    source is that of its `source_version`; `is_outdated` when the source has had another since,
    and `renewals` counts how often in a row it was read anew for that.
    """

    seed: int
    record_count: int
    documents: int
    content_digest: str
    size_bytes: int
    queries: tuple[SampleQuery, ...]
    source_version: str | None = None
    is_outdated: bool = False
    renewals: int = 0


@dataclass(frozen=True, slots=True)
class DatasetPlace:
    """Where a dataset belongs and who asked for it; fixed at its birth.

    `generation` counts the datasets of one client, stage and type from 1; `origin` is the
    address its documents' links begin with; `correlation` the id of the request.
    """

    tenant: str
    dataset_id: UUID
    journey_id: JourneyId
    journey_ref: str
    client: Client
    stage: JourneyStage
    dataset_type: str
    generation: int
    origin: str
    requested_by: str
    requested_at: datetime
    correlation: str

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        require_zone("requested_at", self.requested_at)

    @property
    def connector_name(self) -> str:
        """The connector's name, known before the connector is (seed: R46)."""
        return connector_name(self.client.code, self.stage, self.dataset_type)

    @property
    def connector_place(self) -> ConnectorPlace:
        """What the connector's names are made from."""
        return ConnectorPlace(
            client_id=self.client.client_id,
            client_code=self.client.code,
            stage=self.stage,
            dataset_type=self.dataset_type,
            generation=self.generation,
            dataset_id=self.dataset_id,
            origin=self.origin,
            tenant=self.tenant,
        )


@dataclass(kw_only=True)
class DatasetState:
    """One dataset as it stands (seed: Dataset).

    `version` counts the committed changes and is the optimistic lock; `quality` is the last
    verdict, `first_passed` whether all four checks passed at the first; `content` and `connector`
    are None until provisioning has made them; `is_hidden` tells whether a teardown has taken
    documents out of sight; `archive` stays for ever once the dataset is archived;
    `pursued_since` is when somebody last had it tried anew; `busy_until` the time until which an
    agent we have lost may still be at work, `hides_until` until when one may still take documents
    out of sight; `taken_over_at` is when somebody else took the dataset up whose lease was over,
    until that is written down; `gives_way` is for whom it ends
    (make before break); `retain_until` is until when an archived dataset's archive is kept, only
    ever later, and `legal_hold` what keeps it beyond; `is_lock_owed` tells whether the archive
    itself has yet to be locked so; `happenings` are the events not yet written to the outbox,
    `probes` tells of each probe not yet counted whether it passed.
    """

    place: DatasetPlace
    wish: Wish
    status: DatasetStatus = DatasetStatus.DISCOVERING
    version: int = 0
    template: DatasetTemplate | None = None
    hops: tuple[Hop, ...] = ()
    connector: ConnectorConfiguration | None = None
    content: Content | None = None
    quality: QualityScore | None = None
    first_passed: bool | None = None
    ready_at: datetime | None = None
    archived_at: datetime | None = None
    purged_at: datetime | None = None
    trouble: Trouble | None = None
    health: Health = field(default_factory=Health)
    teardown: Teardown | None = None
    archive: ArchiveReceipt | None = None
    is_hidden: bool = False
    pursued_since: datetime | None = None
    busy_until: datetime | None = None
    hides_until: datetime | None = None
    taken_over_at: datetime | None = None
    gives_way: GivingWay | None = None
    retain_until: datetime | None = None
    legal_hold: LegalHold | None = None
    is_lock_owed: bool = False
    rules: LifecycleRules = field(default_factory=LifecycleRules)
    happenings: list[Happening] = field(default_factory=list)
    probes: tuple[bool, ...] = ()

    @property
    def name(self) -> str:
        """How messages speak of the dataset: its connector's name and its id."""
        return f"Dataset {self.place.connector_name} ({self.place.dataset_id})"

    @property
    def has_ended(self) -> bool:
        """Whether the dataset holds its place no longer: it is on its way out, or archived."""
        return self.status in ENDED

    @property
    def lifecycle_stage(self) -> LifecycleStage:
        """The stage of the lifecycle in which the dataset stands."""
        return stage_of(self.status, self.trouble.failed_in if self.trouble else None)

    @property
    def quality_score(self) -> Fraction | None:
        """The last overall score, 0 to 1, or None before the first validation."""
        return self.quality.overall_score if self.quality else None

    @property
    def is_outdated(self) -> bool:
        """Whether what the dataset was filled with is no longer what its source holds."""
        return self.content is not None and self.content.is_outdated

    @property
    def expires_at(self) -> datetime | None:
        """When a dataset with a lifetime is torn down by itself."""
        lifetime = self.wish.lifetime
        return self.place.requested_at + lifetime if lifetime is not None else None

    @property
    def ready_by(self) -> datetime | None:
        """Until when a dataset on its way to READY for the first time must be so (A1, A11).

        None for one that was READY, or is not on its way: it rests, or its connector is ill.
        """
        is_on_its_way = self.status in UNDER_WAY and not self.health.is_ill(self.rules)
        if self.ready_at is not None or not is_on_its_way:
            return None
        return (self.pursued_since or self.place.requested_at) + self.rules.provisioning_limit

    @property
    def decided_by(self) -> datetime | None:
        """Until when the gate must have decided, however often its order is given (seed: R15).

        None while no gate is to run: out of sight, or with a connector that is ill.
        """
        since = self.health.gate_since
        is_at_gate = self.status is DatasetStatus.VALIDATING and not self.is_hidden
        if since is None or not is_at_gate or self.health.is_ill(self.rules):
            return None
        return since + self.rules.validation_limit

    @property
    def restorable_until(self) -> datetime | None:
        """Until when a teardown can be undone; None where it cannot, or while still connected."""
        teardown = self.teardown
        if teardown is None or self.content is None or not teardown.is_reversible:
            return None
        until = teardown.may_empty_at
        return min(until, self.expires_at or until) if until is not None else None

    @property
    def retries(self) -> int:
        """How many automatic retries the trouble at hand has cost."""
        return self.trouble.retries if self.trouble else 0

    @property
    def new_incident_id(self) -> UUID:
        """The id an incident has that is opened now; decided again, it is the same."""
        return uuid5(self.place.dataset_id, f"incident/{self.version}")

    @property
    def ids(self) -> tuple[UUID, JourneyId]:
        """The two ids nearly every event begins with."""
        return self.place.dataset_id, self.place.journey_id

    def become(self, target: DatasetStatus) -> None:
        """Take an edge of the transition table.

        Raises:
            IllegalTransition: the table has no such edge.
        """
        require_transition(self.name, self.status, target)
        self.status = target

    def troubled(self, message: str, severity: Severity) -> Trouble:
        """Name the trouble at hand, with the tries that were used up before it."""
        before = self.trouble or Trouble(self.status, message, severity)
        return replace(
            before, failed_in=self.status, message=message, severity=severity, retry_at=None
        )

    def lose_sight(self, at: datetime) -> None:
        """Reckon with an order that was given by then and is out of our hands.

        Until its deadline its agent may be at work. Which order that is only the status tells:
        where a teardown may have begun to disconnect, it may be one that hides.
        """
        until = at + self.rules.order_limit
        self.busy_until = max(until, self.busy_until or until)
        if self.teardown is not None and self.teardown.may_have_hidden:
            self.hides_until = max(until, self.hides_until or until)

    def note_takeover(self, at: datetime | None) -> None:
        """Take note of when the dataset was last taken over, if it was since its last commit.

        Whoever had it may only have stood still, and its agent go on where it stood.
        """
        self.taken_over_at = at
        if at is not None:
            self.lose_sight(at)

    def fail(self, trouble: Trouble) -> None:
        """Become FAILED, for this reason."""
        self.trouble = trouble
        self.become(DatasetStatus.FAILED)

    def happen(self, event: DomainEvent, **extensions: Json) -> None:
        """Record an event, to be published by the commit that keeps what caused it."""
        self.happenings.append(Happening(event, extensions))

    def refuse(self, done: str, why: str) -> NoReturn:
        """Refuse what the status does not allow.

        Raises:
            IllegalTransition: always.
        """
        message = f"{self.name} is {self.status} and cannot be {done}: {why}."
        raise IllegalTransition(message)
