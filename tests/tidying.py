"""Tidying: what tests leave goes when their test has ended, or their session, and not later.

At the end of its process would be too late: a test worker that takes ten seconds to end is killed,
and what it had not removed by then stays for good.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_after_test: list[Callable[[], object]] = []
_at_end: list[Callable[[], object]] = []


def after_test(act: Callable[[], object]) -> None:
    """Do this when the test that runs has ended and all its fixtures have; without one, never."""
    _after_test.append(act)


def at_end(act: Callable[[], object]) -> None:
    """Do this when the session of tests ends; without one, when the process does."""
    if not _at_end:
        atexit.register(end_session)
    _at_end.append(act)


def end_test() -> None:
    """Tidy up after a test, the latest first."""
    _do(_after_test)


def end_session() -> None:
    """Tidy up after all tests, the latest first."""
    _do(_at_end)


def _do(acts: list[Callable[[], object]]) -> None:
    while acts:
        acts.pop()()
