"""Watching datasets: each change is told once, until all have come to rest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from domain.lifecycle import DatasetStatus
from service.cli import show
from service.cli.ending import ExitCode, Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.cli.remote import Remote

POLL_SECONDS = 0.5
"""How long a change may wait to be seen."""

_RESTING = frozenset(
    {
        DatasetStatus.READY,
        DatasetStatus.FAILED,
        DatasetStatus.TEARDOWN,
        DatasetStatus.ARCHIVED,
    }
)


def watch(remote: Remote, refs: Sequence[str], *, as_json: bool) -> None:
    """Tell every change of these datasets until none is on its way any more.

    Raises:
        Stopped: one of them is FAILED, unknown, or the service is out of reach.
    """
    told: dict[str, str] = {}
    while True:
        found = [remote.get(f"/api/v1/datasets/{each}") for each in refs]
        for dataset in found:
            _tell(dataset, told, as_json=as_json)
        if all(each["status"] in _RESTING for each in found):
            break
        time.sleep(POLL_SECONDS)
    _require_none_failed(found)


def _tell(dataset: dict[str, Any], told: dict[str, str], *, as_json: bool) -> None:
    name, status = dataset["dataset_id"], dataset["status"]
    if told.get(name) == status:
        return
    told[name] = status
    if as_json:
        show.document(dataset)
    else:
        score = dataset.get("quality_score")
        scored = f", quality {show.share(score)}" if score is not None else ""
        show.line(f"{dataset['connector_name']} is {status}{scored}")


def _require_none_failed(found: Sequence[dict[str, Any]]) -> None:
    failed = [each for each in found if each["status"] == DatasetStatus.FAILED]
    if failed:
        name = failed[0]["connector_name"]
        why = str(failed[0].get("error") or failed[0].get("decided_by") or "")
        raise Stopped(
            ExitCode.NOT_READY, f"{name} is failed.", why, f"dataops datasets show {name}"
        )
