"""What the oracle knows of ends: archives, grace, retention, and what is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from domain.lifecycle import DatasetStatus
from tests.simulation.glean import Deed
from tests.simulation.virtual_time import moment
from tests.simulation.witness import A_MOMENT, owner_of
from tests.simulation.world import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.archive import Purge
    from tests.simulation.glean import Datasource, Deeds
    from tests.simulation.witness import Step, Witness

_S = DatasetStatus
_GRACE = RULES.grace_period.total_seconds()
_RETENTION = RULES.retention.total_seconds()


def no_connector_is_without_owner(witness: Witness) -> Iterator[str]:
    """At the end, documents lie only in the datasource of a dataset that is active."""
    for name, source, status in _left(witness):
        if source.documents and status in {None, _S.TEARDOWN, _S.ARCHIVED}:
            yield f"{len(source.documents)} documents lie in {name} without an owner"


def what_is_ready_can_be_seen(witness: Witness) -> Iterator[str]:
    """At the end, no dataset is READY whose documents are hidden."""
    for name, source, status in _left(witness):
        if source.is_hidden and status is _S.READY:
            yield f"{name} is hidden, and its dataset is READY"


def what_nobody_failed_is_made(witness: Witness) -> Iterator[str]:
    """At the end, nothing is FAILED where all that went wrong is that processes ended."""
    rows = witness.world.rows.datasets.values() if witness.world.is_sound else ()
    for row in rows:
        if row.dataset.status is _S.FAILED:
            yield f"{row.dataset.name} is FAILED, though nobody outside failed it"


def nothing_is_deleted_before_it_is_archived(witness: Witness) -> Iterator[str]:
    """What is emptied has an archive of the same teardown."""
    for owner, deed in witness.deeds(Deed.EMPTIED):
        began = witness.entry(owner, _S.TEARDOWN, deed.at)
        if began is None or not _archived_between(witness, owner, began.at, deed.at):
            yield f"dataset {owner.int} is emptied at {deed.at:.3f} without an archive"


def nothing_is_purged_inside_its_retention(witness: Witness) -> Iterator[str]:
    """No removal is even asked for before retention and lock are over."""
    for purge in witness.world.archive.purges:
        owner = UUID(purge.location.partition("/")[0])
        archived = witness.entry(owner, _S.ARCHIVED, purge.at)
        if archived is None or purge.at < archived.opened_at + _RETENTION - A_MOMENT:
            yield f"the archive of {owner.int} is purged at {purge.at:.3f}"
        if _is_locked(witness, purge):
            yield f"the archive of {owner.int} is purged while it is locked"
        if purge.kept is not None and purge.kept.is_held:
            yield f"the archive of {owner.int} is purged under a legal hold"


def nothing_is_deleted_inside_its_grace(witness: Witness) -> Iterator[str]:
    """Between disconnecting and emptying lie 24 hours, unless somebody wanted it otherwise."""
    for owner, deed in witness.deeds(Deed.EMPTIED):
        began = witness.entry(owner, _S.TEARDOWN, deed.at)
        if began is None:
            yield f"dataset {owner.int} is emptied and not torn down"
        elif not witness.is_hurried(owner, began.at, deed.at) and _is_early(witness, began, deed):
            yield f"dataset {owner.int} is emptied at {deed.at:.3f}, inside its grace period"


def _left(witness: Witness) -> Iterator[tuple[str, Datasource, DatasetStatus | None]]:
    """Give each datasource that is left, with the status of the dataset that owns it."""
    rows = witness.world.rows.datasets
    for name, source in witness.world.glean.datasources.items():
        row = rows.get(owner_of(source.mark))
        yield name, source, row.dataset.status if row is not None else None


def _archived_between(witness: Witness, owner: UUID, since: float, until: float) -> bool:
    ever = witness.world.archive.ever.items()
    return any(key.startswith(f"{owner}/") and since <= each.at <= until for key, each in ever)


def _is_locked(witness: Witness, purge: Purge) -> bool:
    kept = purge.kept or witness.world.archive.ever.get(purge.location)
    return kept is not None and moment(purge.at + A_MOMENT) < kept.locked_until


def _is_early(witness: Witness, began: Step, emptied: Deeds) -> bool:
    hidden = [
        each.at
        for hides, each in witness.deeds(Deed.HIDDEN)
        if hides == began.row.dataset_id and began.at <= each.at <= emptied.at
    ]
    return not hidden or emptied.at < hidden[0] + _GRACE - A_MOMENT
