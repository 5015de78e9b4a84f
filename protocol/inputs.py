"""What skills take in: one model a skill, and none takes what its published schema refuses."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.commands import (
    CleanupOrphans,
    CompleteJourney,
    Introduction,
    ProvisionDatasets,
    ResolveApproval,
    RestoreDataset,
    TeardownDataset,
    TransitionMode,
    TransitionStage,
    ValidateNow,
)
from domain.lifecycle import TeardownReason
from domain.state import Wish
from protocol.fields import (
    Code,
    Comment,
    Digest,
    Flag,
    Lifetime,
    Mode,
    PageSize,
    PageToken,
    PreviewCount,
    Reason,
    RecordCount,
    Reference,
    Run,
    Seed,
    Stage,
    Status,
    Type,
    Types,
    Word,
)


class SkillInput(BaseModel):
    """What every skill's input shares: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClientInput(SkillInput):
    """A client introduced with its first request."""

    name: Word
    code: Code
    industry: Word
    use_case: Word


class Ephemeral(SkillInput):
    """How long a dataset lives before it is torn down by itself, without grace."""

    ttl: Lifetime


class _Wished(SkillInput):
    journey_id: Reference
    client_id: Reference
    stage: Stage
    requested_by: Word | None = None
    record_count: RecordCount | None = None
    seed: Seed | None = None
    strict: Flag = False
    ephemeral: Ephemeral | None = None
    client: ClientInput | None = None

    def _command(self, types: tuple[str, ...], plan_digest: str | None = None) -> ProvisionDatasets:
        lifetime = self.ephemeral.ttl if self.ephemeral else None
        return ProvisionDatasets(
            journey=self.journey_id,
            client=self.client_id,
            stage=self.stage,
            dataset_types=types,
            requested_by=self.requested_by,
            wish=Wish(self.record_count, self.seed, self.strict, lifetime),
            introduction=Introduction(**self.client.model_dump()) if self.client else None,
            plan_digest=plan_digest,
        )


class ProvisionDatasetsInput(_Wished):
    """Datasets of several types for one stage of a journey (seed: DatasetProvisionRequested)."""

    dataset_types: Types
    dry_run: Flag = False
    plan_digest: Digest | None = None

    def command(self) -> ProvisionDatasets:
        """Give the command this input asks for."""
        return self._command(self.dataset_types, self.plan_digest)


class ProvisionDatasetInput(_Wished):
    """One dataset of one type."""

    dataset_type: Type

    def command(self) -> ProvisionDatasets:
        """Give the command this input asks for."""
        return self._command((self.dataset_type,))


class DatasetInput(SkillInput):
    """One dataset, by its id or by its connector's name (then the newest of that name)."""

    dataset_id: Reference


def resolved(reference: UUID | str) -> UUID:
    """Give the id of an input whose reference has been looked up."""
    return reference if isinstance(reference, UUID) else UUID(reference)


class ValidateDatasetInput(DatasetInput):
    """The dataset whose gate runs again."""

    def command(self) -> ValidateNow:
        """Give the command this input asks for."""
        return ValidateNow(resolved(self.dataset_id))


class RestoreDatasetInput(DatasetInput):
    """The dataset whose teardown is undone."""

    def command(self) -> RestoreDataset:
        """Give the command this input asks for."""
        return RestoreDataset(resolved(self.dataset_id))


class TeardownDatasetInput(DatasetInput):
    """The dataset to tear down; `force` leaves out the grace period."""

    reason: Reason = TeardownReason.MANUAL_REQUEST
    force: Flag = False

    def command(self) -> TeardownDataset:
        """Give the command this input asks for."""
        return TeardownDataset(resolved(self.dataset_id), self.reason, self.force)


class CleanupOrphansInput(SkillInput):
    """Whether orphans are only told of, which is so unless somebody says otherwise."""

    dry_run: Flag = True

    def command(self) -> CleanupOrphans:
        """Give the command this input asks for."""
        return CleanupOrphans()


class TransitionStageInput(SkillInput):
    """The journey that moves on, where to, and whether at once (A18)."""

    journey_id: Reference
    to_stage: Stage
    mode: Mode = TransitionMode.IMMEDIATE

    def command(self) -> TransitionStage:
        """Give the command this input asks for."""
        return TransitionStage(self.journey_id, self.to_stage, self.mode)


class CompleteJourneyInput(SkillInput):
    """The journey all of whose datasets end (A17)."""

    journey_id: Reference

    def command(self) -> CompleteJourney:
        """Give the command this input asks for."""
        return CompleteJourney(self.journey_id)


class ResolveApprovalInput(SkillInput):
    """An approval, by its id or its dataset's connector name, and how it is decided."""

    approval_id: Reference
    approve: Flag
    comment: Comment | None = None

    def command(self) -> ResolveApproval:
        """Give the command this input asks for."""
        return ResolveApproval(resolved(self.approval_id), self.approve, self.comment)


class ListDatasetsInput(SkillInput):
    """Which datasets to list, a page at a time."""

    journey_id: Reference | None = None
    client_id: Reference | None = None
    stage: Stage | None = None
    status: Status | None = None
    page_size: PageSize = 50
    page_token: PageToken | None = None


class ListTemplatesInput(SkillInput):
    """Which templates to list; nothing asked for lists all."""

    industry: Word | None = None
    use_case: Word | None = None
    dataset_type: Type | None = None


class DescribeTemplateInput(SkillInput):
    """One template, by its key or id."""

    template_id: Reference


class PreviewTemplateInput(DescribeTemplateInput):
    """A few sample records of a template."""

    record_count: PreviewCount = 5


class SelectTemplateInput(SkillInput):
    """What a template is wanted for."""

    industry: Word
    use_case: Word
    dataset_type: Type
    strict: Flag = False


class ConfigureConnectorInput(SkillInput):
    """The place whose connector configuration is shown.

    The journey is needed as long as no dataset of the client was ever asked for.
    """

    client_id: Reference
    stage: Stage
    dataset_type: Type
    journey_id: Reference | None = None


class QualityReportInput(DatasetInput):
    """A dataset's validation: the last one, or run number `run`."""

    run: Run | None = None
