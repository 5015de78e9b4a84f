"""The application: Glean's paths over one store."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from gateways.local.glean import (
    datasources,
    debug,
    documents,
    platform,
    search,
    uploads,
    visibility,
    wire,
)
from gateways.local.glean.answers import Answer, Body, Endpoint, indexing
from gateways.local.glean.control import control_routes
from gateways.local.glean.faults import Faults, FaultyAnswers
from gateways.local.glean.limits import Limits
from gateways.local.glean.schema import SCHEMA
from gateways.local.glean.tenant import Tenant
from gateways.local.sqlite import SqliteStore

_INDEXING = "/api/index/v1"
_OVERRIDES = "/rest/api/v1/governance/documents/visibilityoverrides"


def create_app(
    database: Path | None,
    *,
    clock: Callable[[], datetime],
    indexing_token: str,
    client_token: str,
    indexing_delay: timedelta = timedelta(0),
    control: bool = False,
    published_limits: bool = False,
    custom_prefix: bool = False,
    faults: Faults | None = None,
) -> Starlette:
    """A tenant over one SQLite file (`None`: memory) that several processes may share.

    `control` opens `/_control`, `published_limits` enforces Glean's rate limits, and
    `custom_prefix` lets `getdatasourceconfig` answer `CUSTOM_NAME` as some tenants do. The
    application closes its file at the end of its lifespan; whoever mounts it, and so runs no
    lifespan of it, awaits `app.state.aclose()`.
    """
    tenant = Tenant(
        store=SqliteStore(database, SCHEMA),
        clock=clock,
        indexing_token=indexing_token,
        client_token=client_token,
        indexing_delay=indexing_delay,
        faults=Faults() if faults is None else faults,
        limits=Limits(clock, enforced=published_limits),
        custom_prefix=custom_prefix,
    )

    async def aclose() -> None:
        tenant.store.close()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await aclose()

    app = Starlette(
        routes=[
            *_indexing_routes(tenant),
            *_client_routes(tenant),
            *(control_routes(tenant) if control else ()),
        ],
        middleware=[Middleware(FaultyAnswers, faults=tenant.faults)],
        lifespan=lifespan,
    )
    app.state.faults = tenant.faults
    app.state.aclose = aclose
    return app


def _indexing_routes(tenant: Tenant) -> list[Route]:
    def post(path: str, endpoint: Endpoint) -> Route:
        return Route(_INDEXING + path, endpoint, methods=["POST"])

    def acting(path: str, model: type[Body], action: Callable[[Tenant, Body], Answer]) -> Route:
        return post(path, indexing(tenant, path, model, action))

    return [
        post("/adddatasource", datasources.add_datasource(tenant)),
        acting("/getdatasourceconfig", wire.DatasourceReference, datasources.get_datasource_config),
        acting("/betausers", wire.BetaUsers, datasources.authorize_beta_users),
        acting("/processalldocuments", wire.ProcessAll, datasources.process_all),
        acting("/indexdocument", wire.IndexDocument, documents.index_document),
        acting("/indexdocuments", wire.IndexDocuments, documents.index_documents),
        acting("/bulkindexdocuments", wire.BulkPage, uploads.bulk_index_documents),
        acting("/deletedocument", wire.DeleteDocument, documents.delete_document),
        acting("/updatepermissions", wire.UpdatePermissions, documents.update_permissions),
        acting("/checkdocumentaccess", wire.CheckAccess, documents.check_access),
        post("/debug/{datasource}/status", debug.status(tenant)),
        post("/debug/{datasource}/document", debug.document(tenant)),
        post("/debug/{datasource}/documents", debug.documents(tenant)),
    ]


def _client_routes(tenant: Tenant) -> list[Route]:
    return [
        Route("/rest/api/v1/search", search.search(tenant), methods=["POST"]),
        Route("/api/search", platform.search(tenant), methods=["POST"]),
        Route("/api/search/filters", platform.filters(tenant), methods=["GET"]),
        Route(_OVERRIDES, visibility.read(tenant), methods=["GET"]),
        Route(_OVERRIDES, visibility.write(tenant), methods=["POST"]),
    ]
