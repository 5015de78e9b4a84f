"""The published rate limits, enforced only where a test or an operator asks for it."""

from collections import deque
from collections.abc import Callable
from datetime import datetime

DOCUMENTS = "documents of /indexdocuments"
"""What the limit on documents counts under; the calls that bring them have their own."""

_PUBLISHED = {"/search": (5, 1.0), "/indexdocument": (10, 1.0), DOCUMENTS: (600, 60.0)}
"""How many in how many seconds."""

_EVERYTHING_ELSE = (30, 1.0)


class Limits:
    """A sliding window for each path, kept in this process."""

    def __init__(self, clock: Callable[[], datetime], *, enforced: bool) -> None:
        self._clock = clock
        self._enforced = enforced
        self._spent: dict[str, deque[tuple[float, int]]] = {}

    def wait_for(self, path: str, cost: int) -> int:
        """Spend `cost` on the path; 0 when it was free, else the whole seconds to wait."""
        if not self._enforced:
            return 0
        allowed, seconds = _PUBLISHED.get(path, _EVERYTHING_ELSE)
        spent = self._window(path, seconds)
        if sum(each for _, each in spent) + cost > allowed:
            return int(seconds)
        spent.append((self._clock().timestamp(), cost))
        return 0

    def _window(self, path: str, seconds: float) -> deque[tuple[float, int]]:
        spent = self._spent.setdefault(path, deque())
        oldest = self._clock().timestamp() - seconds
        while spent and spent[0][0] <= oldest:
            spent.popleft()
        return spent
