"""What the oracle knows of the gate: READY is weighed again by what Glean really held."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

from domain.lifecycle import DatasetStatus
from tests.simulation.glean import Deed
from tests.simulation.supplier import FIELDS, RECORDS
from tests.simulation.world import AGENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.record import Record
    from tests.simulation.glean import Deeds
    from tests.simulation.witness import Step, Witness

_READY = Fraction(95, 100)
_PROBES = 3
_QUERIES = 10
_WARNS_ONLY = "github"
"""The type whose template makes completeness a check that only warns."""


def ready_is_deserved(witness: Witness) -> Iterator[str]:
    """READY only with a score of 0.95 and with every critical check passed (Quality Threshold)."""
    for steps in witness.lives.values():
        for step in steps:
            if step.enters(DatasetStatus.READY):
                yield from _undeserved(witness, step)


def _undeserved(witness: Witness, step: Step) -> Iterator[str]:
    schema, completeness, health, queries = _scores(_examination(witness, step))
    overall = (schema + completeness + health + queries) / 4
    is_complete = completeness >= _READY or step.row.dataset.place.dataset_type == _WARNS_ONLY
    if overall < _READY or not is_complete or min(schema, health, queries) < 1:
        scores = ", ".join(str(each) for each in (schema, completeness, health, queries))
        yield f"{step.row.dataset.name} is READY at {step.at:.3f} with {scores}"


def _examination(witness: Witness, step: Step) -> Sequence[Deeds]:
    """Give what was seen at Glean in the hand of the order whose outcome a process committed."""
    key = (step.row.dataset_id, step.row.dataset.version - 1)
    given = [
        number
        for number, each in enumerate(witness.world.orders, 1)
        if each.by in {step.by, AGENTS}
        and each.kind == "validate_dataset"
        and (each.key.dataset_id, each.key.version) == key
        and each.at <= step.at
    ]
    return [each for each in witness.world.glean.history if given and each.order == given[-1]]


def _scores(seen: Sequence[Deeds]) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    counted = [each.seen for each in seen if each.deed is Deed.COUNTED]
    records = cast("Sequence[Record]", counted[-1] if counted else ())
    probes = [each.seen for each in seen if each.deed is Deed.PROBED]
    valid = sum(_is_valid(each) for each in records)
    return (
        Fraction(valid, max(len(records), 1)),
        _completeness(records),
        Fraction(sum(map(bool, probes)), max(len(probes), _PROBES)),
        Fraction(len(_found(seen, records)), _QUERIES),
    )


def _is_valid(record: Record) -> bool:
    texts = (record.get("id"), record.get("title"), record.get("body", ""))
    return isinstance(record.get("level"), int) and all(isinstance(each, str) for each in texts)


def _completeness(records: Sequence[Record]) -> Fraction:
    filled = sum(record.get(each) not in {None, ""} for record in records for each in FIELDS)
    whole = max(len(records) * len(FIELDS), 1)
    return min(Fraction(len(records), RECORDS), Fraction(filled, whole))


def _found(seen: Sequence[Deeds], records: Sequence[Record]) -> set[str]:
    """Give the titles whose own record was found by them."""
    ids = {each["title"]: each["id"] for each in records}
    asked = [
        cast("tuple[str, Sequence[str]]", each.seen) for each in seen if each.deed is Deed.SEARCHED
    ]
    return {title for title, hits in asked if ids.get(title, "") in hits}
