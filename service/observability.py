"""Logs as events with fields, and the metrics page with the seed's eight success metrics."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from service.success import SuccessCollector

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from structlog.typing import EventDict

    from registry.metrics import Figures
    from service.settings import Settings


def set_up_logs(settings: Settings) -> None:
    """Write logs to stderr, ours and those of libraries: a JSON object a line, or text for people.

    Of libraries, only warnings and what is worse is written: below that they tell whole messages.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_SHARED, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_stderr,
    )
    _take_in_libraries(render, max(level, logging.WARNING))


def _take_in_libraries(render: structlog.typing.Processor, level: int) -> None:
    root, handler = logging.getLogger(), _ToStderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_SHARED, _on_one_line],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    for each in [each for each in root.handlers if isinstance(each, _ToStderr)]:
        root.removeHandler(each)
    root.addHandler(handler)
    root.setLevel(level)


class _ToStderr(logging.Handler):
    """Writes to what stderr is now."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


def _on_one_line(_: Any, __: str, event: EventDict) -> EventDict:
    """Let nothing that a caller sent steer a terminal, or look like a line of its own."""
    text = str(event["event"])
    event["event"] = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return event


def _to_stderr(*_: object) -> structlog.PrintLogger:
    """Write to what stderr is now: it may have been replaced, and the old one closed, since."""
    return structlog.PrintLogger(sys.stderr)


def metrics_page(figures: Figures, turns: int, now: datetime) -> bytes:
    """Write the metrics page; a figure nobody can tell yet is left out, never 0."""
    registry = CollectorRegistry()
    told = _success(figures, now) | _orphans(figures, now) | _operations(figures, turns, now)
    for name, (text, value) in told.items():
        if value is not None:
            Gauge(name, text, registry=registry).set(value)
    status = Gauge("dataops_datasets", "Datasets by status.", ["status"], registry=registry)
    for each, count in figures.by_status.items():
        status.labels(each.value).set(count)
    registry.register(SuccessCollector(figures, now))
    return generate_latest(registry)


def _success(figures: Figures, now: datetime) -> dict[str, tuple[str, float | None]]:
    """Name each of the seed's success metrics with its number and its target."""
    return {
        "dataops_provisioning_seconds_p50": (
            "R91: median of the last 30 days' times from request to READY, or so far; target below 3600.",
            _seconds(figures.provisioning_time(50)),
        ),
        "dataops_provisioning_seconds_p95": (
            "R91: 95th percentile of these times; target below 3600.",
            _seconds(figures.provisioning_time(95)),
        ),
        "dataops_first_pass_ratio": (
            "R92: share of the last 30 days' datasets that passed their first validation; target 0.95.",
            figures.first_pass_rate,
        ),
        "dataops_teardown_success_ratio": (
            "R93: share of teardowns past their grace period that are archived; target 1.",
            figures.teardown_success,
        ),
        "dataops_template_coverage_ratio": (
            "R94: share of sandbox datasets made from a template; target 1.",
            figures.template_coverage,
        ),
        "dataops_quality_score_average": (
            "R95: mean last score of active datasets and the last 30 days'; target above 0.97.",
            figures.average_quality,
        ),
        "dataops_connector_uptime_ratio": (
            "R96: share of the probes of the last 30 days that passed; target above 0.995.",
            figures.uptime,
        ),
        "dataops_connectors_watched": (
            "R96: connectors of datasets that are READY, or were before an open incident.",
            float(figures.connectors_watched),
        ),
        "dataops_connectors_well": (
            "R96: those of them that are well now.",
            float(figures.connectors_well),
        ),
        "dataops_connectors_up_ratio": (
            "R96: share of the watched connectors that are well now.",
            figures.connectors_up,
        ),
        "dataops_orphan_age_seconds": (
            "R97: how long ago the oldest orphan that is still active was first seen; target below 86400.",
            _age(figures.orphans.oldest_suspect_at, now),
        ),
        "dataops_orphan_scan_age_seconds": (
            "R97: how long ago all datasets were last looked at for orphans; target below 86400.",
            _age(figures.orphans.last_scan_at, now),
        ),
        "dataops_retention_compliance_ratio": (
            "R98: share of archives kept for their whole time; target 1.",
            figures.retention_compliance,
        ),
    }


def _orphans(figures: Figures, now: datetime) -> dict[str, tuple[str, float | None]]:
    """Name what tells of orphans on both sides."""
    return {
        "dataops_orphans": (
            "Active datasets that the last scan saw without an active journey.",
            float(figures.orphans.suspects),
        ),
        "dataops_strays": (
            "Datasources under our mark whose documents no dataset accounts for.",
            float(figures.orphans.strays),
        ),
        "dataops_stray_age_seconds": (
            "How long ago the oldest of them was first seen.",
            _age(figures.orphans.oldest_stray_at, now),
        ),
    }


def _operations(figures: Figures, turns: int, now: datetime) -> dict[str, tuple[str, float | None]]:
    """Name what tells of the engine's day."""
    oldest = figures.oldest_due_at
    return {
        "dataops_due": ("Datasets that wait for a turn or are in one.", float(figures.waiting)),
        "dataops_oldest_due_seconds": (
            "How long the one of them has been due that has been longest.",
            _age(oldest, now),
        ),
        "dataops_provisioning_failed": (
            "Datasets that are FAILED and were never READY.",
            float(figures.provisioning_failed),
        ),
        "dataops_turns": ("Turns under way in this process.", float(turns)),
        "dataops_events": ("Events in the outbox.", float(figures.events)),
        "dataops_audit_head_size": (
            "Entries of the audit trail; where this falls, somebody cut it off.",
            float(figures.audited),
        ),
    }


def _age(since: datetime | None, now: datetime) -> float | None:
    return _seconds(now - since) if since is not None else None


def _seconds(length: timedelta | None) -> float | None:
    return length.total_seconds() if length is not None else None
