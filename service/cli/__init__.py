"""The command line: `dataops`, for people by default and for machines with `--json`.

Every command imports what it needs inside its function, and help is plain text, so that it appears
at once.
"""

from __future__ import annotations

import os
import sys

import typer

from service.cli import (
    approvals,
    audit,
    catalogue,
    datasets,
    history,
    journeys,
    measures,
    orphans,
    running,
)
from service.cli.ending import Commands, broken_off

_EPILOG = (
    "Start here: dataops demo · Exit codes: 0 ok, 1 failed, 2 usage, "
    "3 not ready (quality gate), 4 unreachable, 5 not allowed"
)

app = typer.Typer(
    name="dataops",
    help="Datasets for enterprise-search roll-outs, from request to archive.",
    epilog=_EPILOG,
    cls=Commands,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
running.add_to(app)
datasets.add_to(app)
journeys.add_to(app)
approvals.add_to(app)
catalogue.add_to(app)
history.add_to(app)
audit.add_to(app)
app.command(rich_help_panel=history.PANEL)(measures.metrics)
orphans.add_to(app)
app.command(rich_help_panel=history.PANEL)(running.migrate)


def main() -> None:
    """Run the command line; a closed stdout is written to as /dev/null is."""
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    try:
        app(prog_name="dataops")
    except OSError as error:
        broken_off(error)
