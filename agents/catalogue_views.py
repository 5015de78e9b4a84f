"""Views of the catalogue: discoveries, differences and drafts as they are shown, in plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from domain.catalogue import CataloguedType, Discovery, DiscoverySummary, FieldFacts
    from domain.catalogue_documents import (
        CataloguedTypeDocument,
        DifferenceDocument,
        DiscoveryDocument,
        DiscoverySummaryDocument,
        DraftDocument,
        FieldDocument,
        ScanDocument,
    )
    from domain.difference import Difference
    from domain.drafts import Draft


def summarize(discovery: DiscoverySummary) -> DiscoverySummaryDocument:
    """Describe a discovery in a few fields."""
    return {
        "discovery_id": str(discovery.discovery_id),
        "source": discovery.source,
        "kind": discovery.source.partition(":")[0],
        "discovered_at": discovery.discovered_at.isoformat(),
        "discovered_by": discovery.discovered_by,
        "digest": discovery.digest,
        "record_count": discovery.report.record_count,
        "broken_count": discovery.report.broken_count,
        "dataset_types": list(discovery.dataset_types),
    }


def describe_discovery(discovery: Discovery) -> DiscoveryDocument:
    """Describe a discovery in full."""
    return {
        **summarize(discovery.summary),
        "types": [_type(each) for each in discovery.types],
        "scan": _scan(discovery),
    }


def describe_difference(
    discovery_id: UUID, since: UUID | None, found: Difference
) -> DifferenceDocument:
    """Describe what has changed since an earlier discovery."""
    return {
        "discovery_id": str(discovery_id),
        "since": None if since is None else str(since),
        "types_added": list(found.types_added),
        "types_removed": list(found.types_removed),
        "changes": [
            {
                "dataset_type": each.dataset_type,
                "path": each.path,
                "change": each.kind.value,
                "before": each.before,
                "after": each.after,
            }
            for each in found.changes
        ],
    }


def describe_draft(draft: Draft) -> DraftDocument:
    """Describe a draft."""
    return {
        "dataset_type": draft.dataset_type,
        "pack": dict(draft.pack),
        "sample_queries": [
            {"query": each.query, "expected_id": each.expected_id} for each in draft.sample_queries
        ],
        "fill_in": [{"field": each.field, "why": each.why} for each in draft.fill_in],
    }


def _type(found: CataloguedType) -> CataloguedTypeDocument:
    return {
        "dataset_type": found.dataset_type,
        "record_count": found.record_count,
        "object_types": list(found.object_types),
        "digest": found.digest,
        "schema": dict(found.schema),
        "fields": [_field(each) for each in found.fields],
    }


def _field(facts: FieldFacts) -> FieldDocument:
    shown: FieldDocument = {
        "path": facts.path,
        "presence": float(facts.presence),
        "types": dict(facts.types),
        "distinct": facts.distinct,
        "is_distinct_exact": facts.is_distinct_exact,
        "format": facts.format,
        "values": list(facts.values),
    }
    if facts.least is not None and facts.most is not None:
        shown["least"], shown["most"] = facts.least, facts.most
    if facts.shortest is not None and facts.longest is not None:
        shown["shortest"], shown["longest"] = facts.shortest, facts.longest
    return shown


def _scan(discovery: Discovery) -> ScanDocument:
    report = discovery.report
    return {
        "record_count": report.record_count,
        "size_bytes": report.size_bytes,
        "broken_count": report.broken_count,
        "broken": [
            {"file": each.file, "line": each.line, "reason": each.reason} for each in report.broken
        ],
        "stopped_by": report.stopped_by,
        "values_left_out": report.values_left_out,
        "notes": list(report.notes),
    }
