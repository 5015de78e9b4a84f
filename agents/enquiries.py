"""Enquiries: everything that may be asked and changes nothing, answered in plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from uuid import UUID

from agents import archives
from agents.descriptions import describe_connector, describe_template, object_types
from agents.introductions import require_client
from domain.connector import ConnectorPlace, configure_connector
from domain.errors import NotFound, RequestRejected
from domain.lifecycle import DatasetStatus
from domain.repository import DatasetFilter, Slot
from domain.template import TemplateRequest
from domain.view import describe, describe_approval

if TYPE_CHECKING:
    from agents.discovery import Templates
    from domain.approvals import ApprovalStatus
    from domain.archive_documents import (
        ArchiveDocument,
        ArchivePageDocument,
        ArchiveVerificationDocument,
    )
    from domain.commands import Principal
    from domain.documents import (
        ConnectorDocument,
        DatasetListDocument,
        DatasetPageDocument,
        PreviewDocument,
        ProbeDocument,
        QualityReportDocument,
        SelectionDocument,
        TemplateDocument,
        TemplateListDocument,
        VerdictDocument,
    )
    from domain.journey import Client, JourneyStage
    from domain.journey_documents import ApprovalListDocument
    from domain.ports import Archive, Clock, Journeys
    from domain.repository import Registry
    from domain.search_ports import Connectors


MOST_APPROVALS = 200
"""How many approvals are listed at most."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where enquiries look things up."""

    registry: Registry
    templates: Templates
    connectors: Connectors
    archive: Archive
    journeys: Journeys


class Enquiries:
    """Answers questions about datasets, templates, connectors and archives."""

    def __init__(self, sources: Sources, origin: str, clock: Clock) -> None:
        """Look things up in these sources; `origin` begins the addresses that are shown."""
        self._from = sources
        self._origin = origin
        self._clock = clock

    async def resolve(self, principal: Principal, ref: str) -> UUID:
        """Give the id of a dataset named by id or by connector name. Raises NotFound."""
        return await self._from.registry.dataset_id_of(principal.tenant, ref)

    async def resolve_approval(self, principal: Principal, ref: str) -> UUID:
        """Give the id of an approval, by id or by its dataset's connector name. Raises NotFound."""
        return await self._from.registry.approval_id_of(principal.tenant, ref)

    async def approvals(
        self, principal: Principal, status: ApprovalStatus | None
    ) -> ApprovalListDocument:
        """List the newest approvals of a status; None lists what still waits, the oldest first."""
        registry, tenant = self._from.registry, principal.tenant
        if status is None:
            found = await registry.open_approvals(tenant, MOST_APPROVALS)
        else:
            found = await registry.approvals(tenant, status, MOST_APPROVALS)
        return {"approvals": [describe_approval(each) for each in found]}

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
        self,
        principal: Principal,
        industry: str | None,
        use_case: str | None,
        dataset_type: str | None,
    ) -> TemplateListDocument:
        """List templates, those that match where something is asked for."""
        wanted = {"industry": industry, "use_case": use_case, "dataset_type": dataset_type}
        found = [
            describe_template(each)
            for each in await self._from.templates.all(principal.tenant)
            if all(value in {None, getattr(each, name)} for name, value in wanted.items())
        ]
        return {"templates": found}

    async def template(self, principal: Principal, key: str) -> TemplateDocument:
        """Describe one template in full. Raises NotFound."""
        found = await self._from.templates.template(principal.tenant, key)
        return {
            **describe_template(found),
            "schema": dict(found.schema),
            "object_types": object_types(found.object_types),
            "quality_expectations": dict(found.quality_expectations),
            "expected_fields": list(found.counted_fields),
            "masking": {path: rule.value for path, rule in found.masking.items()},
        }

    async def preview(self, principal: Principal, key: str, count: int) -> PreviewDocument:
        """Show a few of a template's sample records. Raises NotFound."""
        records = await self._from.templates.preview(principal.tenant, key, count)
        return {"template_id": key, "records": [dict(each) for each in records]}

    async def selection(self, principal: Principal, wanted: TemplateRequest) -> SelectionDocument:
        """Tell which template would be chosen, and why. Raises TemplateNotFound."""
        chosen = await self._from.templates.select(principal.tenant, wanted)
        return {
            "template_id": chosen.template.key,
            "match": chosen.level.value,
            "reasons": [each.reason for each in chosen.hops],
            "candidates": {each.level.value: list(each.candidates) for each in chosen.hops},
        }

    async def connector(
        self,
        principal: Principal,
        client_ref: str,
        stage: JourneyStage,
        dataset_type: str,
        *,
        journey_ref: str | None = None,
    ) -> ConnectorDocument:
        """Show the connector configuration a dataset would get; nothing is created.

        Raises:
            NotFound: nobody knows the client; one without any dataset is known by its journey.
            RequestRejected: the journey is another client's.
        """
        client = await self._client(principal, client_ref, journey_ref)
        wanted = TemplateRequest(client.industry, client.use_case, dataset_type)
        chosen = await self._from.templates.select(principal.tenant, wanted)
        slot = Slot(client.client_id, stage, dataset_type)
        async with self._from.registry.transaction(principal) as transaction:
            generation = await transaction.next_generation(slot)
        place = self._unborn(principal, client, slot, generation)
        return describe_connector(configure_connector(place, chosen.template), chosen.template.key)

    async def _client(
        self, principal: Principal, client_ref: str, journey_ref: str | None
    ) -> Client:
        """Ask Journey Orchestration where a journey is named, and else our own registry."""
        if journey_ref is not None:
            journey = await self._from.journeys.journey(principal.tenant, journey_ref)
            require_client(journey, client_ref)
            return journey.client
        try:
            return await self._from.registry.client(principal.tenant, client_ref)
        except NotFound as unknown:
            message = (
                f"No dataset of a client {client_ref!r} was ever asked for here. Name one of its "
                "journeys too, as journey_id."
            )
            raise NotFound(message) from unknown

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
        """Read a dataset's archive back; compare its digest and its lock with what was promised.

        Raises:
            NotFound: there is none, or its time was up and it was purged.
            SupplierLied: it is gone, and should be there.
        """
        dataset = await self._from.registry.dataset(principal.tenant, dataset_id)
        return await archives.verify(self._from.archive, dataset, self._clock())

    async def archives(
        self, principal: Principal, size: int, token: str | None
    ) -> ArchivePageDocument:
        """Describe a page of archives, those of the newest datasets first, tombstones as well."""
        wanted = DatasetFilter(status=DatasetStatus.ARCHIVED)
        page = await self._from.registry.datasets(principal.tenant, wanted, size, token)
        shown = [archives.describe_archive(each) for each in page.datasets]
        return {"archives": shown, "next_page_token": page.next_token}

    async def archive(self, principal: Principal, dataset_id: UUID) -> ArchiveDocument:
        """Describe a dataset's archive, or its tombstone. Raises NotFound where there is none."""
        dataset = await self._from.registry.dataset(principal.tenant, dataset_id)
        return archives.describe_archive(dataset)

    async def archive_content(self, principal: Principal, dataset_id: UUID) -> bytes:
        """Give an archive's bytes, compared with its digest.

        Raises:
            NotFound: there is none, or it was purged.
            SupplierLied: it is gone or damaged, and should be there.
        """
        dataset = await self._from.registry.dataset(principal.tenant, dataset_id)
        return await archives.sealed_content(self._from.archive, dataset)

    def _unborn(
        self, principal: Principal, client: Client, slot: Slot, generation: int
    ) -> ConnectorPlace:
        """Give the place of a dataset that nobody has asked for yet, and that has no id."""
        return ConnectorPlace(
            client_id=client.client_id,
            client_code=client.code,
            stage=slot.stage,
            dataset_type=slot.dataset_type,
            generation=generation,
            dataset_id=UUID(int=0),
            origin=self._origin,
            tenant=principal.tenant,
        )
