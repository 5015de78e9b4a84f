"""Rows and aggregates: what becomes which column, and back again without a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.commands import Principal, Request, RequestKey, Undertaking
from domain.dataset import Dataset
from domain.state import DatasetPlace

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from domain.rules import LifecycleRules
    from domain.template import DatasetTemplate

Values = dict[str, Any]
"""The columns of one row."""


def values_of_place(place: DatasetPlace) -> Values:
    """Give the columns that are fixed at a dataset's birth, but for its wish."""
    return {
        "tenant": place.tenant,
        "dataset_id": place.dataset_id,
        "journey_id": place.journey_id,
        "journey_ref": place.journey_ref,
        "client_id": place.client.client_id,
        "client_ref": place.client.ref,
        "client": place.client,
        "stage": place.stage,
        "dataset_type": place.dataset_type,
        "generation": place.generation,
        "connector_name": place.connector_name,
        "origin": place.origin,
        "requested_by": place.requested_by,
        "created_at": place.requested_at,
        "correlation": place.correlation,
    }


def values_of_state(dataset: Dataset) -> Values:
    """Give the columns an outcome or a command may change, but for version and template."""
    score = dataset.quality_score
    return {
        "status": dataset.status,
        "template_id": dataset.template.template_id if dataset.template else None,
        "hops": dataset.hops,
        "connector_id": dataset.connector.connector_id if dataset.connector else None,
        "connector": dataset.connector,
        "record_count": dataset.content.record_count if dataset.content else None,
        "content": dataset.content,
        "quality_score": float(score) if score is not None else None,
        "quality": dataset.quality,
        "first_passed": dataset.first_passed,
        "ready_at": dataset.ready_at,
        "archived_at": dataset.archived_at,
        "purged_at": dataset.purged_at,
        "trouble": dataset.trouble,
        "health": dataset.health,
        "teardown": dataset.teardown,
        "archive": dataset.archive,
        "is_hidden": dataset.is_hidden,
        "pursued_since": dataset.pursued_since,
        "busy_until": dataset.busy_until,
        "hides_until": dataset.hides_until,
        "gives_way": dataset.gives_way,
    }


def values_of_purge(dataset: Dataset) -> Values:
    """Give the columns that still change once a dataset is archived (seed: Archive Immutability)."""
    return {
        "purged_at": dataset.purged_at,
        "trouble": dataset.trouble,
        "busy_until": dataset.busy_until,
    }


def dataset_of(
    row: RowMapping, templates: Mapping[str, DatasetTemplate], rules: LifecycleRules
) -> Dataset:
    """Build the dataset of a row; its template is among `templates`, by fingerprint."""
    fingerprint = row["template_fingerprint"]
    dataset = Dataset(
        place=_place_of(row),
        wish=row["wish"],
        status=row["status"],
        version=row["version"],
        template=templates[fingerprint] if fingerprint is not None else None,
        hops=row["hops"],
        connector=row["connector"],
        content=row["content"],
        quality=row["quality"],
        first_passed=row["first_passed"],
        ready_at=row["ready_at"],
        archived_at=row["archived_at"],
        purged_at=row["purged_at"],
        trouble=row["trouble"],
        health=row["health"],
        teardown=row["teardown"],
        archive=row["archive"],
        is_hidden=row["is_hidden"],
        pursued_since=row["pursued_since"],
        busy_until=row["busy_until"],
        hides_until=row["hides_until"],
        gives_way=row["gives_way"],
        rules=rules,
    )
    dataset.note_takeover(row["taken_over_at"])
    return dataset


def values_of_request(request: Request) -> Values:
    """Give the columns of a request, but for the time it was accepted."""
    return {
        "tenant": request.principal.tenant,
        "task_id": request.task_id,
        "context_id": request.context_id,
        "subject": request.principal.subject,
        "agent": request.key.agent,
        "message_id": request.key.message_id,
        "digest": request.key.digest,
        "skill": request.skill,
        "dataset_ids": request.dataset_ids,
        "since": request.since,
        "message": request.message,
        "is_settled": request.is_settled,
        "is_cancelled": request.is_cancelled,
        "undertaking": request.undertaking,
    }


def request_of(row: RowMapping) -> Request:
    """Build the request of a row."""
    return Request(
        task_id=row["task_id"],
        context_id=row["context_id"],
        key=RequestKey(row["agent"], row["message_id"], row["digest"]),
        principal=Principal(row["tenant"], row["subject"]),
        skill=row["skill"],
        dataset_ids=row["dataset_ids"],
        since=row["since"],
        message=row["message"],
        is_settled=row["is_settled"],
        is_cancelled=row["is_cancelled"],
        undertaking=row["undertaking"] or Undertaking(),
    )


def as_uuid(reference: str) -> UUID | None:
    """Read a reference as an id; None where it is a slug or a name."""
    try:
        return UUID(reference)
    except ValueError:
        return None


def unknown_dataset(dataset_id: UUID | str) -> str:
    """Say that there is no such dataset, in the same words for another tenant's."""
    return (
        f"There is no dataset {dataset_id}. Check the id, or list the datasets to find the one "
        "you mean."
    )


def _place_of(row: RowMapping) -> DatasetPlace:
    return DatasetPlace(
        tenant=row["tenant"],
        dataset_id=row["dataset_id"],
        journey_id=row["journey_id"],
        journey_ref=row["journey_ref"],
        client=row["client"],
        stage=row["stage"],
        dataset_type=row["dataset_type"],
        generation=row["generation"],
        origin=row["origin"],
        requested_by=row["requested_by"],
        requested_at=row["created_at"],
        correlation=row["correlation"],
    )
