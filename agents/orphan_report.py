"""The report of a scan for orphans: what would end, why, and since when that has been seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.lifecycle import TeardownReason
from domain.orphans import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agents.orphan_scan import Scan
    from domain.orphan_documents import (
        OrphanDocument,
        OrphanReportDocument,
        StrayDocument,
        SuspicionDocument,
    )
    from domain.orphans import Candidate, Stray
    from domain.rules import LifecycleRules


def describe_orphans(
    scan: Scan, strays: Sequence[Stray], rules: LifecycleRules, now: datetime
) -> OrphanReportDocument:
    """Describe what a cleanup would do just now."""
    suspects = scan.judgement.suspects
    seen = [each for each in scan.fleet.candidates if each.dataset_id in suspects]
    return {
        "looked_at": len(scan.fleet.candidates),
        "orphans": [_orphan(each, _fate(each, scan, rules), now) for each in seen],
        "strays": [_stray(each, now) for each in strays],
    }


def _orphan(candidate: Candidate, fate: Fate, now: datetime) -> OrphanDocument:
    why = f"Journey {candidate.journey_ref} is completed, or unknown to Journey Orchestration."
    return {
        "dataset_id": str(candidate.dataset_id),
        "connector_name": candidate.connector_name,
        "journey_ref": candidate.journey_ref,
        "client_ref": candidate.client_ref,
        "stage": candidate.stage.value,
        "status": candidate.status.value,
        **_suspicion(candidate.suspected_at, fate, why, now),
    }


def _fate(candidate: Candidate, scan: Scan, rules: LifecycleRules) -> Fate:
    judgement = scan.judgement
    if candidate.is_spared:
        return Fate.SPARED
    if candidate.is_asked or candidate.dataset_id in judgement.to_approve:
        return Fate.ASKED
    if candidate.dataset_id not in judgement.orphans:
        return Fate.SUSPECTED
    is_protected = rules.needs_approval(TeardownReason.ORPHAN_CLEANUP, candidate.stage)
    return Fate.ASKED if is_protected else Fate.ENDS


def _stray(stray: Stray, now: datetime) -> StrayDocument:
    holding = stray.holding
    fate = Fate.SUSPECTED if stray.suspected_at is None else Fate.ENDS
    why = f"No dataset accounts for the documents of {holding.datasource}."
    return {
        "datasource": holding.datasource,
        "dataset_id": str(holding.dataset_id),
        "documents": holding.documents,
        **_suspicion(stray.suspected_at, fate, why, now),
    }


def _suspicion(since: datetime | None, fate: Fate, why: str, now: datetime) -> SuspicionDocument:
    return {
        "suspected_since": since.isoformat() if since else None,
        "age_seconds": max(0, int((now - since).total_seconds())) if since else None,
        "fate": fate.value,
        "why": why,
    }
