"""The audit trail's entries and checkpoints: the same words are the same bytes, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from domain.audit import (
    GENESIS,
    AuditEntry,
    Checkpoint,
    checkpoints_of,
    link_hash,
    read_checkpoint,
)
from domain.errors import InvalidInput, SupplierLied
from domain.lifecycle import DatasetStatus
from domain.record import canonical_json

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

ENTRY = AuditEntry(
    tenant="default",
    entry_id=UUID(int=1),
    at=AT,
    principal="alice",
    action="DatasetReady",
    correlation="task-1",
    dataset_id=UUID(int=2),
    version=3,
    from_status=DatasetStatus.VALIDATING,
    to_status=DatasetStatus.READY,
    detail={"skill": "validate-dataset"},
)

SEEN = Checkpoint("default", 12, "ab" * 32, AT)

OTHER: dict[str, Any] = {
    "tenant": "globex",
    "entry_id": UUID(int=9),
    "at": AT + timedelta(microseconds=1),
    "principal": "mallory",
    "action": "change",
    "correlation": "task-2",
    "dataset_id": None,
    "version": 4,
    "from_status": None,
    "to_status": DatasetStatus.FAILED,
    "detail": None,
}


@pytest.mark.parametrize("name", OTHER)
def test_an_entry_that_differs_in_anything_has_another_digest(name: str) -> None:
    changed = replace(ENTRY, **{name: OTHER[name]})

    assert changed.digest != ENTRY.digest


def test_every_field_of_an_entry_is_in_its_digest() -> None:
    assert set(OTHER) == set(ENTRY.fields()) == set(AuditEntry.__slots__)


def test_an_entry_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="names no zone"):
        replace(ENTRY, at=datetime(2026, 3, 2))  # noqa: DTZ001 - that is the point


def test_a_place_in_the_chain_is_the_hash_of_its_canonical_json() -> None:
    link = {"sequence": 7, "digest": ENTRY.digest, "prev_hash": GENESIS}

    found = link_hash(7, ENTRY.digest, GENESIS)

    assert found == hashlib.sha256(canonical_json(link)).hexdigest()


def test_a_checkpoint_reads_back_as_it_was() -> None:
    assert read_checkpoint(SEEN.content(), "folder:here") == SEEN


def test_another_chain_of_the_same_size_has_a_checkpoint_elsewhere() -> None:
    other = replace(SEEN, head_hash="cd" * 32)

    assert SEEN.key == "audit/default/000000000012-abababababababab.json"
    assert other.key != SEEN.key


@pytest.mark.parametrize("tenant", ["a/b", "../x", "", "_x", "ä", "a b", "x" * 101])
def test_a_tenant_that_no_archive_takes_as_it_is_goes_by_its_digest(tenant: str) -> None:
    folder = checkpoints_of(tenant)

    assert folder == f"audit/_{hashlib.sha256(tenant.encode()).hexdigest()}"


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"[]",
        b"{}",
        b'"x"',
        b"\xff",
        b"[" * 100_000,
        *(
            json.dumps({**json.loads(SEEN.content()), **each}).encode()
            for each in (
                {"format": "dataops-audit-checkpoint/2"},
                {"size": 0},
                {"size": True},
                {"size": "12"},
                {"head_hash": "ab"},
                {"head_hash": 5},
                {"at": "2026-03-02T09:30:00"},
                {"at": "soon"},
                {"at": None},
            )
        ),
    ],
)
def test_what_is_no_checkpoint_is_refused_by_its_place(wrong: bytes) -> None:
    with pytest.raises(SupplierLied, match="folder:here lies among the checkpoints"):
        read_checkpoint(wrong, "folder:here")


def test_times_are_the_same_words_once_they_are_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=2))).astimezone(UTC)

    assert replace(ENTRY, at=elsewhere).digest == ENTRY.digest
