"""One service for all tests of the command line; each test brings clients of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.cli.commanding import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.cli.commanding import Cli


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    with served(tmp_path_factory.mktemp("served")) as found:
        yield found
