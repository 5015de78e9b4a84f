"""Known gaps: what a process may still do that stood still while its dataset's life went on.

Its lease is over, another process has taken the dataset up, and nothing in the row tells that an
order is out with the first: until the order's deadline its agent goes on where it stood. The
version fence keeps the row right; what was done outside only a scan for orphans would find
(seed: R75), and nothing looks for them yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.lifecycle import DatasetStatus
from tests.simulation.glean import Deed
from tests.simulation.world import RULES

if TYPE_CHECKING:
    from tests.simulation.world import World

_ORDER_SECONDS = RULES.order_limit.total_seconds()


def filled_late(world: World) -> list[str]:
    """Name the datasources that were filled so after their dataset was torn down."""
    filled = [name for name, each in world.glean.datasources.items() if each.documents]
    over = _datasources_in(world, DatasetStatus.TEARDOWN, DatasetStatus.ARCHIVED)
    return [each for each in filled if each in over and is_late_work(world, each, Deed.UPLOADED)]


def hidden_late(world: World) -> list[str]:
    """Name the datasources that were hidden so after their dataset was restored to READY."""
    hidden = [name for name, each in world.glean.datasources.items() if each.is_hidden]
    ready = _datasources_in(world, DatasetStatus.READY)
    return [each for each in hidden if each in ready and is_late_work(world, each, Deed.HIDDEN)]


def is_late_work(world: World, datasource: str, deed: Deed) -> bool:
    """Whether the last such deed was done by a process that had stood still, still in its time."""
    done = [
        each for each in world.glean.history if each.datasource == datasource and each.deed is deed
    ]
    if not done or done[-1].by not in world.stood_still:
        return False
    return done[-1].at <= world.orders[done[-1].order - 1].at + _ORDER_SECONDS


def _datasources_in(world: World, *statuses: DatasetStatus) -> set[str]:
    datasets = [each.dataset for each in world.rows.datasets.values()]
    return {
        each.connector.datasource
        for each in datasets
        if each.connector is not None and each.status in statuses
    }
