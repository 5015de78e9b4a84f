"""Logs as events with fields, and the metrics page for Prometheus."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest

if TYPE_CHECKING:
    from registry.metrics import Figures
    from service.settings import Settings


def set_up_logs(settings: Settings) -> None:
    """Write logs to stderr: one JSON object a line, or coloured text for people."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    render = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def metrics_page(figures: Figures, turns: int) -> bytes:
    """Write the metrics page: the eight success metrics, and how busy the engine is."""
    registry = CollectorRegistry()
    for name, (help_text, value) in _gauges(figures).items():
        if value is not None:
            Gauge(name, help_text, registry=registry).set(value)
    status = Gauge("dataops_datasets", "Datasets by status.", ["status"], registry=registry)
    for each, count in figures.by_status.items():
        status.labels(each.value if hasattr(each, "value") else str(each)).set(count)
    Gauge("dataops_turns", "Turns under way in this process.", registry=registry).set(turns)
    return generate_latest(registry)


def _gauges(figures: Figures) -> dict[str, tuple[str, float | None]]:
    return {name: (text, getattr(figures, field)) for name, (text, field) in _GAUGES.items()}


_GAUGES: dict[str, tuple[str, str]] = {}
