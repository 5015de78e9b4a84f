"""Rendering: templates into pages that carry the strictest content security policy they can."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from domain import quality
from domain.events import AdditiveEvent, SeedEvent
from domain.lifecycle import TeardownStep

if TYPE_CHECKING:
    from domain.record import JsonObject

FOLDER = Path(__file__).resolve().parent
"""Where templates and static files lie: beside this module."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""What every page is sent with: nothing inline runs, and nothing foreign loads."""

EVENT_NAMES = tuple(each.__name__ for each in (*get_args(SeedEvent), *get_args(AdditiveEvent)))
"""The events a live page listens for."""

_SUBJECT = re.compile(r"^Dataset \S+ \([0-9a-f-]{36}\):? ")

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def render(name: str, page: JsonObject, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Render a template with a page's data into an answer."""
    content = _ENVIRONMENT.get_template(name).render(page=page, event_names=EVENT_NAMES)
    return HTMLResponse(content, status, HEADERS)


def words(value: str) -> str:
    """Write an identifier of ours as words: `connector_health` as `connector health`."""
    return value.replace("_", " ")


def step(value: str) -> str:
    """Say where a teardown stands by the step that comes next; its grace period is gone through."""
    return "in its grace period" if value == TeardownStep.GRACE else f"next: {words(value)}"


def percent(score: float | None) -> str:
    """Write a score of 0 to 1 in percent, with four digits as verdicts do."""
    return "–" if score is None else quality.percent(score)


def without_subject(message: str) -> str:
    """Leave out which dataset a message is about, where the place it is shown at says so.

    What is left begins in upper case, unless it begins with an identifier.
    """
    told = _SUBJECT.sub("", message)
    return told[:1].upper() + told[1:] if told.partition(" ")[0].isalpha() else told


def moment(value: str | None) -> str:
    """Write an RFC 3339 time for people, in UTC to the second."""
    if value is None:
        return "–"
    return datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock_time(value: str) -> str:
    """Write the time of day of an RFC 3339 time, in UTC."""
    return datetime.fromisoformat(value).strftime("%H:%M:%S")


def span(seconds: float | None) -> str:
    """Write a length of time in its two largest units, such as `2 h 5 min`."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    left, parts = round(timedelta(seconds=seconds).total_seconds()), []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def number(value: float | None) -> str:
    """Write a number with thousands apart."""
    return "–" if value is None else f"{value:,.10g}".replace(",", "\u202f")


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= _FILTERS
    return made


_FILTERS: dict[str, Any] = {
    "words": words,
    "step": step,
    "percent": percent,
    "without_subject": without_subject,
    "moment": moment,
    "clock_time": clock_time,
    "span": span,
    "number": number,
}

_ENVIRONMENT = _environment()
