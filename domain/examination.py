"""The examination of an audit trail: whether each entry is what was written, and where."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from domain import tampering
from domain.audit import ADOPTION, GENESIS, link_hash
from domain.tampering import MOST_TOLD, Finding, Tampering, Verdict

if TYPE_CHECKING:
    from domain.audit import ChainedEntry, Checkpoint

_REACH = 16
"""How far from its place an entry is looked for that was written elsewhere."""


@dataclass(slots=True)
class _Suspect:
    """An entry that is not as it was written, and those behind it that were moved as far.

    `says` is the digest of what it says now; `shift` how much higher its number was, None where
    it is not known.
    """

    link: ChainedEntry
    last: int
    says: str
    shift: int | None = None


class Examination:
    """Looks through a tenant's trail, entry by entry in the order of their numbers.

    The checkpoints are to be read before the entries: what is written meanwhile harms nothing.
    """

    def __init__(self, tenant: str, checkpoints: Iterable[Checkpoint] = ()) -> None:
        """Hold the trail to these checkpoints."""
        self._tenant = tenant
        self._checkpoints = sorted(checkpoints, key=lambda each: each.size)
        self._met = self._agreed = 0
        self._count, self._last, self._head = 0, 0, GENESIS
        self._rebuilt: Finding | None = None
        self._findings: list[Finding] = []
        self._adopted: deque[ChainedEntry] = deque(maxlen=MOST_TOLD)
        self._suspects: list[_Suspect] = []
        self._left_out = 0

    def take(self, link: ChainedEntry) -> None:
        """Look at the next entry."""
        self._count += 1
        if link.sequence == self._last:
            self._find(tampering.repeated(link.sequence))
            return
        self._look_before(link)
        self._look_inside(link)
        self._compare(link)
        if link.entry.action == ADOPTION:
            self._left_out += len(self._adopted) == MOST_TOLD
            self._adopted.append(link)
        self._last, self._head = link.sequence, link.hash

    def verdict(self, unchained: int = 0, unreadable: Iterable[Finding] = ()) -> Verdict:
        """Tell what was found.

        `unchained` counts the tenant's entries that are in no chain; `unreadable` is what was
        found of its checkpoints already.
        """
        swapped = list(self._swapped())
        found = [each for each in self._findings if not _follows_from(each, swapped)]
        found += [*swapped, *self._changed(swapped), *self._ending(), *unreadable]
        if unchained:
            found.append(tampering.unchained(unchained))
        found.sort(key=lambda each: (each.first, each.last))
        found += map(tampering.adopted, self._adopted)  # last, for they are told of for ever
        left_out = self._left_out + max(0, len(found) - MOST_TOLD)
        head = self._head if self._count else None
        told = tuple(found[:MOST_TOLD])
        return Verdict(self._tenant, self._count, head, len(self._checkpoints), told, left_out)

    def _look_before(self, link: ChainedEntry) -> None:
        """Whether an entry is the next one, and was written after the one before it."""
        if link.sequence > self._last + 1:
            self._find(tampering.missing(self._last + 1, link.sequence - 1))
        elif link.prev_hash != self._head:
            self._find(tampering.detached(link.sequence))

    def _look_inside(self, link: ChainedEntry) -> None:
        """Whether an entry says what it said, in the place where it was written."""
        says = link.entry.digest
        if says != link.digest:
            self._suspect(_Suspect(link, link.sequence, says))
        elif not _is_held(link, link.sequence, link.digest):
            near = range(link.sequence - _REACH, link.sequence + _REACH + 1)
            found = (each for each in near if _is_held(link, each, link.digest))
            shift = next((each - link.sequence for each in found), None)
            self._suspect(_Suspect(link, link.sequence, says, shift))

    def _suspect(self, suspect: _Suspect) -> None:
        """Take note of a suspect, as one with those before it where all were moved as far."""
        before = self._suspects[-1] if self._suspects else None
        if before and before.shift == suspect.shift is not None and before.last == self._last:
            before.last = suspect.last
        elif len(self._suspects) < MOST_TOLD:
            self._suspects.append(suspect)
        else:
            self._left_out += 1

    def _compare(self, link: ChainedEntry) -> None:
        """Hold an entry to the checkpoints that saw it as the last one."""
        while self._met < len(self._checkpoints):
            seen = self._checkpoints[self._met]
            if seen.size > link.sequence:
                return
            self._met += 1
            if seen.size == link.sequence and seen.head_hash == link.hash:
                self._agreed = seen.size
            elif seen.size == link.sequence and self._rebuilt is None:
                self._rebuilt = tampering.rebuilt(self._agreed, seen)

    def _ending(self) -> Iterator[Finding]:
        """Give what the checkpoints tell: of a trail written anew, or longer once."""
        if self._rebuilt is not None:
            yield self._rebuilt
        if self._met < len(self._checkpoints):
            yield tampering.truncated(self._last, self._checkpoints[-1])

    def _swapped(self) -> Iterator[Finding]:
        """Give each two entries of which one stands, or speaks, in the other's place."""
        for one, other in combinations(self._suspects, 2):
            if _are_swapped(one, other):
                yield tampering.swapped(one.link.sequence, other.link.sequence)

    def _changed(self, swapped: list[Finding]) -> Iterator[Finding]:
        """Give each suspect that was not swapped."""
        told = {number for each in swapped for number in (each.first, each.last)}
        for each in self._suspects:
            if each.shift is not None and each.link.sequence not in told:
                yield tampering.moved(each.link.sequence, each.last, each.shift)
            elif each.link.sequence not in told:
                yield tampering.edited(each.link.sequence)

    def _find(self, finding: Finding) -> None:
        if len(self._findings) < MOST_TOLD:
            self._findings.append(finding)
        else:
            self._left_out += 1


def _is_held(link: ChainedEntry, sequence: int, digest: str) -> bool:
    """Whether an entry's hash is that of this number and this digest after what was before it."""
    return link_hash(sequence, digest, link.prev_hash) == link.hash


def _are_swapped(one: _Suspect, other: _Suspect) -> bool:
    """Whether two suspects have changed their words, their contents or their numbers."""
    mine, its = one.link, other.link
    words = one.says == its.digest and other.says == mine.digest
    contents = _is_held(mine, mine.sequence, its.digest) and _is_held(
        its, its.sequence, mine.digest
    )
    numbers = _is_held(mine, its.sequence, mine.digest) and _is_held(its, mine.sequence, its.digest)
    return words or contents or numbers


def _follows_from(finding: Finding, swapped: list[Finding]) -> bool:
    """Whether an entry is only detached because its neighbour, or itself, was swapped."""
    told = {number for each in swapped for number in (each.first, each.last)}
    return finding.kind is Tampering.DETACHED and bool(told & {finding.first, finding.first - 1})
