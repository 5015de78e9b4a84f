"""Probes: all that a worker answers from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""What may be asked of a process that is there to work."""


class ProbesOnly:
    """Stands before an application that calls itself, and lets nothing but probes in."""

    def __init__(self, app: ASGIApp) -> None:
        """Guard an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a probe on; anything else is somebody else's to answer."""
        if scope["type"] != "http" or scope["path"] in PATHS:
            await self._app(scope, receive, send)
            return
        told = "This process is a worker and answers probes alone. Ask another of its service."
        await problem(404, told)(scope, receive, send)
