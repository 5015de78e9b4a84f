"""The validation agent: it gathers the evidence for the four checks and judges nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.answering import answer, misdirected
from agents.intake import closing
from domain.checks import (
    SHOWN,
    TOP_HITS,
    CompletenessEvidence,
    Evidence,
    Probe,
    QueryResult,
    RecordFault,
    SchemaEvidence,
)
from domain.connector import accepted
from domain.errors import SupplierRefused, SupplierUnavailable
from domain.record import READER_FIELDS, ContentDigest
from domain.work import AgentName, Examined, ProbeConnector, Probed, Progress, ValidateDataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.intake import Intake
    from domain.ports import Clock, OnProgress, Reading, RecordSchema
    from domain.record import Record
    from domain.search_ports import Connectors
    from domain.template import SampleQuery
    from domain.work import Order, Outcome


NOT_SHOWN = "is not as the template's schema has it; a client's values are not shown"
"""What is said of a fault in a record that a client owns."""


class DataValidationAgent:
    """Gathers evidence (seed: DataValidationAgent, DataValidationService)."""

    name = AgentName.VALIDATION

    def __init__(
        self, intake: Intake, connectors: Connectors, schema: RecordSchema, clock: Clock
    ) -> None:
        """Compare what the records are, read again, with what the connectors hold."""
        self._intake = intake
        self._connectors = connectors
        self._schema = schema
        self._clock = clock

    async def perform(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Carry out a ValidateDataset or a ProbeConnector order."""
        if isinstance(order, ValidateDataset):
            return await answer(order, self._validate(order, progress), self._clock)
        if isinstance(order, ProbeConnector):
            return await answer(order, self._probe(order), self._clock)
        return misdirected(order, self.name)

    async def _probe(self, order: ProbeConnector) -> Outcome:
        probe = await self._connectors.watch(order.connector, thorough=order.thorough)
        return Probed(order.key, probe)

    async def _validate(self, order: ValidateDataset, progress: OnProgress) -> Outcome:
        probes = await self._probes(order)
        indexed = await self._connectors.indexed(order.connector)
        await progress(Progress("querying", 0, len(order.queries), "queries"))
        queries = await self._queries(order, progress)
        review = await self._review(order, progress)
        evidence = Evidence(
            schema=review.schema_evidence(),
            completeness=review.completeness_evidence(indexed),
            probes=probes,
            queries=queries,
            executed_at=self._clock(),
        )
        return Examined(order.key, evidence)

    async def _probes(self, order: ValidateDataset) -> tuple[Probe, ...]:
        """Knock as often as the policy says; nobody home at all is no evidence but an outage."""
        probes = [
            await self._connectors.probe(order.connector, thorough=True)
            for _ in range(order.policy.probe_count)
        ]
        if not any(each.connected for each in probes):
            name = order.connector.connector_name
            message = f"Connector {name} answered none of {len(probes)} probes: {probes[0].message}"
            raise SupplierUnavailable(message)
        return tuple(probes)

    async def _queries(
        self, order: ValidateDataset, progress: OnProgress
    ) -> tuple[QueryResult, ...]:
        results: list[QueryResult] = []
        for query in order.queries[: order.policy.query_count]:
            results.append(await self._ask(order, query))
            await progress(Progress("querying", len(results), len(order.queries), "queries"))
        return tuple(results)

    async def _ask(self, order: ValidateDataset, query: SampleQuery) -> QueryResult:
        try:
            found = await self._connectors.search(order.connector, query.query)
        except (SupplierUnavailable, SupplierRefused) as error:
            return QueryResult(query.query, query.expected_id, False, None, str(error))  # noqa: FBT003 - a positional dataclass
        ids = found.record_ids
        rank = ids.index(query.expected_id) + 1 if query.expected_id in ids else None
        message = "" if rank else f"not among the first {TOP_HITS} of {len(ids)} hits"
        return QueryResult(query.query, query.expected_id, True, rank, message)  # noqa: FBT003 - a positional dataclass

    async def _review(self, order: ValidateDataset, progress: OnProgress) -> _Review:
        """Have the records made, or read, again from the recipe and look at every one."""
        reading = await self._intake.open(order.recipe)
        review = _Review(order, reading, self._schema)
        async with closing(reading.pages) as pages:
            async for page in pages:
                review.look_at(page)
                await progress(Progress("checking", review.total, reading.total))
                await asyncio.sleep(0)
        return review


class _Review:
    """The running counts over all records of a dataset."""

    def __init__(self, order: ValidateDataset, reading: Reading, schema: RecordSchema) -> None:
        template = order.recipe.template
        self._reading = reading
        self._is_clients = order.recipe.extract is not None
        self._beside = READER_FIELDS - set(template.schema.get("properties", ()))
        self._filters = order.connector.filters
        self._fields = template.counted_fields
        self._faults_of = schema.compiled(template.schema)
        self._digest = ContentDigest()
        self._kept = 0
        self._valid = 0
        self._faults: list[RecordFault] = []
        self._missing: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """How many records have been looked at."""
        return self._digest.count

    def look_at(self, page: Sequence[Record]) -> None:
        """Digest, validate and count a page of records."""
        for record in page:
            self._digest.add(record)
            faults = list(self._faults_of(self._own(record)))
            self._valid += not faults
            self._faults += map(self._told, faults[: SHOWN - len(self._faults)])
        for record in accepted(self._filters, page, before=self._kept):
            self._kept += 1
            self._missing.update(each for each in self._fields if record.get(each) in _EMPTY)

    def _own(self, record: Record) -> Record:
        """Leave out who may read a client's record, where its schema says nothing of that."""
        if not self._is_clients:
            return record
        return {name: value for name, value in record.items() if name not in self._beside}

    def schema_evidence(self) -> SchemaEvidence:
        """Sum up what the schema said."""
        return SchemaEvidence(
            total=self.total,
            valid=self._valid,
            content_digest=self._digest.hexdigest(),
            faults=tuple(self._faults),
            source_version=self._reading.version,
            masked=tuple(sorted(self._reading.masked.items())),
        )

    def _told(self, fault: RecordFault) -> RecordFault:
        """Keep a client's own values out of the evidence, which is shown, kept and archived."""
        return replace(fault, message=NOT_SHOWN) if self._is_clients else fault

    def completeness_evidence(self, indexed: int) -> CompletenessEvidence:
        """Sum up how much there is."""
        fields = self._kept * len(self._fields)
        return CompletenessEvidence(
            indexed=indexed,
            filled=fields - self._missing.total(),
            fields=fields,
            missing=tuple(sorted(self._missing.items())),
        )


_EMPTY: tuple[object, ...] = (None, "", [], {})
"""What does not count as a filled field."""
