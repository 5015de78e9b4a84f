"""What the tests of the gateways share: time that costs none, and suppliers that play a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.connector import ConnectorConfiguration, ConnectorPlace, configure_connector
from domain.journey import ClientId, JourneyStage, uuid_of
from domain.record import Record
from domain.search_ports import Upload
from domain.template import DatasetTemplate, ObjectType, TemplateId
from gateways.glean import GleanConnectors, GleanCredentials, GleanLimits, HiddenDocuments
from gateways.http import open_client
from gateways.local.glean import Faults
from gateways.local.glean import create_app as create_glean
from gateways.pace import Timing

INDEXING_TOKEN = "indexing-token-9d2"
CLIENT_TOKEN = "client-token-7c1"
ADA = "ada@example.com"


class Time:
    """A clock, a stop-watch and a sleep that move together and take no time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 20, 12, tzinfo=UTC)
        self.slept: list[float] = []

    def clock(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    @property
    def timing(self) -> Timing:
        return Timing(self.clock, self.sleep, self.monotonic, jitter=lambda: 0.0)


class RealTime(Time):
    """Time as it passes."""

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Said:
    """One answer of a script."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False


def said(value: Any, status: int = 200, **headers: str) -> Said:
    """An answer in JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Said(status, json.dumps(value).encode(), {"content-type": "application/json", **named})


def page(status: int = 200) -> Said:
    """A page for people where a program asked."""
    return Said(status, b"<html><body>Sign in</body></html>", {"content-type": "text/html"})


class Scripted:
    """A supplier that gives its answers in order, the last one again and again."""

    def __init__(self, *answers: Said) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        self.asked.append((scope["method"], scope["raw_path"].decode()))
        self.bodies.append(message.get("body", b""))
        self.headers.append({k.decode(): v.decode() for k, v in scope["headers"]})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.breaks:
            raise ConnectionResetError("broken on purpose")
        headers = [(k.encode(), v.encode()) for k, v in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def calling(app: ASGIApp) -> httpx.AsyncClient:
    """A client of an application in this process; its accidents reach us as a network's would."""
    return open_client("http://foreign.example", httpx.ASGITransport(app))


def a_template(**changes: Any) -> DatasetTemplate:
    """A small template of Confluence pages."""
    fields: dict[str, Any] = {
        "template_id": TemplateId(uuid_of("", "template", "healthcare_confluence")),
        "key": "healthcare_confluence",
        "name": "Healthcare pages",
        "industry": "healthcare",
        "use_case": "developer_productivity",
        "dataset_type": "confluence",
        "schema": {"type": "object"},
        "sample_data_url": "",
        "record_count_range": (1, 5000),
        "record_count": 10,
        "quality_expectations": {},
        "object_types": (ObjectType("Page", "KNOWLEDGE_HUB"),),
    }
    return DatasetTemplate(**(fields | changes))


def a_connector(
    stage: JourneyStage = JourneyStage.SANDBOX, dataset: int = 1
) -> ConnectorConfiguration:
    """ACME's Confluence connector; another dataset's has the same name and another mark."""
    place = ConnectorPlace(
        client_id=ClientId(UUID(int=7)),
        client_code="ACME",
        stage=stage,
        dataset_type="confluence",
        generation=1,
        dataset_id=UUID(int=dataset),
        origin="https://dataops.example",
    )
    return configure_connector(place, a_template())


def a_record(number: int, **fields: Any) -> Record:
    """A record whose title only it has."""
    return {
        "id": f"page{number:04d}",
        "object_type": "Page",
        "title": f"Infusion pump procedure number {number}",
        "body": f"How procedure {number} is carried out.",
        "content_type": "Engineering docs",
        "topic": "Medical devices",
        "author": "ada.byron@example.com",
        "created_at": "2024-05-01T10:00:00Z",
        "updated_at": "2024-05-02T10:00:00Z",
    } | fields


def records(count: int) -> list[Record]:
    return [a_record(number) for number in range(count)]


def an_upload(
    connector: ConnectorConfiguration, content: Sequence[Record], upload_id: str = "upload-1"
) -> Upload:
    """An upload in pages of 100."""

    async def pages() -> AsyncIterator[Sequence[Record]]:
        for start in range(0, len(content), 100):
            yield content[start : start + 100]

    return Upload(connector, upload_id, pages())


class Glean:
    """The local Glean and our connectors on it, each with its own handle for the test."""

    def __init__(
        self,
        *,
        indexing_delay: timedelta = timedelta(0),
        published_limits: bool = False,
        limits: GleanLimits | None = None,
        custom_prefix: bool = False,
        credentials: GleanCredentials | None = None,
        hidden: HiddenDocuments | None = None,
        probe_seconds: float = 5.0,
        time: Time | None = None,
    ) -> None:
        self.time = time or Time()
        self.faults = Faults()
        self.app = create_glean(
            None,
            clock=self.time.clock,
            indexing_token=INDEXING_TOKEN,
            client_token=CLIENT_TOKEN,
            indexing_delay=indexing_delay,
            published_limits=published_limits,
            custom_prefix=custom_prefix,
            control=True,
            faults=self.faults,
        )
        self.requests: list[httpx.Request] = []
        self.client = calling(self.app)
        self.client.event_hooks["request"].append(self._note)
        self.connectors = GleanConnectors(
            self.client,
            credentials or the_credentials(),
            self.time.timing,
            limits=limits,
            hidden=hidden,
            probe_seconds=probe_seconds,
        )

    def paths(self) -> list[str]:
        """The paths asked so far, without what is the same in all."""
        prefixes = ("/api/index/v1", "/rest/api/v1")
        return [
            next(path.removeprefix(each) for each in prefixes if path.startswith(each))
            for path in (each.url.path for each in self.requests)
        ]

    def bodies(self, suffix: str) -> list[Any]:
        """The bodies sent to paths that end so."""
        asked = (each for each in self.requests if each.url.path.endswith(suffix))
        return [json.loads(each.content) for each in asked]

    async def provision(self, connector: ConnectorConfiguration, count: int) -> None:
        """Create a connector and fill it."""
        await self.connectors.create(connector)
        await self.connectors.upload(an_upload(connector, records(count)))

    async def declare(self, connector: ConnectorConfiguration, **fields: Any) -> None:
        """Declare a datasource past our adapter, as somebody else would."""
        body = {
            "name": connector.datasource,
            "displayName": "Somebody else's wiki",
            "homeUrl": "https://wiki.example.org",
            "datasourceCategory": "KNOWLEDGE_HUB",
            "urlRegex": "^https://wiki.example.org/.*",
            "objectDefinitions": [{"name": "Page"}],
        } | fields
        await self._index("adddatasource", body)

    async def index_one(self, connector: ConnectorConfiguration, url: str) -> None:
        """Put one document in past our adapter, which anybody may read."""
        document = {
            "datasource": connector.datasource,
            "objectType": "Page",
            "id": "stranger",
            "title": "A stranger",
            "viewURL": url,
            "permissions": {"allowAnonymousAccess": True},
        }
        await self._index("indexdocument", {"document": document})

    async def open_upload(self, connector: ConnectorConfiguration, upload_id: str) -> None:
        """Open an upload past our adapter and leave it open."""
        await self._upload(connector, upload_id, is_last=False)

    async def upload_cautiously(self, connector: ConnectorConfiguration, upload_id: str) -> None:
        """Upload nothing past our adapter, and leave it to Glean what to delete."""
        await self._upload(connector, upload_id, is_last=True)

    async def configuration(self, connector: ConnectorConfiguration) -> dict[str, Any]:
        """What the tenant knows of a datasource."""
        answer = await self._index("getdatasourceconfig", {"datasource": connector.datasource})
        found: dict[str, Any] = answer.json()
        return found

    async def let_in(self, connector: ConnectorConfiguration, email: str) -> None:
        """Make somebody one of a datasource's test group, past our adapter."""
        await self._index("betausers", {"datasource": connector.datasource, "emails": [email]})

    async def seen_by(
        self, email: str, connector: ConnectorConfiguration, query: str
    ) -> tuple[str, ...]:
        """Search a connector as a person, and tell the records found."""
        credentials = GleanCredentials(lambda: INDEXING_TOKEN, lambda: CLIENT_TOKEN, email)
        person = GleanConnectors(self.client, credentials, self.time.timing)
        return (await person.search(connector, query)).record_ids

    async def set_visibility(self, connector: ConnectorConfiguration, visibility: str) -> None:
        """What an administrator does in the console."""
        body = {"datasource": connector.datasource, "visibility": visibility}
        await self.client.post("/_control/visibility", json=body)

    async def _upload(
        self, connector: ConnectorConfiguration, upload_id: str, *, is_last: bool
    ) -> None:
        body = {
            "uploadId": upload_id,
            "datasource": connector.datasource,
            "documents": [],
            "isFirstPage": True,
            "isLastPage": is_last,
            "forceRestartUpload": True,
        }
        await self._index("bulkindexdocuments", body)

    async def _index(self, path: str, body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {INDEXING_TOKEN}"}
        return await self.client.post(f"/api/index/v1/{path}", json=body, headers=headers)

    async def _note(self, request: httpx.Request) -> None:
        self.requests.append(request)


def the_credentials() -> GleanCredentials:
    return GleanCredentials(lambda: INDEXING_TOKEN, lambda: CLIENT_TOKEN, ADA)
