"""The stand-ins: what takes a foreign system's place where no URL of it is set."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Mount

from domain.errors import InvalidInput
from gateways.local import glean, journeys, mock_data
from gateways.secrets import resolve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.applications import Starlette

    from domain.ports import Clock
    from service.settings import Settings


@dataclass(slots=True)
class StandIns:
    """The local applications, each None where a real one is configured.

    The two tokens are what the local Glean takes: those that are configured, where there is
    something behind their references, and else made for this installation and kept under `data`.
    """

    indexing_token: str
    client_token: str
    glean: Starlette | None = None
    mock_data: Starlette | None = None
    journeys: Starlette | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def routes(self) -> list[BaseRoute]:
        """Mount what stands in, so that people can talk to it."""
        mounted = {
            "/glean": self.glean,
            "/mock-data": self.mock_data,
            "/journeys": self.journeys,
        }
        return [Mount(path, app) for path, app in mounted.items() if app is not None]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep the applications open."""
        async with self._stack:
            for app in (self.glean, self.journeys, self.mock_data):
                if app is not None:
                    await self._stack.enter_async_context(app.router.lifespan_context(app))
            yield


def stand_ins(settings: Settings, clock: Clock) -> StandIns:
    """Set up a stand-in for every foreign system without a URL; state goes under `data`."""
    made = _token(settings.data / "glean.token")
    found = StandIns(
        indexing_token=_configured(settings.glean_indexing_token) or f"indexing-{made}",
        client_token=_configured(settings.glean_client_token) or f"client-{made}",
    )
    if settings.glean_url is None:
        found.glean = glean.create_app(
            settings.data / "glean.db",
            clock=clock,
            indexing_token=found.indexing_token,
            client_token=found.client_token,
        )
    if settings.mock_data_url is None:
        found.mock_data = mock_data.create_app(settings.data / "mock-data.db")
    if settings.journeys_url is None:
        found.journeys = journeys.create_app(settings.data / "journeys.db", clock=clock)
    return found


def _configured(reference: str) -> str | None:
    try:
        return resolve(reference)
    except InvalidInput:  # nothing is behind it, and nobody needs it here
        return None


def _token(path: Path) -> str:
    """Read this installation's token, or make it; only its owner can read the file.

    It appears whole or not at all, and two processes that start at once have the same.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, prefix=".glean-token-") as made:
            made.write(secrets.token_urlsafe(24))
            made.flush()
            with suppress(FileExistsError):
                path.hardlink_to(made.name)
    return path.read_text().strip()
