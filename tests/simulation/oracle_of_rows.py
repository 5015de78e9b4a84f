"""What the oracle knows of rows: places, names and edges, by the commits as they were made."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from domain.lifecycle import DatasetStatus
from tests.simulation.database import name_of, slot_of
from tests.simulation.glean import Deed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from uuid import UUID

    from domain.dataset import Dataset
    from tests.simulation.witness import Witness

_S = DatasetStatus
_ACTIVE = {_S.DISCOVERING, _S.PROVISIONING, _S.VALIDATING, _S.READY, _S.FAILED}

_LEGAL = {
    None: {_S.DISCOVERING},
    _S.DISCOVERING: {_S.PROVISIONING, _S.FAILED, _S.TEARDOWN},
    _S.PROVISIONING: {_S.VALIDATING, _S.FAILED, _S.TEARDOWN},
    _S.VALIDATING: {_S.READY, _S.FAILED, _S.TEARDOWN},
    _S.READY: {_S.VALIDATING, _S.TEARDOWN},
    _S.FAILED: {_S.PROVISIONING, _S.VALIDATING, _S.TEARDOWN},
    _S.TEARDOWN: {_S.VALIDATING, _S.ARCHIVED},
    _S.ARCHIVED: set[DatasetStatus](),
}
"""The requirements' table, written down again: the product's own is what is judged."""


def one_is_active_in_each_slot(witness: Witness) -> Iterator[str]:
    """One active dataset for a client, stage and type (Client-Stage Uniqueness)."""
    yield from _shared(witness, slot_of)


def connector_names_are_unique(witness: Witness) -> Iterator[str]:
    """No two active datasets share a connector's name, nor any two ever a datasource."""
    yield from _shared(witness, name_of)
    marks: dict[str, UUID] = {}
    for owner, deed in witness.deeds(Deed.CREATED, Deed.UPLOADED):
        if marks.setdefault(deed.datasource, owner) != owner:
            yield f"datasource {deed.datasource} has two owners"


def archived_is_the_end(witness: Witness) -> Iterator[str]:
    """Nothing leaves ARCHIVED (Archive Immutability)."""
    for steps in witness.lives.values():
        for step in steps:
            if step.row.before is _S.ARCHIVED and step.is_transition:
                yield f"{step.row.dataset.name} left ARCHIVED at {step.at:.3f}"


def only_legal_edges_are_taken(witness: Witness) -> Iterator[str]:
    """Every transition is an edge of the table; the status before is the one committed last."""
    for steps in witness.lives.values():
        status: DatasetStatus | None = None
        for step in steps:
            reached = step.row.dataset.status
            if reached is not status and reached not in _LEGAL[status]:
                yield f"{step.row.dataset.name} went from {status} to {reached}"
            status = reached


def _shared(witness: Witness, place_of: Callable[[Dataset], Hashable]) -> Iterator[str]:
    """Tell of places that more than one active dataset held after some commit."""
    rows: dict[UUID, Dataset] = {}
    for commit in witness.commits:
        rows.update((each.dataset_id, each.dataset) for each in commit.written)
        held = Counter(place_of(each) for each in rows.values() if each.status in _ACTIVE)
        for place, count in held.items():
            if count > 1:
                yield f"{count} hold {place} at {commit.at:.3f}"
                return
