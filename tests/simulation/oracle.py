"""The oracle: it judges by what the worlds saw and the database committed, by nobody's word."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.simulation import oracle_of_ends, oracle_of_events, oracle_of_gates, oracle_of_rows
from tests.simulation.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.simulation.callers import Message
    from tests.simulation.subscriber import Heard
    from tests.simulation.world import World

INVARIANTS: Mapping[str, Callable[[Witness], Iterator[str]]] = MappingProxyType(
    {
        "I1": oracle_of_gates.ready_is_deserved,
        "I2": oracle_of_rows.one_is_active_in_each_slot,
        "I3": oracle_of_rows.connector_names_are_unique,
        "I4": oracle_of_rows.archived_is_the_end,
        "I5": oracle_of_events.each_request_has_one_outcome,
        "I6": oracle_of_ends.no_connector_is_without_owner,
        "I7": oracle_of_events.events_are_told_in_order_once_committed,
        "I8": oracle_of_ends.nothing_is_deleted_before_it_is_archived,
        "I9": oracle_of_ends.nothing_is_purged_inside_its_retention,
        "I10": oracle_of_ends.nothing_is_deleted_inside_its_grace,
        "I11": oracle_of_rows.only_legal_edges_are_taken,
        "I12": oracle_of_events.the_ledger_is_complete,
        "I13": oracle_of_ends.what_is_ready_can_be_seen,
        "I14": oracle_of_ends.what_nobody_failed_is_made,
    }
)
"""The invariants by their numbers; each yields what breaks it."""


def judge(world: World, messages: Sequence[Message], heard: Sequence[Heard]) -> list[str]:
    """Give all that is broken, each line beginning with its invariant's number."""
    witness = Witness(world, messages, heard)
    return [f"{number}: {each}" for number, holds in INVARIANTS.items() for each in holds(witness)]
