"""The stand-ins: what takes a foreign system's place where no URL of it is set."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Mount

from gateways.local import glean, journeys, mock_data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.applications import Starlette

    from domain.ports import Clock
    from service.settings import Settings


@dataclass(slots=True)
class StandIns:
    """The local applications, each None where a real one is configured.

    `token` is what the local Glean takes for both kinds of token unless secrets are set; it is
    made anew for each installation and kept under `data`.
    """

    token: str
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
            for app in (self.glean, self.journeys):
                if app is not None:
                    await self._stack.enter_async_context(app.router.lifespan_context(app))
            yield


def stand_ins(settings: Settings, clock: Clock) -> StandIns:
    """Set up a stand-in for every foreign system without a URL; state goes under `data`."""
    token = _token(settings.data / "glean.token")
    found = StandIns(token)
    if settings.glean_url is None:
        found.glean = glean.create_app(
            settings.data / "glean.db",
            clock=clock,
            indexing_token=f"indexing-{token}",
            client_token=f"client-{token}",
        )
    if settings.mock_data_url is None:
        found.mock_data = mock_data.create_app()
    if settings.journeys_url is None:
        found.journeys = journeys.create_app(settings.data / "journeys.db", clock=clock)
    return found


def _token(path: Path) -> str:
    """Read this installation's token, or make it; only its owner can read the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text().strip()
