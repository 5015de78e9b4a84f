"""What skills take in: one model a skill, strict about names, lax about number formats."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.commands import (
    Introduction,
    ProvisionDatasets,
    RestoreDataset,
    TeardownDataset,
    ValidateNow,
)
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.state import Wish


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _text(value: Any) -> Any:
    """Take a number where text is meant: a seed is digits however it is written."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int) else value


Reference = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
        description="A slug or a UUID, 1 to 128 letters, digits, dots, hyphens and underscores.",
    ),
]
Stage = Annotated[JourneyStage, BeforeValidator(_lower)]
Type = Annotated[
    str, Field(pattern=r"^[a-z0-9]{1,40}$", description="A dataset type, such as confluence.")
]
Word = Annotated[str, Field(min_length=1, max_length=100)]
Seed = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=100)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

MOST_SECONDS = 30 * 86400
"""The longest lifetime of an ephemeral dataset."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: Any) -> Any:
    """Take `30m`, `2h`, `1d` beside ISO 8601 and seconds."""
    if isinstance(value, str) and value[:-1].isdigit() and value[-1:] in _UNITS:
        return int(value[:-1]) * _UNITS[value[-1]]
    return value


Lifetime = Annotated[
    timedelta,
    BeforeValidator(_duration),
    Field(gt=timedelta(0), le=timedelta(seconds=MOST_SECONDS)),
]


class SkillInput(BaseModel):
    """What every skill's input shares: unknown fields are errors, numbers may be doubles."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ClientInput(SkillInput):
    """A client introduced with its first request."""

    name: Word
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")]
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
    record_count: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: Seed | None = None
    strict: bool = False
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

    dataset_types: Annotated[tuple[Type, ...], Field(min_length=1, max_length=20)]
    dry_run: bool = False
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

    dataset_id: UUID | Reference


def resolved(dataset_id: UUID | str) -> UUID:
    """Give the id of an input whose reference has been looked up."""
    return dataset_id if isinstance(dataset_id, UUID) else UUID(dataset_id)


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

    reason: Annotated[TeardownReason, BeforeValidator(_lower)] = TeardownReason.MANUAL_REQUEST
    force: bool = False

    def command(self) -> TeardownDataset:
        """Give the command this input asks for."""
        return TeardownDataset(resolved(self.dataset_id), self.reason, self.force)


class ListDatasetsInput(SkillInput):
    """Which datasets to list, a page at a time."""

    journey_id: Reference | None = None
    client_id: Reference | None = None
    stage: Stage | None = None
    status: Annotated[DatasetStatus, BeforeValidator(_lower)] | None = None
    page_size: Annotated[int, Field(ge=1, le=100)] = 50
    page_token: Annotated[str, Field(max_length=200)] | None = None


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

    record_count: Annotated[int, Field(ge=1, le=50)] = 5


class SelectTemplateInput(SkillInput):
    """What a template is wanted for."""

    industry: Word
    use_case: Word
    dataset_type: Type
    strict: bool = False


class ConfigureConnectorInput(SkillInput):
    """The place whose connector configuration is shown."""

    client_id: Reference
    stage: Stage
    dataset_type: Type


class QualityReportInput(DatasetInput):
    """A dataset's validation: the last one, or run number `run`."""

    run: Annotated[int, Field(ge=1)] | None = None
