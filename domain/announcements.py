"""Announcements: the events of others that we take in, and what each must say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from domain.documents import Stage


class ProvisionRequestedDocument(TypedDict):
    """Somebody asks for datasets of a journey's stage (seed: DatasetProvisionRequested)."""

    journey_id: str
    client_id: str
    stage: Stage
    dataset_types: Sequence[str]
    requested_by: NotRequired[str]


class StageTransitionedDocument(TypedDict):
    """A journey has gone on to another stage."""

    journey_id: str
    to_stage: Stage


class JourneyCompletedDocument(TypedDict):
    """A journey has come to its end."""

    journey_id: str


ANNOUNCED: Mapping[str, Any] = {
    "DatasetProvisionRequested": ProvisionRequestedDocument,
    "StageTransitioned": StageTransitionedDocument,
    "JourneyCompleted": JourneyCompletedDocument,
}
"""The data of each event we take in, by the name in its type."""
