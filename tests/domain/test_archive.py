"""Archives: one content, one key, and kept as long as promised."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from domain.archive import Dossier, locked_until, retain_until
from tests.domain.making import (
    DATASET_ID,
    NOW,
)


def a_dossier(**changes: Any) -> Dossier:
    fields: dict[str, Any] = {
        "dataset_id": DATASET_ID,
        "configuration": {"connector_name": "ACME-sandbox-confluence", "stage": "sandbox"},
        "quality_history": ({"run": 1, "quality_score": 0.995},),
        "usage": {"queries": None},
        "events": ({"sequence": 1, "name": "DatasetReady"},),
    }
    return Dossier(**(fields | changes))


def test_a_dossier_holds_what_the_seed_archives() -> None:
    document = json.loads(a_dossier().content())

    assert document == {
        "format": "dataops-archive/1",
        "dataset_id": str(DATASET_ID),
        "configuration": {"connector_name": "ACME-sandbox-confluence", "stage": "sandbox"},
        "quality_history": [{"run": 1, "quality_score": 0.995}],
        "usage": {"queries": None},
        "events": [{"sequence": 1, "name": "DatasetReady"}],
        "events_left_out": 0,
    }


def test_the_same_dossier_is_the_same_bytes_under_the_same_key() -> None:
    turned = a_dossier(
        configuration={"stage": "sandbox", "connector_name": "ACME-sandbox-confluence"}
    )

    assert (turned.key, turned.content()) == (a_dossier().key, a_dossier().content())


def test_another_dossier_of_the_dataset_has_another_key() -> None:
    other = a_dossier(quality_history=())

    assert other.key != a_dossier().key
    assert other.key.split("/")[0] == str(DATASET_ID)
    assert other.key.endswith(".json")


def test_the_lock_covers_grace_and_retention() -> None:
    until = locked_until(NOW, timedelta(hours=24), timedelta(days=90))

    assert until == NOW + timedelta(days=91)


def test_retention_counts_from_the_archiving() -> None:
    assert retain_until(NOW, timedelta(days=90)) == NOW + timedelta(days=90)
