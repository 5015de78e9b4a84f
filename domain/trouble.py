"""What troubles a dataset: what went wrong last, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.lifecycle import DatasetStatus
from domain.quality import Severity


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong last, where, how badly, and when it is tried again (None: by hand only).

    `retries` counts the orders given again for outages, `misses` the gates run again for near
    misses; neither uses up the other's tries.
    """

    failed_in: DatasetStatus
    message: str
    severity: Severity
    retries: int = 0
    retry_at: datetime | None = None
    misses: int = 0

    def retried(self, at: datetime) -> Trouble:
        """Use up a retry, to be made then."""
        return replace(self, retries=self.retries + 1, retry_at=at)

    def without_retry(self) -> Trouble:
        """Leave the rest to people."""
        return replace(self, retry_at=None)
