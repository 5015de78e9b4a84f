"""A tenant: the store, the clock, the tokens and the habits that all endpoints share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateways.local.glean.faults import Faults
from gateways.local.glean.limits import Limits
from gateways.local.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class Tenant:
    """One Glean deployment; `indexing_delay` lies between an accepted page and a searchable one."""

    store: SqliteStore
    clock: Callable[[], datetime]
    indexing_token: str
    client_token: str
    indexing_delay: timedelta
    faults: Faults
    limits: Limits
    custom_prefix: bool

    def now(self) -> float:
        """The tenant's time in epoch seconds."""
        return self.clock().timestamp()


class Refusal(Exception):
    """A request that is answered with an error status; nothing of it is kept.

    `code` is for the platform API where the status alone says too little.
    """

    def __init__(
        self,
        status: int,
        message: str,
        retry_after: str | None = None,
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after
        self.code = code


def iso(moment: float) -> str:
    """Epoch seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
