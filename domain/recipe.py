"""Recipes: a dataset's content is a function of template, seed and count, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from domain.journey import JourneyStage
from domain.template import DatasetTemplate

_SEED_BITS = 52


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a dataset's content is a function of: the same recipe gives the same bytes.

    `seed` is below 2^52, so that it survives any JSON.
    """

    template: DatasetTemplate
    seed: int
    record_count: int


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
