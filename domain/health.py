"""The health of a READY dataset's connector: three failures demote, two successes recover."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from domain.rules import LifecycleRules


MOST_DOUBLINGS = 5
"""So often the row of successes doubles that an incident's next gate demands."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the last probes said.

    `failures`, `successes` and `silences` (probes that were lost) count in a row; `incident_id` and
    `incident_since` mark an episode from the demotion until the gate has passed again, and `gates`
    counts those it has failed; `next_probe_at` is when to knock; `gate_since` is since when the
    gate has last had to decide.
    """

    failures: int = 0
    successes: int = 0
    last_message: str = ""
    next_probe_at: datetime | None = None
    incident_id: UUID | None = None
    incident_since: datetime | None = None
    gates: int = 0
    silences: int = 0
    gate_since: datetime | None = None

    @property
    def is_incident(self) -> bool:
        """Whether an episode of illness is open."""
        return self.incident_id is not None

    def is_ill(self, rules: LifecycleRules) -> bool:
        """Whether an episode is open and too few probes have passed to run the gate again."""
        return self.is_incident and not self.is_recovered(rules)

    def after_success(self, now: datetime, rules: LifecycleRules) -> Health:
        """Count a probe that passed."""
        return replace(
            self,
            failures=0,
            successes=self.successes + 1,
            silences=0,
            last_message="",
            next_probe_at=now + rules.health_interval,
        )

    def after_failure(self, message: str, now: datetime, rules: LifecycleRules) -> Health:
        """Count a probe that failed, with its reason."""
        return replace(
            self,
            failures=self.failures + 1,
            successes=0,
            silences=0,
            last_message=message,
            next_probe_at=now + rules.health_interval,
        )

    def after_silence(self, now: datetime, rules: LifecycleRules) -> Health:
        """Count a probe that was lost, which by itself says nothing of the connector."""
        return replace(self, silences=self.silences + 1, next_probe_at=now + rules.health_interval)

    def opened(self, incident_id: UUID, now: datetime) -> Health:
        """Open an incident; one id lasts over the whole episode."""
        return replace(self, incident_id=incident_id, incident_since=now, successes=0, gates=0)

    def watched(self, incident_id: UUID, now: datetime, rules: LifecycleRules) -> Health:
        """Open an incident that nobody waits for: the connector of a FAILED dataset is probed."""
        opened = self.opened(incident_id, now).given_up()
        return replace(opened, next_probe_at=now + rules.health_interval)

    def trusted(self, now: datetime, rules: LifecycleRules) -> Health:
        """Run the gate at once because somebody asks; an open incident has its patience anew."""
        if not self.is_incident:
            return self.closed()
        return replace(
            self, failures=0, successes=rules.successes_to_recover, incident_since=now, gates=0
        )

    def at_gate(self, now: datetime) -> Health:
        """Start the time in which the gate has to decide."""
        return replace(self, gate_since=now)

    def given_up(self) -> Health:
        """Wait no longer for an incident to end; it stays open, and its connector is probed."""
        return replace(self, incident_since=None)

    def is_demoting(self, rules: LifecycleRules) -> bool:
        """Whether enough probes in a row have failed to take READY away."""
        return self.failures >= rules.failures_to_demote

    def is_recovered(self, rules: LifecycleRules) -> bool:
        """Whether enough probes in a row have passed to run the whole gate again.

        Each gate that the incident has failed doubles the row: a gate costs a whole validation.
        """
        return self.successes >= rules.successes_to_recover << min(self.gates, MOST_DOUBLINGS)

    def is_overdue(self, now: datetime, rules: LifecycleRules) -> bool:
        """Whether an incident has outlasted our patience."""
        until = self.patience_ends(rules)
        return until is not None and now >= until and self.is_ill(rules)

    def patience_ends(self, rules: LifecycleRules) -> datetime | None:
        """Tell when an incident will have outlasted our patience."""
        since = self.incident_since
        return None if since is None else since + rules.incident_patience

    def closed(self) -> Health:
        """Close the incident; the counts of failures begin anew."""
        return replace(self, failures=0, incident_id=None, incident_since=None)

    def resumed(self, now: datetime) -> Health:
        """Give an open incident its full patience again, for the connector has answered."""
        return replace(self, incident_since=now)

    def restarted(self) -> Health:
        """Demand a whole row of successes, twice as long, before an open incident's next gate."""
        return replace(self, successes=0, gates=self.gates + 1)
