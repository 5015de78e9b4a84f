"""Documents of a cleanup of orphans: what it would do, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

from domain.documents import Count, Id, Moment, Stage, Status
from domain.journey_documents import EndingListDocument
from domain.orphans import Fate
from domain.shape import OneOf


class SuspicionDocument(TypedDict):
    """Since when scans have seen something so, and how long that is; null before the first."""

    suspected_since: Moment | None
    age_seconds: Count | None
    fate: Annotated[str, OneOf(Fate)]
    why: str


class OrphanDocument(SuspicionDocument):
    """An active dataset without an active journey, and what a cleanup would do with it."""

    dataset_id: Id
    connector_name: str
    journey_ref: str
    client_ref: str
    stage: Stage
    status: Status


class StrayDocument(SuspicionDocument):
    """A datasource under our mark whose documents no dataset accounts for."""

    datasource: str
    dataset_id: Id
    documents: Count


class OrphanReportDocument(TypedDict):
    """What a cleanup would do: to which of the datasets `looked_at`, and to which datasources."""

    looked_at: Count
    orphans: Sequence[OrphanDocument]
    strays: Sequence[StrayDocument]


class CleanupDocument(EndingListDocument):
    """The datasets a cleanup ends, and the datasources that are being emptied for it."""

    datasources: NotRequired[Sequence[str]]
