"""What every test shares: properties are judged by what holds, not by how quickly it is shown."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests import coverage, tidying

coverage.begin()  # before anything of ours is imported

from tests.compiling import share_compiled_statements  # noqa: E402

settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

share_compiled_statements()

# Nobody has set logs up in a test, and by itself structlog would draw every error with all its
# locals, which may take a minute.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take longest, so that no worker is left alone with it at the end."""
    items.sort(key=_longest, reverse=True)


def _longest(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    is_of_group = item.get_closest_marker("xdist_group") is not None
    return float(marker.args[0]) if marker else float(is_of_group)


def pytest_collection_finish() -> None:
    """Look no more, when memory is tidied up, at all that was imported and collected."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Tidy up when a test's fixtures have, or have failed to."""
    try:
        yield
    finally:
        tidying.end_test()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Leave what was measured of our own code, and nothing else."""
    coverage.leave()
    tidying.end_session()
