"""Publishing: the outbox as CloudEvents 1.0, live over server-sent events and page by page."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from domain import documents
from domain.record import JsonObject
from domain.subscription import Wanted
from protocol.schemas import schema_url
from service.batches import BATCH, Batches, as_json
from service.crowds import Crowds
from service.problems import answering, whole_number, wrong_field
from service.sources import principal_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from starlette.requests import Request
    from starlette.types import Send

    from domain.events import RecordedEvent
    from domain.repository import Registry
    from service.sources import ConsoleSources

TYPE_PREFIX = "io.dataops.lifecycle."
"""What the type of every event begins with."""

STALLED_SECONDS = 60.0
"""How long a listener may take nothing in; then the line is cut, and he may come back."""

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


def event_name(kind: str) -> str:
    """Give an event's name from its name or its full type."""
    return kind.removeprefix(TYPE_PREFIX).removesuffix(".v1")


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


def batches_of(registry: Registry, base_url: str) -> Batches:
    """Give a registry's events as CloudEvents: read and written once for all who publish them."""
    return Batches(registry, lambda each: as_json(cloud_event(each, base_url)))


def event_routes(sources: ConsoleSources) -> list[BaseRoute]:
    """Give the routes that publish events: the live stream and the replay."""
    events = _Events(sources)
    return [
        Route("/events", answering(events.follow), methods=["GET"]),
        Route("/events/replay", answering(events.replay), methods=["GET"]),
    ]


class EventStream(StreamingResponse):
    """A stream that waits for nobody for ever: who takes nothing in is cut off."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[bytes]) -> None:
        super().__init__(frames, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._frames = frames

    async def stream_response(self, send: Send) -> None:
        """Send frame by frame, each in time. Raises OSError where one is not taken."""
        time = asyncio.get_running_loop().time
        async with aclosing(self._frames), asyncio.timeout(None) as patience:

            async def in_time(message: Any) -> None:
                patience.reschedule(time() + STALLED_SECONDS)
                await send(message)
                patience.reschedule(None)

            await super().stream_response(in_time)


class _Events:
    """The outbox of whoever asks."""

    def __init__(self, sources: ConsoleSources) -> None:
        self._from = sources
        self._batches = sources.batches
        self._crowds = Crowds(sources.registry, sources.changes, sources.is_ending)

    async def follow(self, request: Request) -> Response:
        """Stream events from behind `Last-Event-ID` or `?after=`, else from now on."""
        tenant = principal_of(request).tenant
        newest = await self._from.registry.last_sequence(tenant)
        after = _position(request, newest)
        return EventStream(self._frames(tenant, after, newest, _filter(request.query_params)))

    async def replay(self, request: Request) -> Response:
        """Give one batch of past events; a `Link` leads to the next while there are more."""
        query, tenant = request.query_params, principal_of(request).tenant
        after = whole_number(query, "after", 0)
        limit = whole_number(query, "limit", BATCH, least=1, most=BATCH)
        wanted = _filter(query)
        read = await self._batches.page(tenant, after, limit)
        batch = [each.content for each in read if wanted.lets_through(each.event)]
        headers = {"Cache-Control": "no-store"}
        if len(read) == limit:
            following = request.url.include_query_params(after=read[-1].event.sequence)
            headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
        content = b"[%s]" % b",".join(batch)
        return Response(content, headers=headers, media_type="application/cloudevents-batch+json")

    async def _frames(
        self, tenant: str, after: int, newest: int, wanted: Wanted
    ) -> AsyncGenerator[bytes]:
        """Give the stream's frames for as long as somebody listens and the service goes on.

        A listener holds one batch at most, whatever he has not taken in yet.
        """
        yield b": connected\n\n"
        async with self._crowds.joined(tenant, newest) as crowd:
            beats = crowd.beats
            while not self._from.is_ending():
                wait = crowd.next_call()
                read = await self._batches.behind(tenant, after) if after < crowd.newest else ()
                if read:
                    after = read[-1].event.sequence
                    if frames := [each.frame for each in read if wanted.lets_through(each.event)]:
                        yield b"".join(frames)
                elif beats != crowd.beats:
                    beats = crowd.beats
                    yield b": still here\n\n"
                else:
                    await wait()
        yield b": the service ends here; come back with Last-Event-ID\n\n"


def _position(request: Request, newest: int) -> int:
    """Tell behind which sequence to begin; a reconnecting client's own position comes first."""
    given = request.headers.get("last-event-id")
    if given:
        return whole_number({"Last-Event-ID": given}, "Last-Event-ID", newest)
    return whole_number(request.query_params, "after", newest)


def _filter(query: Mapping[str, str]) -> Wanted:
    kind = query.get("type") or None
    if kind is not None and not kind.replace(".", "").isalnum():
        raise wrong_field("type", f"must be an event's name or type, not {kind!r}")
    kinds = (event_name(kind),) if kind is not None else ()
    return Wanted(kinds, query.get("journey") or None)
