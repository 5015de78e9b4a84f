"""Success: the eight metrics the product is measured by, each with its target and how it was before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a metric is counted in: a share of 0 to 1, or seconds."""

    SHARE = "share"
    SECONDS = "seconds"


class Bound(StrEnum):
    """On which side of its target a metric has to be; only AT_LEAST takes the target itself."""

    BELOW = "below"
    ABOVE = "above"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True)
class SuccessMetric:
    """One metric (seed: Success Metrics): what is measured, and where it has to be.

    `number` is the requirement's, `key` the name for machines, `of` what it is counted over,
    `target` in `unit`; `baseline` is how it was by hand, as the seed tells it, empty where it
    tells nothing.
    """

    number: str
    key: str
    name: str
    measured: str
    of: str
    unit: Unit
    bound: Bound
    target: float
    baseline: str = ""

    def is_met(self, value: float | None) -> bool | None:
        """Whether a value is where it has to be; of no value nobody can say (None)."""
        if value is None:
            return None
        if self.bound is Bound.BELOW:
            return value < self.target
        return value > self.target or (self.bound is Bound.AT_LEAST and value == self.target)


PROVISIONING_TIME = SuccessMetric(
    "R91",
    "provisioning_time",
    "Provisioning time",
    "from the request to the first READY, or in vain so far; of the last 30 days' datasets 95 of "
    "100 took no longer",
    "datasets",
    Unit.SECONDS,
    Bound.BELOW,
    3600.0,
    "4 to 6 hours by hand",
)
FIRST_PASS = SuccessMetric(
    "R92",
    "quality_pass_rate",
    "Quality pass rate",
    "share of the last 30 days' validated datasets that passed all four checks at the first attempt",
    "datasets",
    Unit.SHARE,
    Bound.AT_LEAST,
    0.95,
    "70 %",
)
TEARDOWN_SUCCESS = SuccessMetric(
    "R93",
    "teardown_success",
    "Teardown success",
    "share of the teardowns past their grace period that are archived",
    "teardowns",
    Unit.SHARE,
    Bound.AT_LEAST,
    1.0,
    "85 %, 15 % were left as orphans",
)
TEMPLATE_COVERAGE = SuccessMetric(
    "R94",
    "template_coverage",
    "Mock data template coverage",
    "share of the sandbox datasets that are made from a template",
    "datasets",
    Unit.SHARE,
    Bound.AT_LEAST,
    1.0,
    "none: there was no mock data",
)
AVERAGE_QUALITY = SuccessMetric(
    "R95",
    "average_quality",
    "Average quality score",
    "mean of the last scores of the datasets that are active or of the last 30 days",
    "datasets",
    Unit.SHARE,
    Bound.ABOVE,
    0.97,
)
CONNECTOR_UPTIME = SuccessMetric(
    "R96",
    "connector_uptime",
    "Connector uptime",
    "share of the probes of the last 30 days that passed",
    "probes",
    Unit.SHARE,
    Bound.ABOVE,
    0.995,
)
ORPHAN_DETECTION = SuccessMetric(
    "R97",
    "orphan_detection",
    "Orphan detection",
    "time since all datasets were last looked at; no orphan goes unfound for longer",
    "active datasets",
    Unit.SECONDS,
    Bound.BELOW,
    86400.0,
)
RETENTION_COMPLIANCE = SuccessMetric(
    "R98",
    "retention_compliance",
    "Archive retention compliance",
    "share of the archives that are there, or were for their time",
    "archives",
    Unit.SHARE,
    Bound.AT_LEAST,
    1.0,
)

SUCCESS_METRICS = (
    PROVISIONING_TIME,
    FIRST_PASS,
    TEARDOWN_SUCCESS,
    TEMPLATE_COVERAGE,
    AVERAGE_QUALITY,
    CONNECTOR_UPTIME,
    ORPHAN_DETECTION,
    RETENTION_COMPLIANCE,
)
"""The seed's four primary metrics and its four secondary ones, in its order."""
