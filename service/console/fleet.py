"""The fleet page's data: every dataset by status, the figures above them, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from domain.lifecycle import ENDED, DatasetStatus
from domain.view import describe, describe_approval
from service.publishing import EventFilter, cloud_event

if TYPE_CHECKING:
    from domain.dataset import Dataset
    from domain.events import RecordedEvent
    from domain.record import Json, JsonObject
    from domain.repository import DatasetFilter
    from service.sources import ConsoleSources

COLUMNS = (
    DatasetStatus.FAILED,
    DatasetStatus.DISCOVERING,
    DatasetStatus.PROVISIONING,
    DatasetStatus.VALIDATING,
    DatasetStatus.READY,
    DatasetStatus.TEARDOWN,
    DatasetStatus.ARCHIVED,
)
"""The columns in their order: what needs a person first, then the way through life."""

FEED = 20
"""How many events the feed looks back over."""

_MOST_APPROVALS = 20
_PAGE = 100
_PAGES = 5
_RECENT_ARCHIVED = 6
_MINUTES_TARGET = 60
_PASS_TARGET = 0.95
_SCORE_TARGET = 0.97


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its value as `unit` says (None: nothing to count yet), and its target.

    `unit` is `score` (0 to 1), `seconds` or `count`; `is_met` is None without target or value.
    """

    name: str
    value: float | None
    unit: str
    meaning: str
    target: str = ""
    is_met: bool | None = None


async def fleet_page(sources: ConsoleSources, tenant: str, wanted: DatasetFilter) -> JsonObject:
    """Gather the fleet page of a tenant: at most the 500 newest datasets that are wanted."""
    newest = await sources.registry.last_sequence(tenant)
    found, is_more = await _read(sources, tenant, wanted)
    events = await sources.registry.events(tenant, max(0, newest - FEED), FEED)
    approvals = await sources.registry.open_approvals(tenant, _MOST_APPROVALS)
    of_journey = EventFilter(journey=wanted.journey)
    shown = [each for each in reversed(events) if of_journey.lets_through(each)]
    return {
        "title": "Fleet",
        "sequence": newest,
        "at": sources.clock().isoformat(),
        "filter": _shown_filter(wanted),
        "total": len(found),
        "is_more": is_more,
        "approvals": [describe_approval(each) for each in approvals],
        "figures": [asdict(each) for each in figures(found)],
        "columns": [column for status in COLUMNS if (column := _column(status, found))],
        "empty": [each.value for each in COLUMNS if all(one.status is not each for one in found)],
        "events": await _feed(sources, tenant, shown),
    }


def figures(found: Sequence[Dataset]) -> list[Figure]:
    """Count the figures over these datasets alone; what nobody has yet is None, never 0."""
    return [_active(found), _first_pass(found), _mean_score(found), _time_to_ready(found)]


def feed_entry(event: RecordedEvent, base_url: str) -> dict[str, Json]:
    """Describe an event for a feed: its CloudEvent with its name and what it says at a glance."""
    return {**cloud_event(event, base_url), "name": event.name, "gist": _gist(event)}


async def _feed(
    sources: ConsoleSources, tenant: str, events: Sequence[RecordedEvent]
) -> list[JsonObject]:
    """Describe events of many datasets, each with the name of its own."""
    ids = {each.context.dataset_id for each in events if each.context.dataset_id}
    named = {
        each.place.dataset_id: {"connector_name": each.place.connector_name}
        for each in await sources.registry.datasets_by_id(tenant, ids)
    }
    return [
        feed_entry(each, sources.base_url)
        | (named.get(each.context.dataset_id, {}) if each.context.dataset_id else {})
        for each in events
    ]


def _gist(event: RecordedEvent) -> str:
    given = event.fields
    for each in ("error_message", "detail", "cause", "archive_location"):
        if given.get(each):
            return str(given[each])
    if "reason" in given:
        return str(given["reason"]).replace("_", " ")
    if "dataset_types" in given:
        return ", ".join(given["dataset_types"])
    if "quality_score" in given:
        return f"score {given['quality_score'] * 100:.4g} %"
    return f"{given['record_count']} records" if "record_count" in given else ""


async def _read(
    sources: ConsoleSources, tenant: str, wanted: DatasetFilter
) -> tuple[list[Dataset], bool]:
    found: list[Dataset] = []
    token: str | None = None
    for _ in range(_PAGES):
        page = await sources.registry.datasets(tenant, wanted, _PAGE, token)
        found.extend(page.datasets)
        token = page.next_token
        if token is None:
            break
    return found, token is not None


def _column(status: DatasetStatus, found: Iterable[Dataset]) -> JsonObject | None:
    mine = [each for each in found if each.status is status]
    if not mine:
        return None
    most = _RECENT_ARCHIVED if status is DatasetStatus.ARCHIVED else len(mine)
    return {
        "status": status.value,
        "count": len(mine),
        "hidden": max(0, len(mine) - most),
        "datasets": [describe(each) for each in mine[:most]],
    }


def _shown_filter(wanted: DatasetFilter) -> JsonObject:
    given = asdict(wanted)
    return {name: "" if value is None else str(value) for name, value in given.items()}


def _active(found: Sequence[Dataset]) -> Figure:
    active = [each for each in found if each.status not in ENDED]
    usable = sum(each.status is DatasetStatus.READY for each in active)
    meaning = f"of {len(active)} active datasets may be used now"
    return Figure("Ready now", usable, "count", meaning)


def _first_pass(found: Sequence[Dataset]) -> Figure:
    judged = [each.first_passed for each in found if each.first_passed is not None]
    share = sum(judged) / len(judged) if judged else None
    met = None if share is None else share >= _PASS_TARGET
    meaning = f"of {len(judged)} validated datasets passed all four checks at once"
    return Figure("First-attempt pass rate", share, "score", meaning, "at least 95 %", met)


def _mean_score(found: Sequence[Dataset]) -> Figure:
    scores = [float(each.quality.overall_score) for each in found if each.quality is not None]
    mean = fmean(scores) if scores else None
    met = None if mean is None else mean > _SCORE_TARGET
    meaning = f"mean of the last scores of {len(scores)} datasets"
    return Figure("Average quality score", mean, "score", meaning, "above 97 %", met)


def _time_to_ready(found: Sequence[Dataset]) -> Figure:
    spans = [
        (each.ready_at - each.place.requested_at).total_seconds()
        for each in found
        if each.ready_at is not None
    ]
    middle = median(spans) if spans else None
    met = None if middle is None else middle < _MINUTES_TARGET * 60
    meaning = f"median from request to READY of {len(spans)} datasets"
    return Figure("Provisioning time", middle, "seconds", meaning, "under 60 min", met)
