"""The audit trail as callers see it: its entries, what came of looking through it, and when."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TypedDict

import structlog

from domain.documents import Count, Id, Moment, Ordinal, Status
from domain.record import JsonObject
from domain.shape import OneOf
from domain.tampering import Tampering

if TYPE_CHECKING:
    from datetime import datetime

    from agents.auditor import Auditor
    from domain.audit import ChainedEntry
    from domain.tampering import Verdict
    from service.schedules import Schedules

log = structlog.get_logger("audit")

AFTER_TEARDOWNS = "*/5 * * * *"
"""When it is looked whether teardowns have ended, so that a checkpoint holds their end."""

_LOOKS_BACK = timedelta(minutes=15)
"""How far back that looks: a commit may take a while, and the same checkpoint twice is one."""


class AuditEntryDocument(TypedDict):
    """An entry of the audit trail in its place; what is no dataset's has none, and no status."""

    sequence: Ordinal
    entry_id: Id
    at: Moment
    principal: str
    action: str
    correlation: str
    dataset_id: Id | None
    version: Count | None
    from_status: Status | None
    to_status: Status | None
    detail: JsonObject | None
    digest: str
    prev_hash: str
    hash: str


class AuditPageDocument(TypedDict):
    """Entries in order, and behind which number the next page begins."""

    entries: Sequence[AuditEntryDocument]
    next_after: int | None


class TamperingDocument(TypedDict):
    """What is wrong with which entries, `first` to `last`, 0 where it is not about entries."""

    kind: Annotated[str, OneOf(Tampering)]
    first: Count
    last: Count
    message: str


class AuditVerdictDocument(TypedDict):
    """What came of looking through a trail, how long it took, and how many findings are left out."""

    tenant: str
    intact: bool
    entries: Count
    head_hash: str | None
    checkpoints: Count
    findings: Sequence[TamperingDocument]
    findings_left_out: Count
    seconds: float
    entries_per_second: Count


def entry_document(link: ChainedEntry) -> AuditEntryDocument:
    """Show an entry in its place."""
    entry = link.entry
    return {
        "sequence": link.sequence,
        "entry_id": str(entry.entry_id),
        "at": entry.at.isoformat(),
        "principal": entry.principal,
        "action": entry.action,
        "correlation": entry.correlation,
        "dataset_id": None if entry.dataset_id is None else str(entry.dataset_id),
        "version": entry.version,
        "from_status": entry.from_status,
        "to_status": entry.to_status,
        "detail": entry.detail,
        "digest": link.digest,
        "prev_hash": link.prev_hash,
        "hash": link.hash,
    }


async def verified(auditor: Auditor, tenant: str) -> AuditVerdictDocument:
    """Look through a tenant's trail, and tell what was found and how quickly."""
    began = time.perf_counter()
    verdict = await auditor.verify(tenant)
    seconds = time.perf_counter() - began
    return _verdict_document(verdict, seconds)


def keep_checkpoints(schedules: Schedules, auditor: Auditor, expression: str) -> None:
    """Keep checkpoints at the moments of a cron expression, and soon after teardowns have ended."""

    async def keep(tick: datetime) -> None:
        log.info("checkpoints.kept", tenants=await auditor.keep_checkpoints(tick))

    async def keep_after_teardowns(tick: datetime) -> None:
        kept = await auditor.keep_checkpoints_after_teardowns(tick - _LOOKS_BACK, tick)
        if kept:
            log.info("checkpoints.kept", tenants=kept)

    schedules.every(expression, "audit-checkpoints", keep)
    schedules.every(AFTER_TEARDOWNS, "audit-checkpoints-after-teardowns", keep_after_teardowns)


def _verdict_document(verdict: Verdict, seconds: float) -> AuditVerdictDocument:
    return {
        "tenant": verdict.tenant,
        "intact": verdict.is_intact,
        "entries": verdict.entries,
        "head_hash": verdict.head_hash,
        "checkpoints": verdict.checkpoints,
        "findings": [
            {
                "kind": each.kind.value,
                "first": each.first,
                "last": each.last,
                "message": each.message,
            }
            for each in verdict.findings
        ],
        "findings_left_out": verdict.left_out,
        "seconds": round(seconds, 6),
        "entries_per_second": round(verdict.entries / seconds) if seconds else 0,
    }
