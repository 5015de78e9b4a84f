"""The sweep: ten thousand datasets looked at for orphans, claimed, and some thousand probed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, func, insert, or_, select, text, type_coerce, update
from uuid_utils.compat import uuid7

from bench.setting import ignore, served_on
from domain.health import Health
from domain.lifecycle import DatasetStatus
from domain.repository import Room
from registry.leases import SqlLeases
from registry.orphans import SqlOrphanBook
from registry.tables import datasets, journeys
from service.cli.talk import Talk
from tests.storm import Client

if TYPE_CHECKING:
    from agents.orphan_sweep import OrphanSweep
    from service.cli.serve import Served

DATASETS = 10_000
JOURNEYS = 2_000
"""Five datasets a journey."""

LEASE = timedelta(seconds=6)
ROOM = Room(32, 16)
CLAIMS = 20
PROBES = 1_000
"""As many as are due at once; all ten thousand would only take ten times as long."""


async def measure() -> list[dict[str, Any]]:
    """Measure both databases."""
    return [await _sweep("sqlite"), await _sweep("postgresql")]


async def _sweep(database: str) -> dict[str, Any]:
    async with served_on(database) as served:
        talk = Talk(served.url)
        try:
            ending = await talk.call("lifecycle-coordinator", Client(0, ("jira",)).request, ignore)
            if ending.data["datasets"][0]["status"] != "ready":
                raise RuntimeError(ending.sentence)
        finally:
            await talk.close()
        await _fill(served)
        scan, light = await _scans(served)
        return {
            "what": f"one scan of {DATASETS} datasets of {JOURNEYS} journeys; probes, claims of them",
            "database": database,
            "scan_seconds": round(scan, 2),
            "light_scan_seconds": round(light, 3),
            "lookups": JOURNEYS,
            **await _probes(served),
            "claim_ms_when_all_are_due": await _claims(served, all_due=True),
            "claim_ms_when_few_are_due": await _claims(served, all_due=False),
            "claims": CLAIMS,
        }


async def _scans(served: Served) -> tuple[float, float]:
    """Give the seconds of a whole scan and of a light one after it, of which nobody is suspected."""
    sweep: OrphanSweep = served.service.orphans
    started = time.perf_counter()
    await sweep.sweep_all(served.service.clock())
    between = time.perf_counter()
    await sweep.sweep_doubtful(served.service.clock())
    ended = time.perf_counter()
    last = await SqlOrphanBook(served.service.database).last_whole_scan()
    if last is None:
        raise RuntimeError("The scan was called off.")
    return between - started, ended - between


async def _claims(served: Served, *, all_due: bool) -> float:
    """Give the milliseconds of a claim, with every dataset due or only as many as it takes."""
    leases, taken = SqlLeases(served.service.database), []
    now = datetime.now(UTC) + timedelta(days=2)
    await _make_due(served, now - timedelta(hours=1), all_due=all_due)
    for _ in range(CLAIMS):
        started = time.perf_counter()
        claims = await leases.claim("bench", LEASE, ROOM, now)
        taken.append(time.perf_counter() - started)
        for each in claims:
            await leases.release(each, now - timedelta(hours=1), -1)
    return round(median(taken) * 1000, 2)


async def _probes(served: Served) -> dict[str, float]:
    """Have a thousand connectors probed, past Glean's quota, which the stand-in does not ask for."""
    started, cpu = time.perf_counter(), time.process_time()
    now = datetime.now(UTC)
    due = update(datasets).values(due_at=now, health=Health())
    async with served.service.database.engine.begin() as connection:
        await connection.execute(due.where(datasets.c.dataset_type.in_(_types(PROBES))))
    await _until_none_is_due(served, now)
    seconds, busy = time.perf_counter() - started, time.process_time() - cpu
    await _demand_that_all_passed(served)
    return {
        "probes": PROBES,
        "probes_a_second": round(PROBES / seconds, 1),
        "probe_cpu_ms": round(busy * 1000 / PROBES, 2),
    }


async def _until_none_is_due(served: Served, moment: datetime) -> None:
    one = select(datasets.c.dataset_id).where(datasets.c.due_at <= moment).limit(1)
    while True:
        wait = served.service.bell.handle()
        async with served.service.database.engine.connect() as connection:
            if await connection.scalar(one) is None:
                return
        await wait(0.5)


async def _demand_that_all_passed(served: Served) -> None:
    health = type_coerce(datasets.c.health, JSON)
    unwell = or_(
        health["next_probe_at"].as_string().is_(None),
        health["failures"].as_integer() + health["silences"].as_integer() > 0,
    )
    async with served.service.database.engine.connect() as connection:
        found = await connection.scalar(select(func.count()).select_from(datasets).where(unwell))
    if found:
        message = f"{found} connectors were not probed, or did not pass."
        raise RuntimeError(message)


def _types(many: int) -> list[str]:
    return [f"type-{number}" for number in range(1, many + 1)]


async def _make_due(served: Served, moment: datetime, *, all_due: bool) -> None:
    few = _types(ROOM.turns)
    due = update(datasets).values(due_at=moment)
    async with served.service.database.engine.begin() as connection:
        await connection.execute(update(datasets).values(due_at=moment + timedelta(days=30)))
        await connection.execute(due if all_due else due.where(datasets.c.dataset_type.in_(few)))


async def _fill(served: Served) -> None:
    """Copy a READY dataset's row under other names and journeys, none of which is due."""
    engine = served.service.database.engine
    async with engine.begin() as connection:
        model = dict((await connection.execute(select(datasets).limit(1))).mappings().one())
        journey = dict((await connection.execute(select(journeys).limit(1))).mappings().one())
        named = [{**journey, "journey_id": uuid7(), "ref": f"sweep-{n}"} for n in range(JOURNEYS)]
        await connection.execute(insert(journeys), named)
        rows = [_copy(model, named[number % JOURNEYS], number) for number in range(1, DATASETS)]
        await connection.execute(insert(datasets), rows)
    async with engine.connect() as connection:
        await connection.execute(text("ANALYZE"))
        await connection.commit()
    await _introduce(served, [str(each["ref"]) for each in named])


async def _introduce(served: Served, refs: list[str]) -> None:
    """Make the journeys known to the local Journey Orchestration, so that none is an orphan."""
    import httpx  # noqa: PLC0415 - the stand-in's own door

    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as http:
        shown = (await http.get("/journeys/journeys?page_size=1000")).json()["journeys"]
        client = {name: shown[-1]["client"][name] for name in _INTRODUCED}
        for ref in refs:
            body = {"ref": ref, "stage": "sandbox", "client": client}
            (await http.post("/journeys/journeys", json=body)).raise_for_status()


_INTRODUCED = ("ref", "name", "code", "industry", "use_case")


def _copy(row: dict[str, Any], journey: dict[str, Any], number: int) -> dict[str, Any]:
    changed = {
        "dataset_id": uuid7(),
        "dataset_type": f"type-{number}",
        "connector_name": f"copy-{number}",
        "journey_id": journey["journey_id"],
        "journey_ref": journey["ref"],
        "status": DatasetStatus.READY,
        "due_at": datetime.now(UTC) + timedelta(days=30),
    }
    return {**row, **changed}
