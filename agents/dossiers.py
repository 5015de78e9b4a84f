"""Dossiers: what is archived of a dataset, gathered from its row and its history."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from agents.descriptions import describe_connector
from domain.archive import Dossier
from domain.policy import describe_policy, policy_for
from domain.view import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.dataset import Dataset
    from domain.events import RecordedEvent
    from domain.record import Json, JsonObject
    from domain.repository import QualityRun, Registry

MOST_EVENTS = 10_000
"""More events than a dataset has in any life we know of; a dossier never grows past them."""


async def gather_dossier(
    registry: Registry, dataset: Dataset, most_events: int = MOST_EVENTS
) -> Dossier:
    """Gather configuration, quality history, usage and events (seed: R24)."""
    tenant, dataset_id = dataset.place.tenant, dataset.place.dataset_id
    runs = await registry.quality_history(tenant, dataset_id)
    events, left_out = await _newest_events(registry, dataset, most_events)
    return Dossier(
        dataset_id=dataset_id,
        configuration=_configuration(dataset),
        quality_history=tuple(_run(each) for each in runs),
        usage=_usage(dataset, runs),
        events=tuple(_event(each) for each in events),
        events_left_out=left_out,
    )


async def _newest_events(
    registry: Registry, dataset: Dataset, most: int
) -> tuple[Sequence[RecordedEvent], int]:
    """Read a dataset's events, oldest first, and how many older ones there were besides."""
    place, seen, after = dataset.place, 0, 0
    kept: deque[RecordedEvent] = deque(maxlen=most)
    while page := await registry.events(place.tenant, after, most, dataset_id=place.dataset_id):
        kept.extend(page)
        seen, after = seen + len(page), page[-1].sequence
    return tuple(kept), seen - len(kept)


def _configuration(dataset: Dataset) -> JsonObject:
    described: dict[str, Json] = dict(describe(dataset))
    connector, template = dataset.connector, dataset.template
    if connector is not None and template is not None:
        described |= {
            "connector": {
                **describe_connector(connector, template.key),
                "home_url": connector.home_url,
            },
            "template_digest": template.digest,
            "template_version": template.version,
            "quality_policy": describe_policy(policy_for(template.quality_expectations)),
        }
    return described


def _usage(dataset: Dataset, runs: Sequence[QualityRun]) -> JsonObject:
    """Tell the use we have seen; what nobody tells us is null, never 0 (A49)."""
    content = dataset.content
    return {
        "records_generated": content.record_count if content else None,
        "documents_indexed": content.documents if content else None,
        "bytes_generated": content.size_bytes if content else None,
        "validations": len(runs),
        "sample_queries_run": sum(_query_count(each) for each in runs),
        "searches_by_people": None,
    }


def _query_count(run: QualityRun) -> int:
    checks = {each["check_type"]: each for each in run.verdict.get("checks", [])}
    return int(checks.get("sample_queries", {}).get("details", {}).get("query_count", 0))


def _run(run: QualityRun) -> JsonObject:
    return {"run": run.run, "executed_at": run.executed_at.isoformat(), **run.verdict}


def _event(event: RecordedEvent) -> JsonObject:
    return {
        "id": str(event.event_id),
        "sequence": event.sequence,
        "name": event.name,
        "occurred_at": event.occurred_at.isoformat(),
        "fields": dict(event.fields),
        "extensions": dict(event.extensions),
    }
