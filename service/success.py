"""The success metrics as they stand: what history says of each, beside its target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TypedDict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from domain import quality, success
from domain.documents import Count, Moment
from domain.shape import OneOf
from domain.success import SUCCESS_METRICS, Bound, SuccessMetric, Unit

if TYPE_CHECKING:
    from datetime import datetime

    from prometheus_client.core import Metric

    from registry.metrics import Figures

_HOUR = 3600
_MINUTE = 60


class SuccessMetricDocument(TypedDict):
    """One success metric: `value` is null as long as there is no history, and so is `is_met`.

    It is the figure of `counted` things of the kind `of` names.
    """

    number: str
    key: str
    name: str
    measured: str
    unit: Annotated[str, OneOf(Unit)]
    bound: Annotated[str, OneOf(Bound)]
    target: float
    target_text: str
    value: float | None
    is_met: bool | None
    counted: Count
    of: str
    baseline: str | None


class SuccessDocument(TypedDict):
    """The eight success metrics of a tenant, at one moment."""

    at: Moment
    metrics: Sequence[SuccessMetricDocument]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a metric stands: its value (None: no history yet), and how many things that is of."""

    metric: SuccessMetric
    value: float | None
    counted: int

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None as long as nobody can say."""
        return self.metric.is_met(self.value)


def standings(figures: Figures, now: datetime) -> list[Standing]:
    """Tell where each of the eight stands now, in the seed's order."""
    found = _values(figures, now)
    return [Standing(each, *found[each]) for each in SUCCESS_METRICS]


def success_document(figures: Figures, now: datetime) -> SuccessDocument:
    """Describe the eight for machines and pages."""
    return {
        "at": now.isoformat(),
        "metrics": [_document(each) for each in standings(figures, now)],
    }


def target_text(metric: SuccessMetric) -> str:
    """Write a target for people, such as `below 60 min` or `at least 95 %`."""
    if metric.unit is Unit.SHARE and metric.target == 1:
        return quality.percent(metric.target)
    if metric.unit is Unit.SHARE:
        return f"{metric.bound} {quality.percent(metric.target)}"
    hours, minutes = metric.target / _HOUR, metric.target / _MINUTE
    return f"{metric.bound} {f'{hours:g} h' if hours > 1 else f'{minutes:g} min'}"


class SuccessCollector(Collector):
    """Exposes for Prometheus each target, whether it is met, and the counts that rates are of."""

    def __init__(self, figures: Figures, now: datetime) -> None:
        """Expose these figures, as they are now."""
        self._figures = figures
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Give the families; a metric without history has a target and no verdict."""
        named = ["number", "metric"]
        target = GaugeMetricFamily(
            "dataops_success_target",
            "Target of a success metric, as share or seconds.",
            None,
            named,
        )
        met = GaugeMetricFamily(
            "dataops_success_met",
            "Whether a success metric meets its target now: 1 or 0.",
            None,
            named,
        )
        for each in standings(self._figures, self._now):
            labels = [each.metric.number, each.metric.key]
            target.add_metric(labels, each.metric.target)
            if each.is_met is not None:
                met.add_metric(labels, float(each.is_met))
        yield from (target, met)
        for name, (text, count) in _counts(self._figures).items():
            yield CounterMetricFamily(name, text, count)


def _document(standing: Standing) -> SuccessMetricDocument:
    metric = standing.metric
    return {
        "number": metric.number,
        "key": metric.key,
        "name": metric.name,
        "measured": metric.measured,
        "unit": metric.unit.value,
        "bound": metric.bound.value,
        "target": metric.target,
        "target_text": target_text(metric),
        "value": standing.value,
        "is_met": standing.is_met,
        "counted": standing.counted,
        "of": metric.of,
        "baseline": metric.baseline or None,
    }


def _values(figures: Figures, now: datetime) -> dict[SuccessMetric, tuple[float | None, int]]:
    """Give each metric's value and how many things it is of."""
    times = figures.provisioning.lately
    return {
        success.PROVISIONING_TIME: (_seconds(figures.provisioning_time(95)), len(times)),
        success.FIRST_PASS: (figures.first_pass_rate, figures.first_attempts_lately),
        success.TEARDOWN_SUCCESS: (figures.teardown_success, figures.teardowns_due),
        success.TEMPLATE_COVERAGE: (figures.template_coverage, figures.sandbox_datasets),
        success.AVERAGE_QUALITY: (figures.average_quality, figures.scored),
        success.CONNECTOR_UPTIME: (figures.uptime, figures.probes),
        success.ORPHAN_DETECTION: (_seconds(figures.orphans_unseen(now)), figures.active),
        success.RETENTION_COMPLIANCE: (figures.retention_compliance, figures.teardowns_archived),
    }


def _counts(figures: Figures) -> dict[str, tuple[str, int]]:
    """Name the counts that only grow, for rates over any time."""
    made = figures.provisioning
    return {
        "dataops_provisioned": (
            "Datasets that became READY, or were not within 60 minutes.",
            made.count,
        ),
        "dataops_provisioned_late": ("Those of them that took 60 minutes or longer.", made.late),
        "dataops_first_attempts": ("Datasets that were validated.", figures.first_attempts),
        "dataops_first_passes": ("Those of them that passed at once.", figures.first_passes),
    }


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
