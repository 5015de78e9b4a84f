"""Consents: the part of the shared repository's ports that keeps approvals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from domain.approvals import Approval, ApprovalStatus
from domain.dataset import Dataset


class ConsentWrites(Protocol):
    """What a transaction does with approvals, in the commit of what asks for them."""

    async def ask(self, approval: Approval, dataset: Dataset, /) -> Approval:
        """Ask for consent to a dataset's teardown: approval, event and audit entry.

        Gives the approval that is pending for the dataset already, where there is one; the
        dataset itself is not changed.
        """
        ...

    async def approval(self, approval_id: UUID, /) -> Approval:
        """Read an approval. Raises NotFound, for another tenant's as well."""
        ...

    async def decide(self, approval: Approval, dataset: Dataset, /) -> None:
        """Write down how an approval of a dataset's teardown was decided, with event and audit.

        What is withdrawn is audited alone. Raises Conflict when somebody decided first.
        """
        ...


class ConsentReads(Protocol):
    """What is read of approvals, each within one tenant."""

    async def approval_id_of(self, tenant: str, ref: str, /) -> UUID:
        """Resolve a reference: a UUID, or the name of a connector for whose end consent was asked.

        Of several the pending one is meant, or else the newest. Raises NotFound.
        """
        ...

    async def open_approvals(self, tenant: str, limit: int, /) -> Sequence[Approval]:
        """Read what waits for consent, oldest first: pending, and its dataset has not ended."""
        ...

    async def approvals(
        self, tenant: str, status: ApprovalStatus | None, limit: int, /
    ) -> Sequence[Approval]:
        """Read approvals, of one status or of all, newest first."""
        ...

    async def approvals_by_id(self, tenant: str, ids: Collection[UUID], /) -> Sequence[Approval]:
        """Read approvals by id, oldest first; unknown ones are left out."""
        ...
