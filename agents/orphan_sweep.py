"""The orphan sweep: what has no active journey any more is torn down, and never on a doubt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from agents.doubts import MOST_IN_A_ROW, Doubts
from agents.endings import Effect, Ending
from agents.orphan_report import describe_orphans
from agents.orphan_scan import Scan
from agents.ownership import Inquiry
from agents.persistence import persistently
from domain.audit import SYSTEM
from domain.commands import Principal, Undertaking
from domain.errors import Conflict, SupplierUnavailable
from domain.lifecycle import TeardownReason
from domain.orphans import FULL_SCAN_EVERY, LEAST_APART, exceed_cap, judge_orphans

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from agents.endings import Endings
    from agents.strays import Strays
    from domain.commands import Call, Request
    from domain.orphan_book import OrphanBook
    from domain.orphan_documents import OrphanReportDocument
    from domain.orphans import Candidate, Fleet, Stray
    from domain.ports import Clock, Engine, Journeys
    from domain.repository import Registry, Transaction
    from domain.rules import LifecycleRules

log = structlog.get_logger("orphans")

_TOO_MANY = (
    "A sweep found more orphans than it may end by itself, which looks like a fault of ours or of "
    "Journey Orchestration's."
)
"""Why orphans beyond the cap wait for consent (A39)."""


class OrphanSweep:
    """Sweeps for orphans by the clock over every tenant, and for one tenant when asked to."""

    def __init__(
        self,
        *,
        registry: Registry,
        book: OrphanBook,
        journeys: Journeys,
        strays: Strays,
        endings: Endings,
        engine: Engine,
        clock: Clock,
        rules: LifecycleRules,
    ) -> None:
        """Judge by what these journeys are, and end datasets of this registry by these endings."""
        self._registry = registry
        self._book = book
        self._journeys = journeys
        self._strays = strays
        self._endings = endings
        self._engine = engine
        self._clock = clock
        self._rules = rules
        self._doubts = Doubts()
        self._owes_strays = False

    async def sweep_all(self, tick: datetime) -> None:
        """Look at every dataset and every datasource (seed: orphan_prevention_rule)."""
        del tick
        await self._sweep_all()

    async def sweep_doubtful(self, tick: datetime) -> None:
        """Look again at what is under suspicion, or whose journey was told to be completed.

        It looks at everything where no scan has done so for a day: one was called off, or missed;
        and for strays where the search engine failed this process the last time it did so.
        """
        del tick
        last = await self._book.last_whole_scan()
        if last is None or self._clock() - last >= FULL_SCAN_EVERY:
            await self._sweep_all()
        else:
            await self._sweep(only_doubtful=True)
            if self._owes_strays:
                await self._look_for_strays()
        await self._strays.empty_condemned()

    async def report(self, principal: Principal) -> OrphanReportDocument:
        """Tell what a cleanup would do now, and why; nothing is changed by it.

        Raises:
            SupplierUnavailable: a journey, or the search engine, could not be asked.
        """
        scan = await self._certain(principal.tenant)
        strays = await self._strays.find()
        own = [each for each in strays if each.tenant == principal.tenant]
        return describe_orphans(scan, own, self._rules, self._clock())

    async def clean(self, call: Call) -> Request:
        """Scan a tenant's datasets and end those that a scan before suspected too, in one commit.

        What needs consent is asked for. Strays that a scan before knew too are named by the
        request, and emptied once it stands.

        Raises:
            SupplierUnavailable: a journey, or the search engine, could not be asked; nothing is
                changed.
        """
        principal = call.principal
        scan = await self._certain(principal.tenant)
        found = await self._strays.find()
        proven = [each for each in found if each.is_proven and each.tenant == principal.tenant]
        request = await persistently(lambda: self._end_all(scan, call, proven))
        await self._book.suspect(scan.fleet.candidates, scan.judgement.suspects, self._clock())
        await self._strays.note(found)
        await self._strays.empty_condemned()
        return request

    async def _sweep_all(self) -> None:
        """Look at every dataset, and for strays whatever is in doubt: they hang on no journey."""
        if await self._sweep(only_doubtful=False):
            await self._book.note_whole_scan(self._clock())
        await self._look_for_strays()

    async def _look_for_strays(self) -> None:
        self._owes_strays = True
        await self._strays.note(await self._strays.find())
        self._owes_strays = False

    async def _sweep(self, *, only_doubtful: bool) -> bool:
        """Scan, and end what is proven; tells whether nothing was left in doubt.

        Each tenant's datasets are judged by themselves: a doubt about one of them concerns no
        other tenant, unless doubts come one after the other. Nothing ends before all are judged.
        """
        fleet = await self._book.fleet(None, only_doubtful=only_doubtful)
        await self._book.suspect((), (), self._clock())  # whoever has ended is no suspect any more
        parts = {each.candidates[0].tenant: each for each in fleet.of_each_tenant()}
        scans = await self._scans(parts)
        are_too_many = exceed_cap(sum(len(each.orphans) for each in scans), fleet.size)
        for each in scans:
            await self._end_proven(each, because=_TOO_MANY if are_too_many else "")
        return len(scans) == len(parts)

    async def _scans(self, parts: Mapping[str, Fleet]) -> list[Scan]:
        """Scan each tenant's datasets; gives the scans that were in no doubt."""
        scans: list[Scan] = []
        in_a_row = 0
        for done, tenant in enumerate(self._doubts.last(parts)):
            if in_a_row == MOST_IN_A_ROW:
                log.warning("orphans.given_up", tenants_left=len(parts) - done)
                break
            scan = await self._scan_one(tenant, parts[tenant])
            scans += [scan] if scan else []
            in_a_row = 0 if scan else in_a_row + 1
        return scans

    async def _scan_one(self, tenant: str, fleet: Fleet) -> Scan | None:
        """Scan one tenant's datasets and keep what is suspected; None where one was in doubt."""
        scan = await self._judge(fleet, LEAST_APART)
        is_in_doubt = scan.judgement.is_called_off
        self._doubts.note(tenant, is_in_doubt=is_in_doubt)
        if is_in_doubt:
            log.warning("orphans.called_off", why=scan.doubt, tenants=[tenant])
            return None
        await self._book.suspect(fleet.candidates, scan.judgement.suspects, self._clock())
        return scan

    async def _end_proven(self, scan: Scan, *, because: str) -> None:
        """End what is proven, or have somebody asked where there is a reason to."""
        for each in scan.orphans:
            await self._end_one(each, because=because)
        for each in scan.questionable:
            await self._end_one(each, because=_TOO_MANY)
        log.info(
            "orphans.scanned",
            looked_at=len(scan.fleet.candidates),
            suspected=len(scan.judgement.suspects),
            ended=0 if because else len(scan.orphans),
            asked=len(scan.questionable) + (len(scan.orphans) if because else 0),
        )

    async def _certain(self, tenant: str) -> Scan:
        """Scan all of a tenant's datasets by hand. Raises SupplierUnavailable for any doubt."""
        fleet = await self._book.fleet(tenant, only_doubtful=False)
        scan = await self._judge(fleet, timedelta(0))
        if scan.judgement.is_called_off:
            raise SupplierUnavailable(
                f"{scan.doubt} Unknown is not inactive, so nothing was changed. Ask again later."
            )
        return scan

    async def _judge(self, fleet: Fleet, apart: timedelta) -> Scan:
        """Judge a tenant's datasets; a suspicion proves what has stood for so long."""
        proven_by = self._clock() - apart
        inquiry = Inquiry(self._journeys)
        owners = await inquiry.owners_of(fleet.candidates)
        before = [
            each.dataset_id
            for each in fleet.candidates
            if each.is_suspected_by(proven_by) and not each.is_spared
        ]
        judgement = judge_orphans(owners, before, fleet_size=fleet.size)
        return Scan(fleet, judgement, inquiry.doubt)

    async def _end_one(self, orphan: Candidate, *, because: str) -> None:
        """End one orphan in a commit of its own; what others keep writing waits for the next."""
        try:
            effect = await persistently(lambda: self._end_alone(orphan, because))
        except Conflict:
            log.warning("orphan.contended", dataset_id=str(orphan.dataset_id))
            return
        self._let_go([orphan.dataset_id] if effect and effect.is_changed else [])

    async def _end_alone(self, orphan: Candidate, because: str) -> Effect | None:
        async with self._registry.transaction(Principal(orphan.tenant, SYSTEM)) as transaction:
            return await self._end(transaction, orphan.dataset_id, _ending(), because)

    async def _end_all(self, scan: Scan, call: Call, strays: list[Stray]) -> Request:
        """End what is proven, and condemn these strays, together with the request for it."""
        ending = _ending(call.principal.subject, call.task_id)
        asked_for = [(each, "") for each in scan.orphans]
        asked_for += [(each, _TOO_MANY) for each in scan.questionable]
        since = await self._registry.last_sequence(call.principal.tenant)
        effects: dict[UUID, Effect] = {}
        async with self._registry.transaction(call.principal) as transaction:
            for each, because in asked_for:
                effect = await self._end(transaction, each.dataset_id, ending, because)
                if effect is not None:
                    effects[each.dataset_id] = effect
            approvals = tuple(one for each in effects.values() for one in each.approvals)
            datasources = tuple(each.holding.datasource for each in strays)
            undertaking = Undertaking(approvals, datasources=datasources)
            request = call.request(tuple(effects), since, undertaking)
            await transaction.keep_request(request)
            await transaction.condemn(strays)
        self._let_go([each for each, effect in effects.items() if effect.is_changed])
        return request

    async def _end(
        self, transaction: Transaction, dataset_id: UUID, ending: Ending, because: str
    ) -> Effect | None:
        """End a dataset, or have somebody asked; None where it has ended meanwhile."""
        dataset = await transaction.dataset(dataset_id)
        if dataset.has_ended:
            return None
        if because:
            approval = await self._endings.ask(transaction, dataset, ending, because)
            return Effect(is_changed=False, approval=approval)
        return await self._endings.end_or_ask(transaction, dataset, ending)

    def _let_go(self, changed: list[UUID]) -> None:
        self._endings.interrupt(changed)
        for each in changed:
            self._engine.ring(each)


def _ending(by: str = SYSTEM, task_id: str = "") -> Ending:
    return Ending(TeardownReason.ORPHAN_CLEANUP, by, task_id)
