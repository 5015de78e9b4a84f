"""Publishing: the outbox as CloudEvents 1.0, live over server-sent events and page by page."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from domain import documents
from domain.record import JsonObject
from protocol.schemas import schema_url
from service.problems import answering, whole_number, wrong_field
from service.sources import principal_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

    from domain.events import RecordedEvent
    from service.sources import ConsoleSources

TYPE_PREFIX = "io.dataops.lifecycle."
"""What the type of every event begins with."""

BATCH = 100
"""How many events are read from the outbox at a time, and the most one page of a replay holds."""

POLL_SECONDS = 1.0
"""How long another process's events may wait to be seen; our own ring the bell."""

KEEP_ALIVE_SECONDS = 15.0
"""The longest silence on a stream, so that proxies and dead clients notice each other."""

_SEQUENCE_DIGITS = 20


class CloudEventDocument(TypedDict):
    """A domain event in its envelope of CloudEvents 1.0; `data` has the event's own fields."""

    specversion: str
    id: documents.Id
    source: str
    type: str
    subject: NotRequired[documents.Id]
    time: documents.Moment
    datacontenttype: str
    dataschema: str
    sequence: str
    tenant: str
    journeyref: str
    clientref: str
    correlationid: str
    causationid: NotRequired[str]
    templatekey: NotRequired[str]
    durationseconds: NotRequired[str]
    severity: NotRequired[documents.Loudness]
    data: JsonObject


def event_type(name: str) -> str:
    """Give the CloudEvents type of an event: `io.dataops.lifecycle.<Name>.v1`."""
    return f"{TYPE_PREFIX}{name}.v1"


def cloud_event(event: RecordedEvent, base_url: str) -> CloudEventDocument:
    """Write a recorded event as a CloudEvent in JSON; what it does not have is left out.

    `sequence` is zero-padded, so that it orders as text; `data` holds the event's own fields.
    """
    context = event.context
    envelope: dict[str, Any] = {
        **event.extensions,
        "specversion": "1.0",
        "id": str(event.event_id),
        "source": f"{base_url}/agents/lifecycle-coordinator",
        "type": event_type(event.name),
        "subject": str(context.dataset_id) if context.dataset_id else None,
        "time": event.occurred_at.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": schema_url(base_url, event.name),
        "sequence": f"{event.sequence:0{_SEQUENCE_DIGITS}d}",
        "tenant": context.tenant,
        "journeyref": context.journey_ref,
        "clientref": context.client_ref,
        "correlationid": context.correlation,
        "causationid": context.causation or None,
        "data": dict(event.fields),
    }
    told = {name: value for name, value in envelope.items() if value is not None}
    return cast("CloudEventDocument", told)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None leaves a field open.

    `journey` is a reference or an id; `kind` an event's name or its full type.
    """

    journey: str | None = None
    kind: str | None = None

    def lets_through(self, event: RecordedEvent) -> bool:
        """Whether an event is wanted."""
        context = event.context
        of_journey = self.journey in {None, context.journey_ref, str(context.journey_id)}
        return of_journey and self.kind in {None, event.name, event_type(event.name)}


def event_routes(sources: ConsoleSources) -> list[BaseRoute]:
    """Give the routes that publish events: the live stream and the replay."""
    events = _Events(sources)
    return [
        Route("/events", answering(events.follow), methods=["GET"]),
        Route("/events/replay", answering(events.replay), methods=["GET"]),
    ]


class _Events:
    """The outbox of whoever asks."""

    def __init__(self, sources: ConsoleSources) -> None:
        self._from = sources

    async def follow(self, request: Request) -> Response:
        """Stream events from behind `Last-Event-ID` or `?after=`, else from now on."""
        tenant = principal_of(request).tenant
        newest = await self._from.registry.last_sequence(tenant)
        after = _position(request, newest)
        frames = self._frames(tenant, after, _filter(request.query_params))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(frames, headers=headers, media_type="text/event-stream")

    async def replay(self, request: Request) -> Response:
        """Give one batch of past events; a `Link` leads to the next while there are more."""
        query, tenant = request.query_params, principal_of(request).tenant
        after = whole_number(query, "after", 0)
        limit = whole_number(query, "limit", BATCH, least=1, most=BATCH)
        wanted = _filter(query)
        read = await self._from.registry.events(tenant, after, limit)
        batch = [
            cloud_event(each, self._from.base_url) for each in read if wanted.lets_through(each)
        ]
        headers = {"Cache-Control": "no-store"}
        if len(read) == limit:
            following = request.url.include_query_params(after=read[-1].sequence)
            headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
        return Response(
            _json(batch), headers=headers, media_type="application/cloudevents-batch+json"
        )

    async def _frames(self, tenant: str, after: int, wanted: EventFilter) -> AsyncIterator[str]:
        """Give the stream's frames for as long as somebody listens and the service goes on.

        The bell's handle is taken before each read, so an event between the two is not missed.
        """
        yield ": connected\n\n"
        time = asyncio.get_running_loop().time
        spoken_at = time()
        while not self._from.is_ending():
            wait = self._from.changes.handle()
            read = await self._from.registry.events(tenant, after, BATCH)
            for each in filter(wanted.lets_through, read):
                yield _frame(each, self._from.base_url)
                spoken_at = time()
            after = read[-1].sequence if read else after
            if time() - spoken_at >= KEEP_ALIVE_SECONDS:
                yield ": still here\n\n"
                spoken_at = time()
            if len(read) < BATCH:
                await wait(POLL_SECONDS)
        yield ": the service ends here; come back with Last-Event-ID\n\n"


def _frame(event: RecordedEvent, base_url: str) -> str:
    content = _json(cloud_event(event, base_url))
    return f"id: {event.sequence}\nevent: {event.name}\ndata: {content}\n\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _position(request: Request, newest: int) -> int:
    """Tell behind which sequence to begin; a reconnecting client's own position comes first."""
    given = request.headers.get("last-event-id")
    if given:
        return whole_number({"Last-Event-ID": given}, "Last-Event-ID", newest)
    return whole_number(request.query_params, "after", newest)


def _filter(query: Mapping[str, str]) -> EventFilter:
    kind = query.get("type") or None
    if kind is not None and not kind.replace(".", "").isalnum():
        raise wrong_field("type", f"must be an event's name or type, not {kind!r}")
    return EventFilter(query.get("journey") or None, kind)
