"""Enquiries: everything that may be asked and changes nothing, answered in plain JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from domain.connector import ConnectorPlace, configure_connector
from domain.errors import NotFound, RequestRejected
from domain.repository import DatasetFilter, Slot
from domain.template import TemplateRequest
from domain.view import describe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from agents.discovery import Templates
    from domain.commands import Principal
    from domain.connector import ConnectorConfiguration
    from domain.documents import (
        ArchiveVerificationDocument,
        ConnectorDocument,
        DatasetListDocument,
        DatasetPageDocument,
        ObjectTypeDocument,
        PreviewDocument,
        ProbeDocument,
        QualityReportDocument,
        SelectionDocument,
        TemplateDocument,
        TemplateListDocument,
        TemplateSummaryDocument,
        VerdictDocument,
    )
    from domain.journey import Client, JourneyStage
    from domain.ports import Archive, Connectors
    from domain.repository import Registry
    from domain.template import DatasetTemplate, ObjectType


@dataclass(frozen=True, slots=True)
class Sources:
    """Where enquiries look things up."""

    registry: Registry
    templates: Templates
    connectors: Connectors
    archive: Archive


class Enquiries:
    """Answers questions about datasets, templates, connectors and archives."""

    def __init__(self, sources: Sources, origin: str) -> None:
        """Look things up in these sources; `origin` begins the addresses that are shown."""
        self._from = sources
        self._origin = origin

    async def resolve(self, principal: Principal, ref: str) -> UUID:
        """Give the id of a dataset named by id or by connector name. Raises NotFound."""
        return await self._from.registry.dataset_id_of(principal.tenant, ref)

    async def dataset(self, principal: Principal, dataset_id: UUID) -> DatasetListDocument:
        """Describe one dataset. Raises NotFound."""
        found = await self._from.registry.dataset(principal.tenant, dataset_id)
        return {"datasets": [describe(found)]}

    async def datasets(
        self, principal: Principal, wanted: DatasetFilter, size: int, token: str | None
    ) -> DatasetPageDocument:
        """Describe a page of datasets, newest first."""
        page = await self._from.registry.datasets(principal.tenant, wanted, size, token)
        shown = [describe(each) for each in page.datasets]
        return {"datasets": shown, "next_page_token": page.next_token}

    async def templates(
        self, industry: str | None, use_case: str | None, dataset_type: str | None
    ) -> TemplateListDocument:
        """List templates, those that match where something is asked for."""
        wanted = {"industry": industry, "use_case": use_case, "dataset_type": dataset_type}
        found = [
            describe_template(each)
            for each in await self._from.templates.all()
            if all(value in {None, getattr(each, name)} for name, value in wanted.items())
        ]
        return {"templates": found}

    async def template(self, key: str) -> TemplateDocument:
        """Describe one template in full. Raises NotFound."""
        found = await self._from.templates.template(key)
        return {
            **describe_template(found),
            "schema": dict(found.schema),
            "object_types": _object_types(found.object_types),
            "quality_expectations": dict(found.quality_expectations),
            "expected_fields": list(found.counted_fields),
        }

    async def preview(self, key: str, count: int) -> PreviewDocument:
        """Show a few of a template's sample records. Raises NotFound."""
        records = await self._from.templates.preview(key, count)
        return {"template_id": key, "records": [dict(each) for each in records]}

    async def selection(self, wanted: TemplateRequest) -> SelectionDocument:
        """Tell which template would be chosen, and why. Raises TemplateNotFound."""
        chosen = await self._from.templates.select(wanted)
        return {
            "template_id": chosen.template.key,
            "match": chosen.level.value,
            "reasons": [each.reason for each in chosen.hops],
            "candidates": {each.level.value: list(each.candidates) for each in chosen.hops},
        }

    async def connector(
        self, principal: Principal, client_ref: str, stage: JourneyStage, dataset_type: str
    ) -> ConnectorDocument:
        """Show the connector configuration a dataset would get; nothing is created."""
        client = await self._from.registry.client(principal.tenant, client_ref)
        wanted = TemplateRequest(client.industry, client.use_case, dataset_type)
        chosen = await self._from.templates.select(wanted)
        slot = Slot(client.client_id, stage, dataset_type)
        async with self._from.registry.transaction(principal) as transaction:
            generation = await transaction.next_generation(slot)
        place = _place(client, slot, generation, self._origin)
        return _connector(configure_connector(place, chosen.template), chosen.template.key)

    async def check_connector(self, principal: Principal, dataset_id: UUID) -> ProbeDocument:
        """Knock at a dataset's connector now. Raises RequestRejected where there is none yet."""
        dataset = await self._from.registry.dataset(principal.tenant, dataset_id)
        if dataset.connector is None:
            message = f"{dataset.name} is {dataset.status} and has no connector yet."
            raise RequestRejected(message)
        probe = await self._from.connectors.probe(dataset.connector, thorough=True)
        return {
            "dataset_id": str(dataset_id),
            "connector_name": dataset.connector.connector_name,
            "connected": probe.connected,
            "authenticated": probe.authenticated,
            "response_time_ms": probe.response_time_ms,
            "message": probe.message,
        }

    async def quality_report(
        self, principal: Principal, dataset_id: UUID, run: int | None
    ) -> QualityReportDocument:
        """Show one validation, the last unless named, and how many there were."""
        runs = await self._from.registry.quality_history(principal.tenant, dataset_id)
        chosen = [each for each in runs if run is None or each.run == run]
        if not chosen:
            message = f"Dataset {dataset_id} has {len(runs)} validations and no run {run or 1}."
            raise NotFound(message)
        last = chosen[-1]
        return {
            **cast("VerdictDocument", last.verdict),
            "dataset_id": str(dataset_id),
            "run": last.run,
            "runs": len(runs),
            "executed_at": last.executed_at.isoformat(),
        }

    async def verify_archive(
        self, principal: Principal, dataset_id: UUID
    ) -> ArchiveVerificationDocument:
        """Read a dataset's archive back and compare its digest. Raises NotFound without one."""
        dataset = await self._from.registry.dataset(principal.tenant, dataset_id)
        receipt = dataset.archive
        if receipt is None:
            message = f"{dataset.name} is {dataset.status} and has no archive."
            raise NotFound(message)
        content = await self._from.archive.read(receipt.location)
        actual = hashlib.sha256(content).hexdigest()
        return {
            "dataset_id": str(dataset_id),
            "location": receipt.location,
            "size_bytes": len(content),
            "expected_sha256": receipt.sha256,
            "actual_sha256": actual,
            "verified": actual == receipt.sha256,
            "locked_until": receipt.locked_until.isoformat(),
        }


def describe_template(template: DatasetTemplate) -> TemplateSummaryDocument:
    """Describe a template in a few fields."""
    low, high = template.record_count_range
    return {
        "template_id": template.key,
        "name": template.name,
        "industry": template.industry,
        "use_case": template.use_case,
        "dataset_type": template.dataset_type,
        "version": template.version,
        "digest": template.digest,
        "record_count": template.record_count,
        "record_count_range": [low, high],
        "content_mix": [
            {"name": each.name, "percent": each.percent} for each in template.content_mix
        ],
        "topics": list(template.topics),
        "languages": list(template.languages),
        "industries": list(template.industries),
    }


def _place(client: Client, slot: Slot, generation: int, origin: str) -> ConnectorPlace:
    return ConnectorPlace(
        client_id=client.client_id,
        client_code=client.code,
        stage=slot.stage,
        dataset_type=slot.dataset_type,
        generation=generation,
        dataset_id=client.client_id,
        origin=origin,
    )


def _connector(made: ConnectorConfiguration, template_id: str) -> ConnectorDocument:
    """Describe a configuration; the ids of a dataset that is not there are left out."""
    source = made.datasource_config
    return {
        "connector_id": str(made.connector_id),
        "connector_name": made.connector_name,
        "datasource": made.datasource,
        "generation": made.generation,
        "category": made.category,
        "object_types": _object_types(made.object_types),
        "is_test": made.is_test,
        "datasource_config": {
            "type": source.type,
            "url": source.url,
            "crawl_settings": source.crawl_settings,
            "sync_schedule": source.sync_schedule.value,
        },
        "authentication": {
            "type": made.authentication.type.value,
            "credentials": made.authentication.credentials,
        },
        "filters": {
            "include_patterns": made.filters.include_patterns,
            "exclude_patterns": made.filters.exclude_patterns,
            "max_documents": made.filters.max_documents,
        },
        "permissions": made.permissions.value,
        "status": made.status,
        "template_id": template_id,
    }


def _object_types(types: Sequence[ObjectType]) -> list[ObjectTypeDocument]:
    return [{"name": each.name, "category": each.category} for each in types]
