"""One running service for all tests of a module that change nothing they share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.running import SMALL, RunningService, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningService]:
    """Run a service that has one READY dataset, `ACME-sandbox-jira`."""
    async with running(tmp_path_factory.mktemp("shared")) as service:
        await service.call("lifecycle-coordinator", SMALL, "first")
        yield service
