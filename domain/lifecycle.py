"""The seven statuses of a dataset and the only edges between them."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from domain.errors import IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Mapping


class DatasetStatus(StrEnum):
    """Where a dataset stands in its life (seed: DatasetStatus)."""

    DISCOVERING = "discovering"
    PROVISIONING = "provisioning"
    VALIDATING = "validating"
    READY = "ready"
    FAILED = "failed"
    TEARDOWN = "teardown"
    ARCHIVED = "archived"


class TeardownReason(StrEnum):
    """Why a dataset is torn down (seed: the four triggers)."""

    STAGE_TRANSITION = "stage_transition"
    JOURNEY_COMPLETED = "journey_completed"
    ORPHAN_CLEANUP = "orphan_cleanup"
    MANUAL_REQUEST = "manual_request"


class TeardownStep(StrEnum):
    """The steps of a teardown in their order; each names what is done next."""

    PAUSE_SYNC = "pause_sync"
    ARCHIVE_METADATA = "archive_metadata"
    DISCONNECT = "disconnect"
    GRACE = "grace"
    EMPTY_CONNECTOR = "empty_connector"
    VERIFY_EMPTIED = "verify_emptied"


_D = DatasetStatus

TRANSITIONS: Mapping[DatasetStatus, frozenset[DatasetStatus]] = MappingProxyType(
    {
        _D.DISCOVERING: frozenset({_D.PROVISIONING, _D.FAILED, _D.TEARDOWN}),
        _D.PROVISIONING: frozenset({_D.VALIDATING, _D.FAILED, _D.TEARDOWN}),
        _D.VALIDATING: frozenset({_D.READY, _D.FAILED, _D.TEARDOWN}),
        _D.READY: frozenset({_D.VALIDATING, _D.TEARDOWN}),
        _D.FAILED: frozenset({_D.PROVISIONING, _D.VALIDATING, _D.TEARDOWN}),
        _D.TEARDOWN: frozenset({_D.VALIDATING, _D.ARCHIVED}),
        _D.ARCHIVED: frozenset(),
    }
)
"""From each status, the statuses it may go to; nothing leaves ARCHIVED (Archive Immutability)."""

ENDED: frozenset[DatasetStatus] = frozenset({_D.TEARDOWN, _D.ARCHIVED})
"""Where a dataset no longer holds its place among the active ones (Client-Stage Uniqueness)."""

UNDER_WAY: frozenset[DatasetStatus] = frozenset({_D.DISCOVERING, _D.PROVISIONING, _D.VALIDATING})
"""Where a dataset is on its way to READY."""


class LifecycleStage(StrEnum):
    """The six stages of the lifecycle as people speak of them (seed: R9)."""

    DISCOVERY = "discovery"
    PROVISIONING = "provisioning"
    VALIDATION = "validation"
    READY = "ready"
    TEARDOWN = "teardown"
    ARCHIVED = "archived"


_STAGES: Mapping[DatasetStatus, LifecycleStage] = MappingProxyType(
    {
        _D.DISCOVERING: LifecycleStage.DISCOVERY,
        _D.PROVISIONING: LifecycleStage.PROVISIONING,
        _D.VALIDATING: LifecycleStage.VALIDATION,
        _D.READY: LifecycleStage.READY,
        _D.TEARDOWN: LifecycleStage.TEARDOWN,
        _D.ARCHIVED: LifecycleStage.ARCHIVED,
    }
)


def stage_of(status: DatasetStatus, failed_in: DatasetStatus | None = None) -> LifecycleStage:
    """Tell the lifecycle stage of a status; FAILED belongs to the stage in which it failed."""
    if status is _D.FAILED:
        return _STAGES[failed_in or _D.PROVISIONING]
    return _STAGES[status]


def require_transition(name: str, current: DatasetStatus, target: DatasetStatus) -> None:
    """Allow an edge of the table and nothing else.

    Raises:
        IllegalTransition: the table has no edge from `current` to `target`.
    """
    if target in TRANSITIONS[current]:
        return
    allowed = ", ".join(sorted(TRANSITIONS[current])) or "nothing: it is the end"
    message = f"{name} is {current} and cannot become {target}. From {current} it may become "
    raise IllegalTransition(f"{message}{allowed}.")


def next_step(step: TeardownStep) -> TeardownStep | None:
    """Tell the teardown step that follows, or None after the last."""
    order = list(TeardownStep)
    position = order.index(step) + 1
    return order[position] if position < len(order) else None
