"""The discovery agent: it knows the templates and finds the one that fits best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.answering import answer, misdirected
from domain.errors import NotFound
from domain.template import GENERIC, DatasetTemplate, Selection, TemplateRequest, select_template
from domain.work import AgentName, FindTemplate, TemplateFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.ports import Clock, MockData, OnProgress
    from domain.record import Record
    from domain.work import Order, Outcome


class Templates:
    """The supplier's templates, as everything that chooses or shows one sees them."""

    def __init__(self, supplier: MockData) -> None:
        """Read from this supplier, anew each time."""
        self._supplier = supplier

    async def all(self) -> Sequence[DatasetTemplate]:
        """Give every template known, by key."""
        return sorted(await self._supplier.catalogue(), key=lambda each: each.key)

    async def template(self, key: str) -> DatasetTemplate:
        """Give one template. Raises NotFound, naming the nearest keys."""
        known = await self.all()
        for each in known:
            if key in {each.key, str(each.template_id)}:
                return each
        keys = ", ".join(each.key for each in known)
        message = f"There is no template {key!r}. Known: {keys or 'none'}."
        raise NotFound(message)

    async def select(self, wanted: TemplateRequest) -> Selection:
        """Find the template that fits best, with the reasons. Raises TemplateNotFound.

        A supplier that lists no catalogue is asked for the wanted pair and the generic one.
        """
        known = list(await self._supplier.catalogue())
        if not known:
            known += await self._supplier.templates_for(wanted.industry, wanted.use_case)
            known += await self._supplier.templates_for(GENERIC, GENERIC)
        return select_template(wanted, known)

    async def preview(self, key: str, count: int) -> Sequence[Record]:
        """Give the first `count` of the supplier's sample records. Raises NotFound."""
        template = await self.template(key)
        return (await self._supplier.samples(template.key))[:count]


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
        return TemplateFound(order.key, await self._templates.select(order.wanted))
