"""The one place where everything is put together: ports get their adapters, agents their ports."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import structlog
from uuid_utils.compat import uuid7

from agents.auditor import Auditor
from agents.cataloguing import Cataloguer, Scannable
from agents.coordinator import LifecycleCoordinator
from agents.discovery import DatasetDiscoveryAgent, Templates
from agents.endings import Endings
from agents.enquiries import Enquiries, Sources
from agents.feedback import SupplierFeedback
from agents.orphan_sweep import OrphanSweep
from agents.planning import Planner
from agents.provisioning import DatasetProvisioningAgent
from agents.registering import TemplateDesk
from agents.registration import Registration
from agents.requests import Requests
from agents.strays import Strays
from agents.teardown import DataTeardownAgent
from agents.validation import DataValidationAgent
from domain.work import AgentName
from gateways.folders import DiscoveryFolders
from gateways.journeys import JourneysClient
from gateways.mock_data import MockDataClient
from gateways.pace import Timing
from gateways.packs import TemplatePacks
from gateways.schema import JsonSchemaRecords
from gateways.secrets import resolve
from protocol.auth import Tokens
from protocol.cards import Card, load_cards
from protocol.delegate import A2ADelegate, known, published
from protocol.desks import Desks
from protocol.server import A2AServer, Backstage
from protocol.transport import StreamingTransport
from registry.catalogue import SqlCatalogue
from registry.database import Database
from registry.feedback import SqlFeedback
from registry.follows import SqlFollows
from registry.leases import SqlLeases
from registry.migrations import upgrade
from registry.orphans import SqlOrphanBook
from registry.progress import SqlProgressLog
from registry.repository import SqlRegistry
from registry.shelf import SqlTemplateShelf
from registry.trail import SqlAuditTrail
from service.archives import opened_archive
from service.auditing import keep_checkpoints
from service.changes import Bell
from service.engine import Shift
from service.engines import engine_for
from service.jobs import scheduled
from service.posting import Posting
from service.publishing import batches_of
from service.standins import StandIns, stand_ins
from service.suppliers import intake_for, opened_client, opened_connectors
from service.tokens import read_tokens
from service.whole import InProcess, Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from domain.ports import Clock, StageAgent
    from service.settings import Settings


log = structlog.get_logger("service")

CONNECT_SECONDS = 5.0
"""How long agents on another host may take to answer the telephone."""


@asynccontextmanager
async def assembled(settings: Settings, base_url: str, clock: Clock) -> AsyncIterator[Service]:
    """Put the service together on a migrated database, and take it apart again."""
    settings.data.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(upgrade, settings.database)
    async with AsyncExitStack() as stack:
        local = stand_ins(settings, clock)
        await stack.enter_async_context(local.opened())
        bell = Bell()
        database = Database.open(
            settings.database,
            clock=clock,
            rules=settings.rules,
            ids=uuid7,
            on_commit=bell.ring,
            owner=_owner(settings.executor_id),
        )
        stack.push_async_callback(database.close)
        yield await _service(settings, base_url, clock, database, bell, local, stack)


async def _service(  # noqa: PLR0917 - the composition root names every part once
    settings: Settings,
    base_url: str,
    clock: Clock,
    database: Database,
    bell: Bell,
    local: StandIns,
    stack: AsyncExitStack,
) -> Service:
    timing = Timing(clock, asyncio.sleep, time.monotonic, random.SystemRandom().random)
    tokens = _tokens(settings)
    supplier = MockDataClient(
        await opened_client(stack, settings.mock_data_url, local.mock_data), timing
    )
    connectors = await opened_connectors(settings, timing, local, stack)
    archive = opened_archive(settings, stack)
    journeys = JourneysClient(
        await opened_client(stack, settings.journeys_url, local.journeys),
        timing,
        takes_introductions=settings.journeys_url is None,
    )
    registry, leases, progress = (
        SqlRegistry(database),
        SqlLeases(database),
        SqlProgressLog(database),
    )
    shelf = SqlTemplateShelf(database)
    templates = Templates(supplier, shelf)
    intake = intake_for(settings, supplier)
    agents: dict[AgentName, StageAgent] = {
        AgentName.DISCOVERY: DatasetDiscoveryAgent(templates, clock),
        AgentName.PROVISIONING: DatasetProvisioningAgent(intake, connectors, clock),
        AgentName.VALIDATION: DataValidationAgent(intake, connectors, JsonSchemaRecords(), clock),
        AgentName.TEARDOWN: DataTeardownAgent(connectors, archive, clock),
    }
    cards = load_cards(base_url)
    inside = InProcess()
    delegate = await _delegate(settings, cards, inside, tokens, stack)
    coordinator = LifecycleCoordinator(registry, delegate, progress, clock)
    shift = Shift(
        database.owner,
        turns_at_once=settings.turns_at_once,
        turns_a_client=settings.turns_a_client,
    )
    engine = engine_for(
        settings.engine,
        settings.database,
        leases=leases,
        take_turn=coordinator.turn,
        clock=clock,
        shift=shift,
    )
    planner = Planner(templates, registry, intake)
    registration = Registration(
        registry=registry,
        journeys=journeys,
        planner=planner,
        clock=clock,
        ids=uuid7,
        origin=base_url,
    )
    book = SqlOrphanBook(database)
    orphans = OrphanSweep(
        registry=registry,
        book=book,
        journeys=journeys,
        strays=Strays(book, connectors, clock, base_url),
        endings=Endings(
            registry=registry, coordinator=coordinator, engine=engine, clock=clock, ids=uuid7
        ),
        engine=engine,
        clock=clock,
        rules=settings.rules,
    )
    front = Requests(
        registration,
        planner,
        registry=registry,
        coordinator=coordinator,
        engine=engine,
        clock=clock,
        orphans=orphans,
    )
    sources = Sources(registry, templates, connectors, archive, journeys)
    enquiries = Enquiries(sources, base_url, clock)
    folders = DiscoveryFolders(settings.discovery_root)
    scannable = Scannable(registry, connectors, folders, templates)
    cataloguer = Cataloguer(
        scannable, SqlCatalogue(database), clock, uuid7, monotonic=timing.monotonic
    )
    desk = TemplateDesk(TemplatePacks(), templates, shelf, JsonSchemaRecords())
    desks = Desks(front, enquiries, cataloguer, desk)
    feedback = SupplierFeedback(SqlFeedback(database), supplier, clock, settings.rules)
    auditor = Auditor(SqlAuditTrail(database), archive, settings.retention)
    schedules = scheduled(settings, database, orphans, feedback, clock)
    keep_checkpoints(schedules, auditor, settings.audit_checkpoints)
    posting = Posting(settings, database, registry, timing, lambda: engine.turns > 0)
    stack.push_async_callback(posting.close)
    backstage = Backstage(
        registry=registry,
        follows=SqlFollows(database),
        progress=progress,
        changes=bell,
        parting=bell.parting,
        writes=database.engine,
        reads=database.reads,
        desks=desks,
        agents=agents if settings.role.has_agents else {},
        base_url=base_url,
        owner=database.owner,
        pushing=posting.pushing,
    )
    server = A2AServer(cards, backstage)
    batches = batches_of(registry, base_url)
    return Service(
        settings=settings,
        base_url=base_url,
        clock=clock,
        database=database,
        registry=registry,
        batches=batches,
        bell=bell,
        engine=engine,
        coordinator=coordinator,
        schedules=schedules,
        orphans=orphans,
        server=server,
        cards=cards,
        desks=desks,
        auditor=auditor,
        tokens=tokens,
        stand_ins=local,
        inside=inside,
        subscribing=posting.subscribing,
        courier=posting.courier(server.pushes, bell, batches),
    )


async def _delegate(
    settings: Settings,
    cards: Mapping[AgentName, Card],
    inside: InProcess,
    tokens: Tokens,
    stack: AsyncExitStack,
) -> A2ADelegate:
    """Reach the agents here without a socket, or those elsewhere by the cards they publish."""
    url = None if settings.role.has_agents else settings.agents_url
    client = httpx.AsyncClient(
        transport=None if url else StreamingTransport(inside),
        headers={"Authorization": f"Bearer {tokens.order_key}"},
        timeout=httpx.Timeout(CONNECT_SECONDS, read=None),  # an order has a deadline of its own
        trust_env=False,
    )
    await stack.enter_async_context(client)
    if url:
        return A2ADelegate(client, published(client, url.rstrip("/")))
    return A2ADelegate(client, known({name: each.card for name, each in cards.items()}))


def _tokens(settings: Settings) -> Tokens:
    reference = settings.auth_order_key
    key = resolve(reference) if reference else secrets.token_urlsafe(32)
    return Tokens(key, read_tokens(settings.auth_tokens))


def _owner(prefix: str) -> str:
    """Name this process as nobody else is named, now or later."""
    return f"{prefix}-{os.getpid()}-{secrets.token_hex(4)}"
