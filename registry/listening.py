"""Listening: commits of other processes ring the bell of this one, where the database can tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import structlog
from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger("listening")

CHANNEL = "dataops"
"""Where PostgreSQL tells of each commit that changes a dataset (migration 0004)."""

PAUSE_SECONDS = 1.0
"""How long to wait before a lost connection is made again; looks by the clock go on meanwhile."""


async def listen_for_ever(url: str, ring: Callable[[], None]) -> None:
    """Ring at each commit of any process, until cancelled; a lost connection is made anew.

    `url` is `postgresql+psycopg://…`. Each new connection rings once: what happened while there
    was none is found by looking.
    """
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            await _listen(address, ring)
        except psycopg.OperationalError as error:
            log.warning("listening.lost", why=str(error).partition("\n")[0])
        await asyncio.sleep(PAUSE_SECONDS)


async def _listen(address: str, ring: Callable[[], None]) -> None:
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        ring()
        async for _ in connection.notifies():
            ring()
