"""Registering: a template pack becomes a template, if every dataset made from it could pass."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from agents.descriptions import describe_template
from domain.errors import FieldError, InvalidInput, NotFound
from domain.keeping import order_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.discovery import Templates
    from domain.catalogue_documents import RegistrationDocument
    from domain.commands import Principal
    from domain.keeping import RegisteredTemplate, TemplateShelf
    from domain.ports import Packs, RecordSchema
    from domain.record import JsonObject, Record
    from domain.template import DatasetTemplate

_FAULTS_NAMED = 3


class TemplateDesk:
    """Takes template packs in (seed: template registration); there is no other linter."""

    def __init__(
        self, packs: Packs, templates: Templates, shelf: TemplateShelf, schemas: RecordSchema
    ) -> None:
        """Read packs, hold them to the supplier's records, and put them on this shelf."""
        self._packs = packs
        self._templates = templates
        self._shelf = shelf
        self._schemas = schemas

    async def register(
        self, principal: Principal, pack: JsonObject, *, dry_run: bool
    ) -> RegistrationDocument:
        """Register a pack's template, or only tell what would come of it: a dry run fails alike.

        Raises:
            InvalidInput: the pack cannot be right; each wrong field is named.
            RequestRejected: its key and version are registered with other content.
        """
        template = self._packs.read(pack)
        warnings = await self._held_to_supplier(template)
        warnings += _superseded(template, await self._shelf.current(principal.tenant))
        if dry_run:
            there = await self._shelf.look(principal.tenant, template)
            return _registration(template, warnings, there, registered=False)
        kept = await self._shelf.put(principal, template)
        return _registration(template, warnings, kept, registered=True)

    async def _held_to_supplier(self, template: DatasetTemplate) -> list[str]:
        """Hold a template to the supplier's one that its records come from; gives the warnings."""
        supplier = await self._supplier_of(template)
        _require_like(template, supplier)
        samples = await self._templates.samples(supplier)
        self._require_valid(template, samples)
        return _warnings(template, supplier, samples)

    async def _supplier_of(self, template: DatasetTemplate) -> DatasetTemplate:
        try:
            return await self._templates.suppliers(template.generate_from)
        except NotFound as missing:
            raise _wrong("generate_from", f"names none of the supplier's. {missing}") from missing

    def _require_valid(self, template: DatasetTemplate, samples: Sequence[Record]) -> None:
        validate = self._schemas.compiled(template.schema)
        faults = [fault for each in samples for fault in islice(validate(each), 1)]
        if faults:
            told = "; ".join(
                f"{each.record_id} {each.path or 'as a whole'}: {each.message}"
                for each in faults[:_FAULTS_NAMED]
            )
            raise _wrong(
                "schema",
                f"refuses {len(faults)} of the {len(samples)} sample records of "
                f"{template.generate_from}, so no dataset would pass its gate: {told}",
            )


def _require_like(template: DatasetTemplate, supplier: DatasetTemplate) -> None:
    """Refuse what the supplier cannot make: another type, or more or fewer records."""
    if template.dataset_type != supplier.dataset_type:
        raise _wrong(
            "dataset_type",
            f"is {template.dataset_type}, and {supplier.key} makes {supplier.dataset_type}",
        )
    low, high = supplier.record_count_range
    least, most = template.record_count_range
    if least < low or most > high:
        raise _wrong(
            "record_count_range",
            f"is {least} to {most}, and {supplier.key} makes {low} to {high} records",
        )


def _warnings(
    template: DatasetTemplate, supplier: DatasetTemplate, samples: Sequence[Record]
) -> list[str]:
    found: list[str] = []
    if template.key == supplier.key:
        found.append(f"It takes the place of the supplier's template {supplier.key} here.")
    known = {str(each.get("id")) for each in samples}
    strangers = [each for each in template.sample_queries if each.expected_id not in known]
    if strangers:
        found.append(
            f"{len(strangers)} of its {len(template.sample_queries)} sample queries expect records "
            f"that are not among the samples of {supplier.key}. Generated records have ids of "
            "their own: leave sample_queries out, and each dataset's own titles are searched for."
        )
    return found


def _superseded(template: DatasetTemplate, registered: Sequence[DatasetTemplate]) -> list[str]:
    """Warn where a higher version is registered: that one stays current."""
    return [
        f"Version {each.version} of {each.key} is registered: it stays current, not this "
        f"{template.version}. Give yours a higher version if it shall take its place."
        for each in registered
        if each.key == template.key and order_of(each.version) > order_of(template.version)
    ]


def _registration(
    template: DatasetTemplate,
    warnings: list[str],
    kept: RegisteredTemplate | None,
    *,
    registered: bool,
) -> RegistrationDocument:
    return {
        "registered": registered,
        "was_there": kept is not None and kept.was_there,
        "registered_at": None if kept is None else kept.registered_at.isoformat(),
        "registered_by": None if kept is None else kept.registered_by,
        "template": describe_template(template),
        "warnings": warnings,
    }


def _wrong(name: str, why: str) -> InvalidInput:
    message = f"pack.{name} {why}."
    return InvalidInput(message, [FieldError(f"pack.{name}", message)])
