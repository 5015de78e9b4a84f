"""The ports of what is kept besides datasets: discoveries, and the templates people registered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.catalogue import Discovery, DiscoverySummary
from domain.commands import Principal
from domain.template import DatasetTemplate


class Catalogue(Protocol):
    """Every discovery that was ever made, seen through one tenant at a time."""

    async def keep(self, tenant: str, discovery: Discovery, /) -> None:
        """Keep a discovery; it is never changed."""
        ...

    async def discovery(self, tenant: str, discovery_id: UUID, /) -> Discovery:
        """Give a discovery. Raises NotFound."""
        ...

    async def before(self, tenant: str, discovery: Discovery, /) -> Discovery | None:
        """Give the discovery of the same source that came before; None for the first."""
        ...

    async def newest(
        self, tenant: str, source: str | None, limit: int, /
    ) -> Sequence[DiscoverySummary]:
        """Give at most `limit` discoveries, newest first, of one source where it is named."""
        ...


def order_of(version: str) -> tuple[int, ...]:
    """Give what orders the versions of templates; `version` is numbers with dots between them."""
    return tuple(int(each) for each in version.split("."))


@dataclass(frozen=True, slots=True)
class RegisteredTemplate:
    """A template that was registered here: when, by whom, and whether it was there before."""

    template: DatasetTemplate
    registered_at: datetime
    registered_by: str
    was_there: bool = False


class TemplateShelf(Protocol):
    """The templates that people registered, seen through one tenant at a time."""

    async def put(self, principal: Principal, template: DatasetTemplate, /) -> RegisteredTemplate:
        """Register a template; the same content again is the same registration.

        Raises RequestRejected when its key and version are registered with other content.
        """
        ...

    async def look(self, tenant: str, template: DatasetTemplate, /) -> RegisteredTemplate | None:
        """Tell how a template is registered, None where it is not; nothing is written.

        Raises RequestRejected when its key and version are registered with other content.
        """
        ...

    async def current(self, tenant: str, /) -> Sequence[DatasetTemplate]:
        """Give each registered template in its highest version, by key."""
        ...
