"""The examination of an audit trail: each kind of tampering is found, and where, in the right words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit import ADOPTION, GENESIS, SYSTEM, AuditEntry, ChainedEntry, Checkpoint, link_hash
from domain.examination import Examination
from domain.record import JsonObject
from domain.tampering import MOST_TOLD, Finding, Tampering, Verdict, unreadable

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

Trail = list[ChainedEntry]


def an_entry(number: int, action: str = "change") -> AuditEntry:
    return AuditEntry(
        "default", UUID(int=number), AT + timedelta(minutes=number), "alice", action, "task-1"
    )


def chained(entries: Sequence[AuditEntry]) -> Trail:
    """Chain entries as whoever writes them does."""
    trail, before = [], GENESIS
    for number, entry in enumerate(entries, 1):
        place = link_hash(number, entry.digest, before)
        trail.append(ChainedEntry(entry, number, entry.digest, before, place))
        before = place
    return trail


def a_trail(size: int = 10, action: str = "change") -> Trail:
    return chained([an_entry(each, action) for each in range(1, size + 1)])


def seen(trail: Trail, size: int) -> Checkpoint:
    """The checkpoint of a trail when it had so many entries."""
    return Checkpoint("default", size, trail[size - 1].hash, AT + timedelta(minutes=size))


def examined(trail: Trail, *checkpoints: Checkpoint, outside: int = 0) -> Verdict:
    examination = Examination("default", checkpoints)
    for each in trail:
        examination.take(each)
    return examination.verdict(outside)


def found(trail: Trail, *checkpoints: Checkpoint) -> list[tuple[str, int, int]]:
    return [
        (each.kind.value, each.first, each.last) for each in examined(trail, *checkpoints).findings
    ]


def renumbered(trail: Trail, numbers: Sequence[int]) -> Trail:
    """Give each entry another number, and read them in the new order."""
    moved = [replace(each, sequence=new) for each, new in zip(trail, numbers, strict=True)]
    return sorted(moved, key=lambda each: each.sequence)


@given(st.integers(0, 40), st.sets(st.integers(1, 40)))
def test_a_trail_as_it_was_written_is_intact(size: int, sizes: set[int]) -> None:
    trail = a_trail(size)
    checkpoints = [seen(trail, each) for each in sizes if each <= size]

    verdict = examined(trail, *checkpoints)

    assert verdict.is_intact
    assert (verdict.entries, verdict.checkpoints) == (size, len(checkpoints))
    assert verdict.head_hash == (trail[-1].hash if trail else None)


@given(st.data())
def test_whatever_single_thing_is_done_inside_a_trail_is_found(data: st.DataObject) -> None:
    trail, at = a_trail(12), data.draw(st.integers(0, 11))
    entry, wrong = trail[at], "f" * 64
    done = data.draw(
        st.sampled_from(
            [
                replace(entry, entry=an_entry(99)),
                replace(entry, digest=wrong),
                replace(entry, prev_hash=wrong),
                replace(entry, hash=wrong),
                replace(entry, sequence=entry.sequence + 100),
            ]
        )
    )
    trail[at] = done

    verdict = examined(sorted(trail, key=lambda each: each.sequence))

    assert not verdict.is_intact


def test_an_edited_entry_is_named() -> None:
    trail = a_trail()
    trail[4] = replace(trail[4], entry=replace(trail[4].entry, principal="bob"))

    (told,) = examined(trail).findings

    assert (told.kind, told.first, told.last) == (Tampering.EDITED, 5, 5)
    assert told.message.startswith("Entry 5 was edited")


def test_an_entry_that_was_edited_with_its_hashes_is_told_from_the_next_one() -> None:
    trail = a_trail()
    entry = replace(trail[4].entry, principal="bob")
    place = link_hash(5, entry.digest, trail[4].prev_hash)
    trail[4] = ChainedEntry(entry, 5, entry.digest, trail[4].prev_hash, place)

    assert found(trail) == [("detached", 6, 6)]


def test_the_first_entry_edited_as_if_there_was_one_before_it_is_found() -> None:
    trail = a_trail()
    trail[0] = replace(trail[0], prev_hash="f" * 64, hash=link_hash(1, trail[0].digest, "f" * 64))

    told = examined(trail).findings

    assert [each.first for each in told] == [1, 2]
    assert "the beginning of the trail" in told[0].message


@pytest.mark.parametrize(
    ("gone", "first", "last", "words"),
    [
        ({5}, 5, 5, "Entry 5 is missing: the trail goes on with entry 6"),
        ({5, 6, 7}, 5, 7, "Entries 5 to 7 are missing"),
        ({1}, 1, 1, "Entry 1 is missing"),
    ],
)
def test_entries_deleted_in_the_middle_are_named(
    gone: set[int], first: int, last: int, words: str
) -> None:
    trail = [each for each in a_trail() if each.sequence not in gone]

    (told,) = examined(trail).findings

    assert (told.kind, told.first, told.last) == (Tampering.MISSING, first, last)
    assert words in told.message


def test_a_deletion_whose_gap_was_closed_is_found_where_it_was() -> None:
    rest = [each for each in a_trail(40) if each.sequence != 5]

    verdict = examined(renumbered(rest, range(1, 40)))

    told = [(each.kind, each.first, each.last) for each in verdict.findings]
    assert told == [(Tampering.DETACHED, 5, 5), (Tampering.MOVED, 5, 39)]
    moved = next(each for each in verdict.findings if each.kind is Tampering.MOVED)
    assert moved.message == "Entries 5 to 39 were numbered 6 to 40 when written."


@pytest.mark.parametrize(("one", "other"), [(3, 4), (2, 9), (1, 40), (39, 40)])
def test_two_entries_that_changed_their_numbers_were_swapped(one: int, other: int) -> None:
    numbers = list(range(1, 41))
    numbers[one - 1], numbers[other - 1] = other, one

    assert found(renumbered(a_trail(40), numbers)) == [("swapped", one, other)]


@pytest.mark.parametrize("with_digest", [True, False])
def test_two_entries_that_changed_their_contents_were_swapped(with_digest: bool) -> None:
    trail = a_trail()
    one, other = trail[2], trail[7]
    trail[2], trail[7] = replace(one, entry=other.entry), replace(other, entry=one.entry)
    if with_digest:
        trail[2] = replace(trail[2], digest=other.digest)
        trail[7] = replace(trail[7], digest=one.digest)

    assert found(trail) == [("swapped", 3, 8)]


def test_an_entry_moved_far_away_is_missing_there_and_wrong_here() -> None:
    trail = a_trail(40)
    moved = renumbered([*trail[:1], *trail[2:]], [1, *range(3, 40), 41])

    assert found(moved) == [("missing", 2, 2), ("missing", 40, 40), ("moved", 41, 41)]


def test_a_number_that_is_there_twice_is_told() -> None:
    trail = a_trail()

    assert found([*trail[:5], trail[4], *trail[5:]]) == [("repeated", 5, 5)]


def test_a_tail_that_was_cut_off_is_found_by_a_checkpoint() -> None:
    trail = a_trail()

    (told,) = examined(trail[:7], seen(trail, 5), seen(trail, 9)).findings

    assert (told.kind, told.first, told.last) == (Tampering.TRUNCATED, 8, 9)
    assert "ends with entry 7, and at the checkpoint of 2026-03-02T09:39:00+00:00" in told.message


def test_a_tail_that_no_checkpoint_saw_is_not_missed() -> None:
    trail = a_trail()

    assert found(trail[:7], seen(trail, 7)) == []


def test_a_trail_that_is_all_gone_is_found_by_a_checkpoint() -> None:
    (told,) = examined([], seen(a_trail(), 9)).findings

    assert (told.kind, told.first, told.last) == (Tampering.TRUNCATED, 1, 9)
    assert "The trail is empty" in told.message


def test_a_trail_written_anew_is_found_by_a_checkpoint() -> None:
    before, anew = a_trail(), a_trail(action="nothing")

    (told,) = examined(anew, seen(before, 4), seen(before, 9)).findings

    assert (told.kind, told.first, told.last) == (Tampering.REBUILT, 1, 4)
    assert "written anew from its beginning: entry 4 is not the one" in told.message


def test_a_trail_written_anew_from_somewhere_is_told_between_two_checkpoints() -> None:
    before = a_trail()
    entries = [each.entry for each in before]
    entries[6] = an_entry(7, "nothing")

    (told,) = examined(chained(entries), seen(before, 4), seen(before, 9)).findings

    assert (told.kind, told.first, told.last) == (Tampering.REBUILT, 5, 9)
    assert "written anew after entry 4" in told.message


def test_one_of_two_checkpoints_that_disagree_is_against_the_trail() -> None:
    before, anew = a_trail(), a_trail(action="nothing")

    assert found(anew, seen(anew, 9), seen(before, 9)) == [("rebuilt", 9, 9)]
    assert found(anew, seen(before, 9), seen(anew, 9)) == [("rebuilt", 1, 9)]


def test_a_checkpoint_of_an_entry_that_is_missing_says_nothing_more() -> None:
    trail = a_trail()

    assert found([*trail[:4], *trail[5:]], seen(trail, 5)) == [("missing", 5, 5)]


@pytest.mark.parametrize(("outside", "words"), [(1, "1 entry stands"), (7, "7 entries stand")])
def test_entries_outside_the_chain_are_counted(outside: int, words: str) -> None:
    (told,) = examined(a_trail(), outside=outside).findings

    assert told.kind is Tampering.UNCHAINED
    assert words in told.message


@pytest.mark.parametrize(("count", "told"), [(2, (8, 9)), (1, (9, 9))])
def test_entries_that_were_taken_in_later_are_named_by_the_entry_that_says_so(
    count: int, told: tuple[int, int]
) -> None:
    taken_in = replace(an_entry(10, ADOPTION), principal=SYSTEM, detail={"count": count})

    findings = found(chained([*(an_entry(each) for each in range(1, 10)), taken_in]))

    assert findings == [("adopted", *told)]


@pytest.mark.parametrize("detail", [None, {}, {"count": "2"}, {"count": 99}])
def test_an_entry_that_does_not_say_what_was_taken_in_is_named_itself(
    detail: JsonObject | None,
) -> None:
    taken_in = replace(an_entry(1, ADOPTION), principal=SYSTEM, detail=detail)

    assert found(chained([taken_in])) == [("adopted", 1, 1)]


def test_nobody_else_is_believed_about_what_was_taken_in() -> None:
    taken_in = replace(an_entry(4, ADOPTION), detail={"count": 2})

    findings = found(chained([*(an_entry(each) for each in range(1, 4)), taken_in]))

    assert findings == [("adopted", 4, 4)]


def test_what_was_taken_in_hides_nothing_else() -> None:
    notes = [replace(an_entry(each, ADOPTION), principal=SYSTEM) for each in range(1, 40)]
    trail = chained([*notes, *(an_entry(each) for each in range(40, 45))])
    del trail[41]

    verdict = examined(trail)

    assert verdict.findings[0].kind is Tampering.MISSING
    assert (len(verdict.findings), verdict.left_out) == (MOST_TOLD, 20)


def test_checkpoints_that_cannot_be_read_are_told_with_the_rest() -> None:
    examination = Examination("default")

    verdict = examination.verdict(unreadable=[unreadable("folder:x is damaged.")])

    assert [each.kind for each in verdict.findings] == [Tampering.UNREADABLE]
    assert verdict.head_hash is None


def spoiled(trail: Trail) -> Trail:
    return [replace(each, entry=an_entry(500 + each.sequence)) for each in trail]


def torn(trail: Trail) -> Trail:
    return [each for each in trail if each.sequence % 2]


@pytest.mark.parametrize("harm", [spoiled, torn])
def test_of_very_many_findings_the_first_are_told_and_the_others_counted(
    harm: Callable[[Trail], Trail],
) -> None:
    verdict = examined(harm(a_trail(100)))

    every: list[Finding] = list(verdict.findings)
    assert len(every) == MOST_TOLD
    assert every[0].first in {1, 2}
    assert len(every) + verdict.left_out == (100 if harm is spoiled else 49)
