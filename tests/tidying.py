"""Tidying: what tests leave goes when their test has ended, or their session, and not later.

At the end of its process would be too late: a test worker that takes ten seconds to end is killed,
and what it had not removed by then stays for good.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_after_test, _at_end = ExitStack(), ExitStack()


def after_test(act: Callable[[], object]) -> None:
    """Do this when the test that runs has ended and all its fixtures have; without one, at the end."""
    _after_test.callback(act)


def at_end(act: Callable[[], object]) -> None:
    """Do this when the session of tests ends; without one, when the process does."""
    _at_end.callback(act)


def end_test() -> None:
    """Tidy up after a test, the latest first, all of it even where something fails."""
    _after_test.close()


@atexit.register
def end_session() -> None:
    """Tidy up after all tests, as after one."""
    try:
        end_test()
    finally:
        _at_end.close()
