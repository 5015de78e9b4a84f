"""The discovery agent: it knows the templates and finds the one that fits best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.answering import answer, misdirected
from domain.errors import NotFound
from domain.template import GENERIC, DatasetTemplate, Selection, TemplateRequest, select_template
from domain.work import AgentName, FindTemplate, TemplateFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.keeping import TemplateShelf
    from domain.ports import Clock, MockData, OnProgress
    from domain.record import Record
    from domain.work import Order, Outcome


class Templates:
    """The templates a tenant may choose from: those registered here first, then the supplier's.

    A registered one takes the place of the supplier's of the same key.
    """

    def __init__(self, supplier: MockData, registered: TemplateShelf | None = None) -> None:
        """Read from this supplier, anew each time, and from what was registered, if anything."""
        self._supplier = supplier
        self._registered = registered

    async def all(self, tenant: str) -> Sequence[DatasetTemplate]:
        """Give every template known, by key."""
        known = await self._with_ours(tenant, await self._supplier.catalogue())
        return sorted(known, key=lambda each: each.key)

    async def template(self, tenant: str, key: str) -> DatasetTemplate:
        """Give one template. Raises NotFound, naming the keys there are."""
        return _named(key, await self.all(tenant))

    async def suppliers(self, key: str) -> DatasetTemplate:
        """Give one of the supplier's own templates. Raises NotFound, naming the keys there are."""
        return _named(key, await self._supplier.catalogue())

    async def select(self, tenant: str, wanted: TemplateRequest) -> Selection:
        """Find the template that fits best, with the reasons. Raises TemplateNotFound.

        A supplier that lists no catalogue is asked for the wanted pair and the generic one.
        """
        known = list(await self._supplier.catalogue())
        if not known:
            known += await self._supplier.templates_for(wanted.industry, wanted.use_case)
            known += await self._supplier.templates_for(GENERIC, GENERIC)
        return select_template(wanted, await self._with_ours(tenant, known))

    async def preview(self, tenant: str, key: str, count: int) -> Sequence[Record]:
        """Give the first `count` of a template's sample records. Raises NotFound."""
        template = await self.template(tenant, key)
        return (await self.samples(template))[:count]

    async def samples(self, template: DatasetTemplate) -> Sequence[Record]:
        """Give the supplier's sample records for a template. Raises NotFound."""
        return await self._supplier.samples(template.supplier_key)

    async def _with_ours(
        self, tenant: str, known: Sequence[DatasetTemplate]
    ) -> Sequence[DatasetTemplate]:
        ours = [] if self._registered is None else await self._registered.current(tenant)
        keys = {each.key for each in ours}
        return [*ours, *(each for each in known if each.key not in keys)]


def _named(key: str, known: Sequence[DatasetTemplate]) -> DatasetTemplate:
    for each in known:
        if key in {each.key, str(each.template_id)}:
            return each
    keys = ", ".join(each.key for each in known)
    message = f"There is no template {key!r}. Known: {keys or 'none'}."
    raise NotFound(message)


class DatasetDiscoveryAgent:
    """Finds templates (seed: DatasetDiscoveryAgent)."""

    name = AgentName.DISCOVERY

    def __init__(self, templates: Templates, clock: Clock) -> None:
        """Search these templates."""
        self._templates = templates
        self._clock = clock

    async def perform(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Carry out a FindTemplate order."""
        del progress
        if not isinstance(order, FindTemplate):
            return misdirected(order, self.name)
        return await answer(order, self._find(order), self._clock)

    async def _find(self, order: FindTemplate) -> Outcome:
        return TemplateFound(
            order.key, await self._templates.select(order.key.tenant, order.wanted)
        )
