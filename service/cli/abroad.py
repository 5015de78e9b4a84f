"""Abroad: each foreign system that is set is asked once whether it lets us in."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from domain.errors import DataOpsError
from gateways.glean_api import GleanApi, GleanCredentials
from gateways.http import Call, Supplier, open_client
from gateways.pace import Timing
from gateways.secrets import resolve
from service.clocks import wall_clock

if TYPE_CHECKING:
    import httpx

    from service.settings import Settings

SECONDS = 5.0
"""How long an answer may take."""

_NOBODY = "dataops-doctor"
"""What is asked for by its name, and need not be there."""

_READ = frozenset({200, 404})
_FOUND = frozenset({200})
_TAKEN = frozenset({200, 400, 404})

_timing = Timing(wall_clock, asyncio.sleep, time.monotonic, random.SystemRandom().random)


def asked(settings: Settings) -> dict[str, str | None]:
    """Ask every foreign system: by the setting of its address, what is wrong, None where all is well.

    One that is not set is left out.
    """
    return asyncio.run(_asked(settings))


async def _asked(settings: Settings) -> dict[str, str | None]:
    addresses = {name: getattr(settings, name) for name in _ASK}
    wanted = {name: url for name, url in addresses.items() if url is not None}
    told = await asyncio.gather(*(_told(name, url, settings) for name, url in wanted.items()))
    return dict(zip(wanted, told, strict=True))


async def _told(name: str, url: str, settings: Settings) -> str | None:
    try:
        async with open_client(url) as client:
            await _ASK[name](client, settings)
    except DataOpsError as error:
        return str(error)
    return None


async def _glean(client: httpx.AsyncClient, settings: Settings) -> None:
    """Ask with each of the two tokens."""
    credentials = GleanCredentials(
        lambda: resolve(settings.glean_indexing_token),
        lambda: resolve(settings.glean_client_token),
        settings.glean_act_as,
    )
    glean = GleanApi(client, credentials, _timing, None)
    calls = (
        glean.indexing("/getdatasourceconfig", {"datasource": _NOBODY.replace("-", "")}),
        glean.search({"query": _NOBODY, "pageSize": 1}),
    )
    await asyncio.gather(*(glean.ask(_once(each, _TAKEN)) for each in calls))


async def _mock_data(client: httpx.AsyncClient, settings: Settings) -> None:
    del settings
    supplier = Supplier(client, "The mock-data supplier", _timing)
    await supplier.ask(_once(Call("GET", "/templates"), _READ))


async def _journeys(client: httpx.AsyncClient, settings: Settings) -> None:
    del settings
    supplier = Supplier(client, "Journey Orchestration", _timing)
    await supplier.ask(_once(Call("GET", f"/journeys/{_NOBODY}"), _READ))


async def _agents(client: httpx.AsyncClient, settings: Settings) -> None:
    """Ask for the cards, by which a coordinator finds its agents."""
    del settings
    await Supplier(client, "The agents' host", _timing).ask(_once(Call("GET", "/agents"), _FOUND))


def _once(call: Call, accept: frozenset[int]) -> Call:
    return replace(call, accept=accept, attempts=1, seconds=SECONDS)


_ASK = {
    "glean_url": _glean,
    "mock_data_url": _mock_data,
    "journeys_url": _journeys,
    "agents_url": _agents,
}
