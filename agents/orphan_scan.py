"""A scan for orphans: what was seen of a fleet, and how it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from domain.orphans import Candidate, Fleet, OrphanJudgement


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan saw and how it is judged; `doubt` says why it was called off, if it was."""

    fleet: Fleet
    judgement: OrphanJudgement
    doubt: str

    def candidates(self, ids: tuple[UUID, ...]) -> list[Candidate]:
        """Give the candidates of these ids whom nobody has spared or is being asked about."""
        by_id = {each.dataset_id: each for each in self.fleet.candidates}
        found = [by_id[each] for each in ids]
        return [each for each in found if not (each.is_spared or each.is_asked)]

    @property
    def orphans(self) -> list[Candidate]:
        """Those that end now."""
        return self.candidates(self.judgement.orphans)

    @property
    def questionable(self) -> list[Candidate]:
        """Those that end only if somebody agrees."""
        return self.candidates(self.judgement.to_approve)
