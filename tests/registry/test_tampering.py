"""The audit trail, harmed by whoever owns the database: each harm is found, and where it was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from domain.audit import checkpoints_of
from domain.errors import NotFound
from domain.tampering import Tampering, Verdict
from registry.history import audit
from tests.builders import NOW, TENANT
from tests.registry.databases import OTHERS, House
from tests.registry.past_the_domain import refusal, run
from tests.registry.trails import an_auditor, disarm, edit, grow, rebuild, remove, swap

SIZE = 60

Harm = Callable[[House], Awaitable[None]]


async def forge(house: House) -> None:
    """Put an entry in that nobody made, outside the chain."""
    row = {
        "tenant": TENANT,
        "entry_id": uuid4(),
        "at": NOW,
        "principal": "bob",
        "action": "request",
        "correlation": "task-99",
    }
    await run(house, insert(audit).values(**row))


HARMS: dict[str, tuple[Harm, list[tuple[Tampering, int, int]], str]] = {
    "an edit": (
        lambda house: edit(house, 7, principal="nobody"),
        [(Tampering.EDITED, 7, 7)],
        "Entry 7 was edited",
    ),
    "an edited detail": (
        lambda house: edit(house, 7, detail={"number": 5}),
        [(Tampering.EDITED, 7, 7)],
        "Entry 7 was edited",
    ),
    "another time": (
        lambda house: edit(house, 7, at=NOW.replace(year=2025)),
        [(Tampering.EDITED, 7, 7)],
        "Entry 7 was edited",
    ),
    "a deletion": (
        lambda house: remove(house, 7, 7),
        [(Tampering.MISSING, 7, 7)],
        "Entry 7 is missing: the trail goes on with entry 8",
    ),
    "a deletion of several": (
        lambda house: remove(house, 7, 12),
        [(Tampering.MISSING, 7, 12)],
        "Entries 7 to 12 are missing",
    ),
    "a deletion of the beginning": (
        lambda house: remove(house, 1, 3),
        [(Tampering.MISSING, 1, 3)],
        "Entries 1 to 3 are missing",
    ),
    "a swap": (
        lambda house: swap(house, 7, 41),
        [(Tampering.SWAPPED, 7, 41)],
        "Entries 7 and 41 were swapped",
    ),
    "a swap of neighbours": (
        lambda house: swap(house, 7, 8),
        [(Tampering.SWAPPED, 7, 8)],
        "Entries 7 and 8 were swapped",
    ),
    "an edited hash": (
        lambda house: edit(house, 7, hash="f" * 64),
        [(Tampering.EDITED, 7, 7), (Tampering.DETACHED, 8, 8)],
        "Entry 7 was edited",
    ),
    "an entry past the service": (
        forge,
        [(Tampering.UNCHAINED, 0, 0)],
        "1 entry stands outside the chain",
    ),
}

BETRAYED_BY_CHECKPOINTS: dict[str, tuple[Harm, list[tuple[Tampering, int, int]], str]] = {
    "a truncation": (
        lambda house: remove(house, SIZE - 9, SIZE),
        [(Tampering.TRUNCATED, SIZE - 9, SIZE)],
        f"The trail ends with entry {SIZE - 10}, and at the checkpoint of",
    ),
    "nothing left": (
        lambda house: remove(house, 1, SIZE),
        [(Tampering.TRUNCATED, 1, SIZE)],
        f"The trail is empty, and at the checkpoint of 2026-03-02T09:30:00+00:00 it had {SIZE}",
    ),
    "all of it written anew": (
        lambda house: rebuild(house, principal="nobody"),
        [(Tampering.REBUILT, 1, SIZE // 2)],
        f"written anew from its beginning: entry {SIZE // 2} is not the one that was there",
    ),
}


async def a_guarded_trail(house: House, folder: Path) -> None:
    """Let a trail grow, with a checkpoint half-way and one at its end, and take its guards away."""
    auditor = an_auditor(house, folder)
    await grow(house, SIZE // 2)
    await auditor.keep_checkpoints(NOW)
    await grow(house, SIZE // 2)
    await auditor.keep_checkpoints(NOW)
    await disarm(house)


def told(verdict: Verdict) -> list[tuple[Tampering, int, int]]:
    return [(each.kind, each.first, each.last) for each in verdict.findings]


async def test_a_trail_that_nobody_harmed_is_intact(house: House, tmp_path: Path) -> None:
    await a_guarded_trail(house, tmp_path)

    verdict = await an_auditor(house, tmp_path).verify(TENANT)

    assert verdict.is_intact
    assert (verdict.entries, verdict.checkpoints) == (SIZE, 2)


async def test_a_trail_of_thousands_is_intact(house: House, tmp_path: Path) -> None:
    await grow(house, 3000)

    verdict = await an_auditor(house, tmp_path).verify(TENANT)

    assert verdict.is_intact
    assert verdict.entries == 3000


@pytest.mark.parametrize("name", HARMS)
async def test_a_harm_inside_a_trail_is_found_where_it_was_done(
    house: House, tmp_path: Path, name: str
) -> None:
    harm, expected, words = HARMS[name]
    await a_guarded_trail(house, tmp_path)

    await harm(house)

    verdict = await an_auditor(house, tmp_path).verify(TENANT)
    assert told(verdict) == expected
    assert words in verdict.findings[0].message


async def test_an_entry_past_the_service_stays_found_though_checkpoints_take_it_in(
    house: House, tmp_path: Path
) -> None:
    await grow(house, SIZE)
    auditor = an_auditor(house, tmp_path)
    await forge(house)

    with capture_logs() as lines:
        await auditor.keep_checkpoints(NOW)
        await grow(house, 1)
        await auditor.keep_checkpoints(NOW)

    verdict, forged = await auditor.verify(TENANT), await auditor.entry(TENANT, SIZE + 1)
    note = (await auditor.entry(TENANT, SIZE + 2)).entry
    (warned,) = [each for each in lines if each["event"] == "audit.adopted"]
    assert told(verdict) == [(Tampering.ADOPTED, SIZE + 1, SIZE + 1)]
    assert f"Entry {SIZE + 1} stood outside the chain until" in verdict.findings[0].message
    assert (note.principal, note.action) == ("dataops", "adoption")
    assert note.detail == {"count": 1, "entry_ids": [str(forged.entry.entry_id)]}
    assert (warned["log_level"], warned["tenant"], warned["first"]) == ("warning", TENANT, SIZE + 1)


@pytest.mark.parametrize("name", BETRAYED_BY_CHECKPOINTS)
async def test_what_the_database_alone_cannot_tell_the_checkpoints_do(
    house: House, tmp_path: Path, name: str
) -> None:
    harm, expected, words = BETRAYED_BY_CHECKPOINTS[name]
    await a_guarded_trail(house, tmp_path)

    await harm(house)

    alone = await an_auditor(house, tmp_path / "no checkpoints").verify(TENANT)
    verdict = await an_auditor(house, tmp_path).verify(TENANT)
    assert alone.is_intact
    assert told(verdict) == expected
    assert words in verdict.findings[0].message


async def test_a_trail_written_anew_after_a_checkpoint_is_told_from_there(
    house: House, tmp_path: Path
) -> None:
    await a_guarded_trail(house, tmp_path)
    await edit(house, SIZE - 5, principal="nobody")

    await rebuild(house)

    verdict = await an_auditor(house, tmp_path).verify(TENANT)
    assert told(verdict) == [(Tampering.REBUILT, SIZE // 2 + 1, SIZE)]


async def test_an_entry_that_was_dated_back_into_the_chain_is_found(
    house: House, tmp_path: Path
) -> None:
    await a_guarded_trail(house, tmp_path)
    later = update(audit).where(audit.c.sequence > 20).values(sequence=audit.c.sequence + 1000)
    await run(house, later)
    await forge(house)
    await run(
        house,
        update(audit)
        .where(audit.c.sequence.is_(None))
        .values(sequence=21, digest="f" * 64, prev_hash="f" * 64, hash="f" * 64),
    )
    await run(
        house, update(audit).where(audit.c.sequence > 1000).values(sequence=audit.c.sequence - 999)
    )

    verdict = await an_auditor(house, tmp_path).verify(TENANT)

    assert (Tampering.EDITED, 21, 21) in told(verdict)
    assert (Tampering.MOVED, 22, SIZE + 1) in told(verdict)


async def test_the_trail_of_a_tenant_that_is_all_gone_is_still_asked_for(
    house: House, tmp_path: Path
) -> None:
    await grow(house, 3)
    await grow(house, 3, tenant=OTHERS.tenant)
    auditor = an_auditor(house, tmp_path)
    await auditor.keep_checkpoints(NOW)
    await disarm(house)
    await run(house, audit.delete().where(audit.c.tenant == OTHERS.tenant))

    tenants = await auditor.tenants()

    assert tenants == [TENANT, OTHERS.tenant]
    assert told(await auditor.verify(OTHERS.tenant)) == [(Tampering.TRUNCATED, 1, 3)]


@pytest.mark.parametrize("name", ["globex", "a tenant/of two"])
async def test_a_bad_checkpoint_of_a_tenant_that_is_all_gone_stops_nothing(
    house: House, tmp_path: Path, name: str
) -> None:
    await grow(house, 3)
    auditor = an_auditor(house, tmp_path)
    await grow(house, 3, tenant=name)
    await auditor.keep_checkpoints(NOW)
    await grow(house, 1, tenant=name)
    await auditor.keep_checkpoints(NOW)
    await disarm(house)
    await run(house, audit.delete().where(audit.c.tenant == name))
    first, last = sorted((tmp_path / "anchors" / checkpoints_of(name)).glob("[!.]*"))

    last.write_bytes(b"nothing")
    one_is_bad = await auditor.tenants()
    first.write_bytes(b"nothing")
    both_are_bad = await auditor.tenants()

    folder = checkpoints_of(name).rpartition("/")[2]
    assert (one_is_bad, both_are_bad) == (sorted([TENANT, name]), sorted([TENANT, folder]))
    assert told(await auditor.verify(folder)) == [(Tampering.UNREADABLE, 0, 0)] * 2
    assert (await auditor.verify(TENANT)).is_intact


async def test_the_same_trail_has_one_checkpoint_however_often_it_is_kept(
    house: House, tmp_path: Path
) -> None:
    await grow(house, 3)
    auditor = an_auditor(house, tmp_path)

    kept = [await auditor.keep_checkpoints(NOW.replace(day=day)) for day in (2, 3, 4)]

    assert kept == [1, 1, 1]
    assert (await auditor.verify(TENANT)).checkpoints == 1


async def test_no_trail_has_no_checkpoint(house: House, tmp_path: Path) -> None:
    auditor = an_auditor(house, tmp_path)

    assert await auditor.keep_checkpoints(NOW) == 0
    assert list(await auditor.tenants()) == []
    assert (await auditor.verify(TENANT)).is_intact


@pytest.mark.parametrize("harm", ["damaged", "foreign", "misplaced"])
async def test_a_checkpoint_that_cannot_be_held_against_the_trail_is_told(
    house: House, tmp_path: Path, harm: str
) -> None:
    await grow(house, 3)
    await grow(house, 3, tenant=OTHERS.tenant)
    auditor = an_auditor(house, tmp_path)
    await auditor.keep_checkpoints(NOW)
    (mine,) = (tmp_path / "anchors" / "audit" / TENANT).iterdir()
    (theirs,) = (tmp_path / "anchors" / "audit" / OTHERS.tenant).iterdir()
    mine.chmod(0o640)
    if harm == "damaged":
        mine.write_bytes(mine.read_bytes()[:-4])
    elif harm == "foreign":
        mine.write_bytes(b"words")
    else:
        mine.write_bytes(theirs.read_bytes())

    verdict = await auditor.verify(TENANT)

    assert [each.kind for each in verdict.findings] == [Tampering.UNREADABLE]


async def test_an_entry_is_shown_by_its_number(house: House, tmp_path: Path) -> None:
    await grow(house, 3)
    auditor = an_auditor(house, tmp_path)

    found = await auditor.entry(TENANT, 2)

    assert found.sequence == 2
    with pytest.raises(NotFound, match="no entry 4"):
        await auditor.entry(TENANT, 4)
    with pytest.raises(NotFound, match="no entry 0"):
        await auditor.entry(TENANT, 0)


async def test_nothing_is_changed_while_the_guards_stand(house: House) -> None:
    await grow(house, 2)
    changes = [
        update(audit).values({each: None})
        for each in (audit.c.detail, audit.c.sequence, audit.c.hash, audit.c.prev_hash)
    ]

    refusals = [await refusal(house, each) for each in (*changes, audit.delete())]

    assert [each for each in refusals if "never changed and never deleted" not in each] == []
    assert len(await run(house, select(audit.c.sequence))) == 2
