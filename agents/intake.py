"""The intake: where a dataset's records come from, page by page, as its stage may have them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from domain.errors import SupplierRefused, SupplierUnavailable
from domain.masking import Masker, MaskingRule
from domain.people import people_in
from domain.ports import Reading
from domain.pseudonyms import Pseudonyms, key_for
from domain.recipe import is_masked
from domain.record import digest_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from domain.journey import JourneyStage
    from domain.people import PersonName
    from domain.ports import MockData, Source
    from domain.recipe import Extract, Recipe
    from domain.record import Record

MOST_NAMES = 200_000
"""How many names are kept in mind while records are masked, each order of a name's words as one."""


class Intake:
    """Opens a recipe's records: made up by the supplier, or read from the source and masked.

    Nothing that is read for a pilot leaves it unmasked, and nothing in which personal data is
    left leaves it at all.
    """

    def __init__(
        self,
        supplier: MockData,
        source: Source | None = None,
        masking_secret: Callable[[], str] | None = None,
    ) -> None:
        """Take records from these; the secret is looked up only when it is needed."""
        self._supplier = supplier
        self._source = source
        self._masking_secret = masking_secret

    @property
    def has_source(self) -> bool:
        """Whether records can be read at all."""
        return self._source is not None

    def lacks(self, stage: JourneyStage) -> str:
        """Tell what a stage whose records are read needs besides a source; nothing if nothing."""
        return "masking key" if is_masked(stage) and self._masking_secret is None else ""

    async def locate(self, extract: Extract) -> str:
        """Tell where an extract lies, for people. Raises NotFound, and what a source raises."""
        return await self._read_from(extract).locate(extract)

    async def open(self, recipe: Recipe) -> Reading:
        """Begin a recipe's records.

        Raises:
            NotFound: the source has none of them.
            SupplierRefused: there is no source, it holds no record, or personal data would be
                left; the last also from the pages.
            SupplierUnavailable: the source is away, or changes just now.
        """
        extract = recipe.extract
        if extract is None:
            return Reading(None, recipe.record_count, self._supplier.generate(recipe))
        source = self._read_from(extract)
        reading = await source.open(extract)
        if not reading.total:
            raise SupplierRefused(
                f"The source holds no record of client {extract.client_ref} and type "
                f"{extract.dataset_type}. Put some there, then validate the dataset."
            )
        reading = _at_most(reading, recipe.record_count)
        return await self._masked(recipe, extract, reading) if extract.is_masked else reading

    async def _masked(self, recipe: Recipe, extract: Extract, first: Reading) -> Reading:
        """Read everything once for the names in it, and give a second reading of it, masked."""
        masker = self._masker(recipe, extract, await _names_in(first, recipe))
        second = await self._read_from(extract).open(extract)
        if second.version != first.version:
            raise SupplierUnavailable(
                f"The records of client {extract.client_ref} and type {extract.dataset_type} "
                "changed while they were read. They are read again later."
            )
        version = digest_of([second.version, masker.fingerprint])
        pages = _masked_pages(_at_most(second, recipe.record_count), masker)
        return Reading(version, first.total, pages, masker.masked)

    def _masker(self, recipe: Recipe, extract: Extract, names: frozenset[PersonName]) -> Masker:
        if self._masking_secret is None:
            raise SupplierRefused(
                f"There is no masking key, so nothing of client {extract.client_ref} is read. Set "
                "one as docs/settings.md says, then validate the dataset."
            )
        key = key_for(self._masking_secret(), extract.tenant, extract.client_id)
        return Masker(Pseudonyms(key), recipe.template.masking, names)

    def _read_from(self, extract: Extract) -> Source:
        if self._source is None:
            raise SupplierRefused(
                f"There is no source to read client {extract.client_ref} from. Set one as "
                "docs/settings.md says, then validate the dataset."
            )
        return self._source


def _at_most(reading: Reading, most: int) -> Reading:
    """Give a reading's first records, at most so many."""
    if reading.total <= most:
        return reading
    return Reading(reading.version, most, _first(reading.pages, most))


async def _first(
    pages: AsyncIterator[Sequence[Record]], most: int
) -> AsyncIterator[Sequence[Record]]:
    async with closing(pages):
        async for page in pages:
            yield page[:most]
            most -= len(page)
            if most <= 0:
                return


async def _names_in(reading: Reading, recipe: Recipe) -> frozenset[PersonName]:
    rules = recipe.template.masking
    kept = frozenset(path for path, rule in rules.items() if rule is MaskingRule.KEEP)
    names: set[PersonName] = set()
    async with closing(reading.pages):
        async for page in reading.pages:
            names |= await asyncio.to_thread(_names_of, page, kept)
            if len(names) > MOST_NAMES:
                raise SupplierRefused(
                    f"The names of people in the source come in more than {MOST_NAMES} orders of "
                    "their words, too many to mask them in all texts. Ask for fewer records by "
                    "record_count."
                )
    return frozenset(names)


def _names_of(page: Sequence[Record], kept: frozenset[str]) -> set[PersonName]:
    """Collect a page's names; it is long work, and done beside the loop."""
    return {name for record in page for name in people_in(record, kept)}


async def _masked_pages(reading: Reading, masker: Masker) -> AsyncIterator[Sequence[Record]]:
    done = 0
    async with closing(reading.pages):
        async for page in reading.pages:
            masked = await asyncio.to_thread(_masked_page, page, done, masker)
            done += len(page)
            yield masked


def _masked_page(page: Sequence[Record], done: int, masker: Masker) -> Sequence[Record]:
    """Mask a page, `done` records having come before; it is long work, and done beside the loop."""
    masked = [masker.mask(each) for each in page]
    for number, record in enumerate(masked, start=done + 1):
        _require_clean(record, number, masker)
    return masked


def _require_clean(record: Record, number: int, masker: Masker) -> None:
    """Let no record out in which personal data is left; the message names fields, no values."""
    left = masker.residue(record)
    if not left:
        return
    told = ", ".join(sorted({f"{each.kind} in {each.path}" for each in left}))
    raise SupplierRefused(
        f"Record {number} of the source still tells of somebody when it is masked: {told}. It was "
        "not uploaded, and neither is anything after it. Give these fields another rule in the "
        "template's masking, or mend the record."
    )


def closing(
    pages: AsyncIterator[Sequence[Record]],
) -> aclosing[AsyncGenerator[Sequence[Record], None]]:
    """Close what pages come from as soon as nobody wants more of them."""
    return aclosing(cast("AsyncGenerator[Sequence[Record], None]", pages))
