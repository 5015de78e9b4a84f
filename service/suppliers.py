"""Suppliers: each foreign system as it is set, or its stand-in where none is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from agents.intake import Intake
from gateways.folder_source import FolderSource
from gateways.glean import PUBLISHED_LIMITS, GleanConnectors, GleanCredentials, HiddenDocuments
from gateways.http import open_client
from gateways.secrets import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from starlette.applications import Starlette

    from gateways.mock_data import MockDataClient
    from gateways.pace import Timing
    from service.settings import Settings
    from service.standins import StandIns


async def opened_client(
    stack: AsyncExitStack, url: str | None, local: Starlette | None
) -> httpx.AsyncClient:
    """Open a client to a foreign system, or to its stand-in without a socket."""
    transport = None
    if local is not None:
        transport = httpx.ASGITransport(local, raise_app_exceptions=False)
    client = open_client(url or "http://stand-in", transport)
    return await stack.enter_async_context(client)


async def opened_connectors(
    settings: Settings, timing: Timing, local: StandIns, stack: AsyncExitStack
) -> GleanConnectors:
    """Open the search engine's connectors; its tokens are looked up when they are needed."""
    is_local = local.glean is not None
    credentials = GleanCredentials(
        _secret(settings.glean_indexing_token, local.indexing_token if is_local else None),
        _secret(settings.glean_client_token, local.client_token if is_local else None),
        settings.glean_act_as,
    )
    return GleanConnectors(
        await opened_client(stack, settings.glean_url, local.glean),
        credentials,
        timing,
        limits=None if is_local else PUBLISHED_LIMITS,
        hidden=HiddenDocuments(settings.data / "hidden"),
        tokens_last=settings.health_interval,
    )


def intake_for(settings: Settings, supplier: MockDataClient) -> Intake:
    """Read from the source that is set; the masking key is looked up only when it is needed."""
    folder, reference = settings.source_folder, settings.masking_key
    return Intake(
        supplier,
        FolderSource(folder) if folder else None,
        (lambda: resolve(reference)) if reference else None,
    )


def _secret(reference: str, local: str | None) -> Callable[[], str]:
    """Look a secret up only when it is needed; what the local Glean takes is known already."""
    return (lambda: local) if local is not None else (lambda: resolve(reference))
