"""Documents: what is shown of a dataset has the fields its document names, and no others."""

from __future__ import annotations

from typing import Any, NotRequired, get_args, get_origin, get_type_hints

import pytest

from domain.archive_documents import ArchiveVerificationDocument
from domain.documents import (
    DatasetDocument,
    Moment,
    PlannedDatasetDocument,
    Share,
    Status,
    VerdictDocument,
)
from domain.lifecycle import DatasetStatus
from domain.shape import Between, Format, OneOf
from domain.view import describe, describe_quality
from tests.domain.driving import IN_STATUS, a_dataset, archived, demoted, in_grace, ready
from tests.domain.making import NOW, after


def fields_of(document: type[Any]) -> tuple[set[str], set[str]]:
    """The fields a document has, and those of them that must be there."""
    hints = get_type_hints(document, include_extras=True)
    needed = {name for name, kind in hints.items() if get_origin(kind) is not NotRequired}
    return set(hints), needed


@pytest.mark.parametrize("status", list(DatasetStatus))
def test_a_dataset_is_shown_in_the_fields_of_its_document(status: DatasetStatus) -> None:
    known, needed = fields_of(DatasetDocument)

    shown = set(describe(IN_STATUS[status]()))

    assert needed <= shown <= known


def test_every_field_of_a_dataset_is_shown_at_some_time() -> None:
    known, _ = fields_of(DatasetDocument)
    leaving = ready()
    leaving.give_way(None, NOW)
    held = archived()
    held.hold_archive("case 7", "ada", after(days=2))
    seen = [*(make() for make in IN_STATUS.values()), demoted(), in_grace(), leaving, held]

    shown = {name for each in seen for name in describe(each)}

    assert shown == known


@pytest.mark.parametrize("dataset", [a_dataset(), ready()], ids=["unjudged", "judged"])
def test_a_verdict_is_shown_in_the_fields_of_its_document(dataset: Any) -> None:
    known, needed = fields_of(VerdictDocument)

    shown = set(describe_quality(dataset.quality))

    assert needed <= shown <= known


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (Share, Between(0, 1)),
        (Moment, Format("date-time")),
        (Status, OneOf(DatasetStatus)),
    ],
)
def test_a_shape_says_what_a_plain_type_cannot(kind: Any, shape: object) -> None:
    assert get_args(kind)[1:] == (shape,)


def test_what_need_not_be_known_is_null_and_not_left_out() -> None:
    for document in (PlannedDatasetDocument, ArchiveVerificationDocument):
        known, needed = fields_of(document)

        assert known == needed
