"""What the tests of the stand-ins share: a clock of their own, and a fresh tenant."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateways.local.glean import create_app
from tests.gateways.local.glean_client import (
    CLIENT_TOKEN,
    INDEXING_TOKEN,
    Clock,
    GleanCaller,
    calling,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def glean(clock: Clock) -> AsyncIterator[GleanCaller]:
    """A tenant with one datasource, `acme`, that indexes at once."""
    app = create_app(
        None, clock=clock, indexing_token=INDEXING_TOKEN, client_token=CLIENT_TOKEN, control=True
    )
    async with calling(app) as caller:
        await caller.declare()
        yield caller


@pytest.fixture
async def slow_glean(clock: Clock) -> AsyncIterator[GleanCaller]:
    """The same tenant, which takes a minute to index."""
    app = create_app(
        None,
        clock=clock,
        indexing_token=INDEXING_TOKEN,
        client_token=CLIENT_TOKEN,
        indexing_delay=timedelta(minutes=1),
    )
    async with calling(app) as caller:
        await caller.declare()
        yield caller
