"""Recipes: a dataset's content is made from template, seed and count, or read from a source."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from domain.errors import FieldError, InvalidInput
from domain.journey import DEFAULT_TENANT, ClientId, JourneyStage
from domain.template import DatasetTemplate

MOST_READ = 1_000_000
"""More records than this are never read from a source."""

_SEED_BITS = 52


@dataclass(frozen=True, slots=True)
class Extract:
    """Which records of a source: a client's, of one type, as the stage may have them (A37)."""

    client_id: ClientId
    client_ref: str
    stage: JourneyStage
    dataset_type: str
    tenant: str = DEFAULT_TENANT

    @property
    def is_masked(self) -> bool:
        """Whether the records lose their personal data on the way."""
        return is_masked(self.stage)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a dataset's content is a function of: the same recipe gives the same bytes.

    `seed` is below 2^52, so that it survives any JSON. With an `extract` nothing is made up: the
    content is what the source holds of it just then, `record_count` records at most.
    """

    template: DatasetTemplate
    seed: int
    record_count: int
    extract: Extract | None = None

    @property
    def wanted(self) -> str:
        """How many records are wanted, in words."""
        return f"at most {self.record_count}" if self.extract else str(self.record_count)

    def is_met_by(self, count: int) -> bool:
        """Whether so many records are as wanted; a source gives what it has, but not nothing."""
        if self.extract is None:
            return count == self.record_count
        return 1 <= count <= self.record_count


@dataclass(frozen=True, slots=True)
class SeedSource:
    """What a seed is derived from; `origin` is the client's id, or the seed a caller gave."""

    origin: str
    stage: JourneyStage
    dataset_type: str
    generation: int


def derive_seed(source: SeedSource, template: DatasetTemplate) -> int:
    """Derive the seed: the first 52 bits of a SHA-256 (A33), another for every generation."""
    parts = (
        source.origin,
        source.stage.value,
        source.dataset_type,
        template.digest,
        str(source.generation),
    )
    digest = sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SEED_BITS)


def is_read(stage: JourneyStage) -> bool:
    """Whether a stage's records are read from a source; the sandbox's are made up (A37)."""
    return stage is not JourneyStage.SANDBOX


def is_masked(stage: JourneyStage) -> bool:
    """Whether a stage's records lose their personal data; of those read, production's alone do not."""
    return is_read(stage) and stage is not JourneyStage.PRODUCTION


def count_for(template: DatasetTemplate, wanted: int | None, stage: JourneyStage) -> int:
    """Choose how many records are made, or are read at most: all there are unless fewer are wanted.

    Raises:
        InvalidInput: `wanted` lies outside what the template makes, or a source may give.
    """
    if not is_read(stage):
        return template.count_for(wanted)
    if wanted is None or 1 <= wanted <= MOST_READ:
        return wanted or MOST_READ
    message = f"record_count {wanted} is outside 1 to {MOST_READ}, what is read of a source."
    raise InvalidInput(message, [FieldError("record_count", message)])
