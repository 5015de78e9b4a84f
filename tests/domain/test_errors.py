"""Errors: sorted by what the one who meets them should do."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest

from domain import errors
from domain.errors import (
    ArchiveDamaged,
    CameBefore,
    Conflict,
    ConnectorNameTaken,
    DataOpsError,
    DuplicateDataset,
    FieldError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RequestRejected,
    StaleOutcome,
    SupplierLied,
    SupplierRefused,
    SupplierUnavailable,
    TemplateNotFound,
)

KNOWN = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, DataOpsError) and each is not DataOpsError
]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput, RequestRejected),
        (NotFound, RequestRejected),
        (DuplicateDataset, RequestRejected),
        (IllegalTransition, RequestRejected),
        (TemplateNotFound, RequestRejected),
        (CameBefore, Conflict),
        (StaleOutcome, Conflict),
        (OutcomeUnknown, SupplierUnavailable),
        (ConnectorNameTaken, SupplierRefused),
        (SupplierLied, SupplierRefused),
        (ArchiveDamaged, SupplierLied),
    ],
)
def test_an_error_tells_what_to_do_by_its_kind(error: type, kind: type) -> None:
    assert issubclass(error, kind)


@pytest.mark.parametrize("error", KNOWN, ids=lambda each: each.__name__)
def test_every_error_stands_in_the_tree_at_the_top(error: type) -> None:
    assert f" {error.__name__} " in str(errors.__doc__)


def test_invalid_input_names_each_wrong_field() -> None:
    wrong = FieldError("stage", "is none of sandbox, pilot, production")

    assert InvalidInput("Two fields are wrong.", [wrong]).errors == (wrong,)


def test_an_unavailable_supplier_may_say_when_to_come_back() -> None:
    error = SupplierUnavailable("Glean asked for a pause.", timedelta(seconds=30))

    assert error.retry_after == timedelta(seconds=30)


def test_a_damaged_archive_tells_what_lies_in_its_place() -> None:
    error = ArchiveDamaged("The archive is damaged.", "ab" * 32, 17)

    assert (error.sha256, error.size_bytes) == ("ab" * 32, 17)
