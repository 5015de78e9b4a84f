"""What people read: tables and sentences by Rich, and JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.quality import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PIPE_WIDTH = 160
"""Columns of a table that is written into a pipe, unless COLUMNS says otherwise."""

_COLOURS = {
    "ready": "green",
    "failed": "red",
    "teardown": "yellow",
    "archived": "dim",
    "ok": "green",
    "broken": "red",
}

_FIRST = (
    "connector_name",
    "status",
    "error",
    "quality_score",
    "decided_by",
    "would_pass_if",
    "record_count",
    "template_id",
    "dataset_id",
    "client_ref",
    "journey_ref",
    "stage",
    "dataset_type",
)
"""What people look for first in a dataset."""


def output() -> Console:
    """Give the console on stdout."""
    return _console(stderr=False)


def errors() -> Console:
    """Give the console on stderr."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    """Give a console that writes escape bytes only for a terminal, and none under NO_COLOR."""
    is_plain = bool(os.environ.get("NO_COLOR"))
    stream = sys.stderr if stderr else sys.stdout
    is_narrow = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        stderr=stderr,
        highlight=False,
        color_system=None if is_plain else "auto",
        force_terminal=False if is_plain else None,
        width=None if is_narrow else PIPE_WIDTH,
    )


def document(value: Any) -> None:
    """Print one JSON document on one line; of a stream, each event is one."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def line(words: str) -> None:
    """Print one line, however long it is."""
    output().print(Text(words), soft_wrap=True)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; a cell that is too long goes on in the next line, it is never cut."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        shown.add_column(head, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(each, _COLOURS.get(each, "")) for each in row))
    output().print(shown)


def fields(values: Mapping[str, Any], first: Iterable[str] = ()) -> None:
    """Print names and values, one a line, `first` on top; what is None or empty is left out."""
    ordered = {name: values.get(name) for name in first} | dict(values)
    rows = [(name, worded(each)) for name, each in ordered.items() if each not in (None, "", [])]
    width = max((len(name) for name, _ in rows), default=0)
    for name, words in rows:
        line(f"{name:<{width}}  {words}")


def worded(value: Any) -> str:
    """Write a value for people."""
    match value:
        case str():
            return value
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() if all(isinstance(each, str) for each in value):
            return ", ".join(value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return f"{value:.6g}" if isinstance(value, float) else str(value)


def datasets(data: Mapping[str, Any]) -> None:
    """Print datasets in a table; where some share a name, each has its id beside it."""
    found = data.get("datasets", [])
    heads = ["connector", "status", "quality", "records", "generation", "journey"]
    rows = [_row(each) for each in found]
    if len({each["connector_name"] for each in found}) < len(found):
        heads.append("dataset")
        rows = [[*row, each["dataset_id"]] for row, each in zip(rows, found, strict=True)]
    if rows:
        table(heads, rows)


def _row(dataset: Mapping[str, Any]) -> list[str]:
    """Give a dataset's line; one that is just accepted does not tell all of it yet."""
    return [
        dataset["connector_name"],
        dataset["status"],
        share(dataset.get("quality_score")),
        *(worded(dataset.get(name)) for name in ("record_count", "generation", "journey_ref")),
    ]


def dataset(data: Mapping[str, Any]) -> None:
    """Print everything about one dataset, its checks with their evidence last."""
    found = dict(data["datasets"][0])
    checks = found.pop("checks", [])
    fields({**found, "quality_score": share(found.get("quality_score"))}, _FIRST)
    checked(checks)


def checked(checks: Sequence[Mapping[str, Any]]) -> None:
    """Print checks: how each went and by what evidence."""
    if not checks:
        return
    rows = [
        (
            each["check_type"],
            "passed" if each["passed"] else "failed",
            share(each["score"]),
            _evidence(each["details"]),
        )
        for each in checks
    ]
    line("")
    table(("check", "verdict", "score", "evidence"), rows)


def share(value: float | None) -> str:
    """Write a score from 0.0 to 1.0 in per cent; one below a threshold never reads as at it."""
    return "-" if value is None else percent(value)


def _evidence(details: Mapping[str, Any]) -> str:
    plain = {name: each for name, each in details.items() if not isinstance(each, dict | list)}
    faults = details.get("failed") or details.get("faults")
    told = [f"{name} {worded(each)}" for name, each in plain.items()]
    return ", ".join(told) + (f"; {worded(faults)}" if faults else "")
