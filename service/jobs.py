"""Jobs: what is done by the clock, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from registry.housekeeping import prune_pushes, prune_task_events
from registry.ticks import SqlTicks
from registry.uptime import prune_uptime
from service.schedules import Schedules

if TYPE_CHECKING:
    from datetime import datetime

    from agents.feedback import SupplierFeedback
    from agents.orphan_sweep import OrphanSweep
    from domain.ports import Clock
    from registry.database import Database
    from service.settings import Settings

log = structlog.get_logger("service")

HOUSEKEEPING = "17 3 * * *"
"""When what nobody reads any more goes: every night, in UTC."""

FEEDBACK = "* * * * *"
"""When the supplier hears of the verdicts since: every minute."""


def scheduled(
    settings: Settings,
    database: Database,
    orphans: OrphanSweep,
    feedback: SupplierFeedback,
    clock: Clock,
) -> Schedules:
    """Put every job on the schedules, which one process does for all."""

    async def keep_house(tick: datetime) -> None:
        pruned = await prune_task_events(database, tick)
        log.info("task_events.pruned", events=pruned)
        log.info("pushes.pruned", pushes=await prune_pushes(database, tick))
        await prune_uptime(database, tick)

    async def tell_supplier(_: datetime) -> None:
        await feedback.send_due()

    schedules = Schedules(SqlTicks(database), clock)
    schedules.every(HOUSEKEEPING, "housekeeping", keep_house)
    schedules.every(FEEDBACK, "feedback", tell_supplier)
    schedules.every(settings.orphan_scan, "orphan scan", orphans.sweep_all)
    schedules.every(settings.orphan_recheck, "orphan recheck", orphans.sweep_doubtful)
    return schedules
