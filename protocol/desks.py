"""The desks: whom the skills ask, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from domain.approvals import ApprovalStatus
    from domain.commands import (
        Call,
        Command,
        Principal,
        ProvisionDatasets,
        Request,
        ResolveApproval,
    )
    from domain.journey import JourneyStage
    from domain.orphan_documents import OrphanReportDocument
    from domain.record import JsonObject
    from domain.repository import DatasetFilter
    from domain.template import TemplateRequest
    from protocol.cataloguing import Cataloguing, Registering


class PlanDocument(Protocol):
    """A plan, as far as it is shown."""

    def document(self) -> JsonObject:
        """Give the plan as one JSON object."""
        ...


class FrontDesk(Protocol):
    """Whoever takes commands in."""

    async def perform(self, command: Command, call: Call) -> Request:
        """Carry a command out and give the request it became."""
        ...

    async def plan(self, command: ProvisionDatasets, principal: Principal) -> PlanDocument:
        """Tell what a request would do."""
        ...

    async def orphans(self, principal: Principal) -> OrphanReportDocument:
        """Tell what a cleanup of orphans would do."""
        ...

    async def resolve(self, command: ResolveApproval, principal: Principal) -> None:
        """Decide an approval that a task waits for."""
        ...

    async def cancel(self, request: Request) -> Request:
        """Call a request off; gives it as it stands then."""
        ...


class Enquiries(Protocol):
    """Whoever answers what changes nothing."""

    async def resolve(self, principal: Principal, ref: str) -> UUID:
        """Give the id of a dataset named by id or by connector name."""
        ...

    async def resolve_approval(self, principal: Principal, ref: str) -> UUID:
        """Give the id of an approval named by id or by its dataset's connector name."""
        ...

    async def approvals(self, principal: Principal, status: ApprovalStatus | None) -> JsonObject:
        """List approvals of a status; None lists what still waits for somebody."""
        ...

    async def dataset(self, principal: Principal, dataset_id: UUID) -> JsonObject:
        """Describe one dataset."""
        ...

    async def datasets(
        self, principal: Principal, wanted: DatasetFilter, size: int, token: str | None
    ) -> JsonObject:
        """Describe a page of datasets."""
        ...

    async def templates(
        self,
        principal: Principal,
        industry: str | None,
        use_case: str | None,
        dataset_type: str | None,
    ) -> JsonObject:
        """List templates."""
        ...

    async def template(self, principal: Principal, key: str) -> JsonObject:
        """Describe one template."""
        ...

    async def preview(self, principal: Principal, key: str, count: int) -> JsonObject:
        """Show sample records."""
        ...

    async def selection(self, principal: Principal, wanted: TemplateRequest) -> JsonObject:
        """Tell which template would be chosen, and why."""
        ...

    async def connector(
        self,
        principal: Principal,
        client_ref: str,
        stage: JourneyStage,
        dataset_type: str,
        *,
        journey_ref: str | None = None,
    ) -> JsonObject:
        """Show a connector configuration."""
        ...

    async def check_connector(self, principal: Principal, dataset_id: UUID) -> JsonObject:
        """Knock at a connector."""
        ...

    async def quality_report(
        self, principal: Principal, dataset_id: UUID, run: int | None
    ) -> JsonObject:
        """Show one validation."""
        ...

    async def verify_archive(self, principal: Principal, dataset_id: UUID) -> JsonObject:
        """Read an archive back and compare."""
        ...

    async def archives(self, principal: Principal, size: int, token: str | None) -> JsonObject:
        """Describe a page of archives."""
        ...

    async def archive(self, principal: Principal, dataset_id: UUID) -> JsonObject:
        """Describe one archive."""
        ...

    async def archive_content(self, principal: Principal, dataset_id: UUID) -> bytes:
        """Give an archive's bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Desks:
    """Whom the skills ask."""

    front: FrontDesk
    enquiries: Enquiries
    catalogue: Cataloguing
    templates: Registering
