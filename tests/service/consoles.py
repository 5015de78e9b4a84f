"""The console, the API and the event stream over a real registry, reached without a socket."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
from starlette.applications import Starlette

from agents.auditor import Auditor
from agents.cataloguing import Cataloguer, Scannable
from agents.discovery import Templates
from agents.enquiries import Enquiries, Sources
from domain.approvals import Approval, asked_for
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.ordering import archive_of
from domain.rules import LifecycleRules
from gateways.archive import FolderArchive
from gateways.folders import DiscoveryFolders
from gateways.glean import GleanConnectors
from gateways.journeys import JourneysClient
from gateways.local.mock_data import create_app
from gateways.mock_data import MockDataClient
from gateways.pinned import Ways
from protocol.auth import Caller
from protocol.cards import load_cards
from protocol.transport import StreamingTransport
from registry.catalogue import SqlCatalogue
from registry.database import Database
from registry.metrics import read_figures
from registry.subscriptions import SqlSubscriptions
from registry.trail import SqlAuditTrail
from service.api import api_routes
from service.asyncapi import asyncapi_routes
from service.changes import Bell
from service.console.routes import console_routes
from service.publishing import batches_of, event_routes
from service.sources import ConsoleSources
from service.subscribing import SubscriptionDesk, subscription_routes
from service.webhook_secrets import WebhookSecrets
from tests.builders import (
    ADDRESS,
    NOW,
    a_client,
    a_dataset,
    a_dataset_in,
    a_journey,
    archive,
    fill,
    find_template,
    tear_down,
    validate,
)
from tests.gateways.foreign import Time, calling, the_credentials
from tests.registry.databases import ME, House, a_fresh_file

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from domain.commands import Principal
    from domain.dataset import Dataset


class Telling:
    """Time for the registry: an hour after the beginning, until it is moved."""

    def __init__(self) -> None:
        self._now = NOW + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self._now

    def move(self, **by: float) -> None:
        """Move the time forward."""
        self._now += timedelta(**by)


@dataclass
class Console:
    """A served console with its registry."""

    house: House
    app: Starlette
    http: httpx.AsyncClient
    archive: FolderArchive
    moment: Telling

    async def keep(self, status: DatasetStatus, dataset: Dataset | None = None) -> Dataset:
        """Keep a dataset in a status, its events in the outbox."""
        return await self.house.keep(a_dataset_in(status, dataset))

    async def keep_archived(self, content: bytes) -> Dataset:
        """Keep an archived dataset whose archive, of these bytes, really lies in the folder."""
        dataset = a_dataset()
        for step in (find_template, fill, validate, tear_down, archive):
            step(dataset)
        key = f"{dataset.place.dataset_id}/archive.json"
        locked_until = archive_of(dataset).locked_until
        dataset.archive = await self.archive.put(key, content, locked_until)
        return await self.house.keep(dataset)

    async def ask_about(self, dataset: Dataset) -> Approval:
        """Ask for the consent to tear a dataset down."""
        approval = asked_for(
            dataset,
            TeardownReason.JOURNEY_COMPLETED,
            approval_id=uuid4(),
            because="It is protected.",
            by="<alice>",
            at=self.moment(),
        )
        async with self.house.registry.transaction(ME) as transaction:
            return await transaction.ask(approval, dataset)

    def seen_by(self, principal: Principal) -> httpx.AsyncClient:
        """Give a client that calls as somebody in particular."""
        return _client(_Guard(self.app, Caller(principal)))


class _Guard:
    """Says who is calling, as authentication does."""

    def __init__(self, app: ASGIApp, caller: Caller) -> None:
        self._app = app
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["caller"] = self._caller
        await self._app(scope, receive, send)


@asynccontextmanager
async def serving(folder: Path, url: str | None = None) -> AsyncIterator[Console]:
    """Serve the console over a registry of its own, or over one that is there already."""
    numbers, bell, moment = itertools.count(1 if url is None else 1000), Bell(), Telling()
    database = Database.open(
        url or a_fresh_file(folder),
        clock=moment,
        rules=LifecycleRules(),
        ids=lambda: UUID(int=next(numbers)),
        on_commit=bell.ring,
    )
    house, kept = House(database), FolderArchive(folder / "archive")
    async with calling(create_app()) as supplier:
        sources = _sources(house, kept, bell, supplier)
        app = Starlette(
            routes=[
                *console_routes(sources),
                *api_routes(sources),
                *subscription_routes(_desk(house, folder, moment)),
                *asyncapi_routes(ADDRESS),
                *event_routes(sources),
            ]
        )
        try:
            async with _client(app) as http:
                yield Console(house, app, http, kept, moment)
        finally:
            await database.close()


def same_database(folder: Path) -> str:
    """Give the address of a folder's database, to open it as another process would."""
    return f"sqlite+aiosqlite:///{folder / 'registry.db'}"


def a_dataset_of(number: int, dataset_type: str = "confluence") -> Dataset:
    """Make a dataset of one of many clients, so that each has a place of its own."""
    client = a_client(f"client-{number}", code=f"C{number}")
    return a_dataset(dataset_type, journey=a_journey(f"journey-{number}", client=client))


def _sources(
    house: House, kept: FolderArchive, bell: Bell, supplier: httpx.AsyncClient
) -> ConsoleSources:
    timing = Time().timing
    templates = Templates(MockDataClient(supplier, timing))
    connectors = GleanConnectors(supplier, the_credentials(), timing)  # nothing here asks them
    journeys = JourneysClient(supplier, timing)  # nor it
    cards = load_cards(ADDRESS)
    scannable = Scannable(house.registry, connectors, DiscoveryFolders(None), templates)
    return ConsoleSources(
        registry=house.registry,
        batches=batches_of(house.registry, ADDRESS),
        cards=lambda: [each.document for each in cards.values()],
        clock=Telling(),
        changes=bell,
        enquiries=Enquiries(
            Sources(house.registry, templates, connectors, kept, journeys), ADDRESS, Telling()
        ),
        auditor=Auditor(SqlAuditTrail(house.database), kept, timedelta(days=90)),
        base_url=ADDRESS,
        is_ending=lambda: bell.is_over,
        catalogue=Cataloguer(
            scannable,
            SqlCatalogue(house.database),
            Telling(),
            house.database.ids,
            monotonic=timing.monotonic,
        ),
        figures=partial(read_figures, house.database),
    )


def _desk(house: House, folder: Path, moment: Telling) -> SubscriptionDesk:
    return SubscriptionDesk(
        subscriptions=SqlSubscriptions(house.database),
        registry=house.registry,
        secrets=WebhookSecrets(folder / "webhooks"),
        judge=Ways().require,
        ids=house.database.ids,
        clock=moment,
    )


def _client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=StreamingTransport(app), base_url=ADDRESS, timeout=10)


async def happens(console: Console, first: int, times: int) -> None:
    """Let so many datasets begin, one after the other."""
    for number in range(first, first + times):
        await console.keep(DatasetStatus.PROVISIONING, a_dataset_of(number))


class Counting:
    """The registry, with its reads counted."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self.reads = 0
        self.is_away = False
        self.has_looked = asyncio.Event()

    async def events(self, *asked: Any) -> Any:
        self.reads += 1
        return await self._registry.events(*asked)

    async def last_sequence(self, tenant: str) -> Any:
        self.has_looked.set()
        if self.is_away:
            raise ConnectionError
        return await self._registry.last_sequence(tenant)
