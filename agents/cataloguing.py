"""Cataloguing: existing datasets are looked through, and what they are made of is kept."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from agents.catalogue_views import (
    describe_difference,
    describe_discovery,
    describe_draft,
    summarize,
)
from domain.catalogue import Discovery, ScannedPage, SourceKind, read_source
from domain.difference import Difference, compare
from domain.drafts import LEAST_QUERIES, draft_pack, type_named
from domain.errors import NotFound, RequestRejected
from domain.findings import Findings, ScanLimits
from domain.journey import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from agents.discovery import Templates
    from domain.catalogue import Source
    from domain.catalogue_documents import (
        DifferenceDocument,
        DiscoveredDocument,
        DiscoveryDocument,
        DiscoveryListDocument,
    )
    from domain.commands import Principal
    from domain.drafts import Draft
    from domain.keeping import Catalogue
    from domain.ports import Clock, Folders
    from domain.repository import Registry
    from domain.search_ports import Datasources
    from domain.template import DatasetTemplate

MOST_LISTED = 100
"""The most discoveries one list holds."""

_OURS = re.compile(r"/datasets/([0-9a-f-]{36})$")
"""How the home page of a datasource ends that a dataset fills: our mark on it."""

_NOTHING_CHANGED = Difference((), (), ())


@dataclass(frozen=True, slots=True)
class Scannable:
    """Where existing datasets are: behind Glean, in folders, and at the supplier."""

    registry: Registry
    datasources: Datasources
    folders: Folders
    templates: Templates


@dataclass(frozen=True, slots=True)
class _Look:
    """One look through a source: what was found, and which limit ended it, if one did.

    `template` is the supplier's whose samples were looked through, where they were.
    """

    source: Source
    template: DatasetTemplate | None
    findings: Findings
    stopped_by: str | None


class Cataloguer:
    """Discovers datasets and keeps the catalogue (seed: schema extraction, catalog maintenance)."""

    def __init__(
        self,
        sources: Scannable,
        catalogue: Catalogue,
        clock: Clock,
        ids: Callable[[], UUID],
        limits: ScanLimits | None = None,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        """Look through these sources and keep what was found in this catalogue.

        `monotonic` tells seconds that only ever grow: a scan's time is measured by it.
        """
        self._from = sources
        self._catalogue = catalogue
        self._clock = clock
        self._ids = ids
        self._limits = limits or ScanLimits()
        self._monotonic = monotonic

    async def discover(self, principal: Principal, source: str) -> DiscoveredDocument:
        """Look through a source, keep what was found, and tell what has changed since last time.

        Raises:
            NotFound: the source is not there, or not this tenant's.
            RequestRejected: there is not one record in it.
        """
        look = await self._look(principal, read_source(source))
        discovery = self._discovery(principal, look)
        if not discovery.types:
            raise RequestRejected(_nothing_in(discovery))
        await self._catalogue.keep(principal.tenant, discovery)
        return {
            **describe_discovery(discovery),
            "difference": await self._since(principal, discovery, None),
            "drafts": [describe_draft(each) for each in _drafts(look, discovery)],
        }

    async def discoveries(
        self, principal: Principal, source: str | None, limit: int
    ) -> DiscoveryListDocument:
        """List discoveries, newest first, of one source where it is named."""
        found = await self._catalogue.newest(principal.tenant, source, limit)
        return {"discoveries": [summarize(each) for each in found]}

    async def discovery(self, principal: Principal, discovery_id: UUID) -> DiscoveryDocument:
        """Show one discovery in full. Raises NotFound."""
        return describe_discovery(await self._catalogue.discovery(principal.tenant, discovery_id))

    async def difference(
        self, principal: Principal, discovery_id: UUID, since: UUID | None
    ) -> DifferenceDocument:
        """Tell what has changed since another discovery, by default the one before of its source.

        Raises:
            NotFound: one of the two is not there.
        """
        found = await self._catalogue.discovery(principal.tenant, discovery_id)
        return await self._since(principal, found, since)

    async def _since(
        self, principal: Principal, found: Discovery, since: UUID | None
    ) -> DifferenceDocument:
        tenant = principal.tenant
        earlier = (
            await self._catalogue.before(tenant, found)
            if since is None
            else await self._catalogue.discovery(tenant, since)
        )
        if earlier is None:
            return describe_difference(found.discovery_id, None, _NOTHING_CHANGED)
        difference = compare(earlier, found)
        return describe_difference(found.discovery_id, earlier.discovery_id, difference)

    async def _look(self, principal: Principal, source: Source) -> _Look:
        """Go through a source until it ends or a limit is reached."""
        findings, stopped_by = Findings(self._limits), None
        started = self._monotonic()
        is_sample = source.kind is SourceKind.SAMPLES
        template = await self._from.templates.suppliers(source.name) if is_sample else None
        async with aclosing(self._pages(principal, source, template)) as pages:
            async for page in pages:
                findings.take(page)
                stopped_by = findings.limit_reached(self._monotonic() - started)
                if stopped_by is not None:
                    break
        return _Look(source, template, findings, stopped_by)

    def _pages(
        self, principal: Principal, source: Source, template: DatasetTemplate | None
    ) -> AsyncGenerator[ScannedPage, None]:
        if template is not None:
            return self._samples(template)
        if source.kind is SourceKind.FOLDER:
            return self._from.folders.scan(principal.tenant, source.name)
        return self._documents(principal, source.name)

    async def _samples(self, template: DatasetTemplate) -> AsyncGenerator[ScannedPage, None]:
        records = await self._from.templates.samples(template)
        yield ScannedPage([(template.dataset_type, each) for each in records])

    async def _documents(
        self, principal: Principal, name: str
    ) -> AsyncGenerator[ScannedPage, None]:
        datasource, dataset_type = await self._datasource(principal, name)
        note = "A search shows a document's title and dates, not its text: the schema is of those."
        async with aclosing(self._from.datasources.documents(datasource)) as pages:
            async for records in pages:
                yield ScannedPage([(dataset_type, each) for each in records], notes=(note,))

    async def _datasource(self, principal: Principal, name: str) -> tuple[str, str]:
        """Give a datasource and its type; one that a dataset of another tenant fills is not there.

        Raises:
            NotFound: neither a connector of ours nor a datasource has the name.
        """
        registry, tenant = self._from.registry, principal.tenant
        try:
            dataset = await registry.dataset(tenant, await registry.dataset_id_of(tenant, name))
        except NotFound:
            return await self._foreign(principal, name)
        if dataset.connector is None:
            raise NotFound(f"{dataset.name} is {dataset.status} and has no connector yet.")
        return dataset.connector.datasource, dataset.place.dataset_type

    async def _foreign(self, principal: Principal, name: str) -> tuple[str, str]:
        """Give a datasource that no connector of the tenant is called by.

        What bears no mark of ours says of nobody whose it is, and so is the default tenant's, as
        strays are and folders that are not parted.
        """
        marked = _OURS.search(await self._from.datasources.home_of(name))
        registry, tenant = self._from.registry, principal.tenant
        if marked is None:
            if tenant != DEFAULT_TENANT:
                raise _hidden(name)
            return name, type_named(name)
        try:
            dataset = await registry.dataset(tenant, UUID(marked[1]))
        except (NotFound, ValueError) as unknown:
            raise _hidden(name) from unknown
        return name, dataset.place.dataset_type

    def _discovery(self, principal: Principal, look: _Look) -> Discovery:
        return Discovery(
            discovery_id=self._ids(),
            source=str(look.source),
            discovered_at=self._clock(),
            discovered_by=principal.subject,
            types=look.findings.types(),
            report=look.findings.report(look.stopped_by),
        )


def _drafts(look: _Look, discovery: Discovery) -> list[Draft]:
    return [
        draft_pack(
            look.source,
            each,
            look.findings.queries(each.dataset_type, LEAST_QUERIES),
            look.template,
        )
        for each in discovery.types
    ]


def _hidden(name: str) -> NotFound:
    return NotFound(
        f"There is no datasource {name!r} that you may look through. Name one that a dataset of "
        f"yours fills; those that no dataset fills are for the tenant {DEFAULT_TENANT} alone."
    )


def _nothing_in(discovery: Discovery) -> str:
    report = discovery.report
    broken = "".join(f" {each.file} line {each.line}: {each.reason}." for each in report.broken[:3])
    notes = "".join(f" {each}" for each in report.notes[:3])
    return (
        f"There is not one record in {discovery.source}, and {report.broken_count} lines are "
        f"broken.{broken}{notes} Nothing was kept."
    )
