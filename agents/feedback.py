"""Feedback: the supplier hears of each verdict once, later if it must be, and nobody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from domain.errors import RequestRejected, SupplierRefused, SupplierUnavailable
from domain.rules import LifecycleRules

if TYPE_CHECKING:
    from domain.feedback import Feedback, FeedbackQueue, FeedbackTaker
    from domain.ports import Clock

log = structlog.get_logger("feedback")

AT_ONCE = 100
"""How much feedback is read at a time."""


class SupplierFeedback:
    """Sends what is due (seed: R4); what did not arrive is due again, ever more seldom.

    It may arrive twice, when an answer is lost or two processes send at once: its id is the same.
    """

    def __init__(
        self,
        queue: FeedbackQueue,
        supplier: FeedbackTaker,
        clock: Clock,
        rules: LifecycleRules | None = None,
    ) -> None:
        self._queue = queue
        self._supplier = supplier
        self._clock = clock
        self._rules = rules or LifecycleRules()

    async def send_due(self) -> int:
        """Send all that is due, until the supplier cannot take it; tells how much was sent."""
        sent = 0
        while batch := await self._queue.due(self._clock(), AT_ONCE):
            for each in batch:
                if not await self._send(each):
                    return sent
                sent += 1
        return sent

    async def _send(self, feedback: Feedback) -> bool:
        """Send one; tells whether to go on. What is refused for good is told in the log."""
        try:
            await self._supplier.feedback(feedback.template_key, feedback.document())
        except SupplierUnavailable as error:
            pause = self._rules.pause_after(feedback.tries, error.retry_after)
            await self._queue.postpone(feedback, self._clock() + pause)
            return False
        except (SupplierRefused, RequestRejected) as error:
            log.warning("feedback.refused", template=feedback.template_key, why=str(error))
        await self._queue.done(feedback)
        return True
