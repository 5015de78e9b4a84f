"""The command line: `dataops`, for people by default and for machines with `--json`.

Every command imports what it needs inside its function, so that help appears at once.
"""

from __future__ import annotations

import os
import sys

import typer

from service.cli import catalogue, datasets, history, running
from service.cli.ending import Commands

_EPILOG = (
    "Start here: [bold]dataops demo[/bold] · Exit codes: 0 ok, 1 failed, 2 usage, "
    "3 not ready (quality gate), 4 unreachable, 5 not allowed"
)

app = typer.Typer(
    name="dataops",
    help="Datasets for enterprise-search roll-outs, from request to archive.",
    epilog=_EPILOG,
    cls=Commands,
    rich_markup_mode="rich",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
running.add_to(app)
datasets.add_to(app)
catalogue.add_to(app)
history.add_to(app)
app.command(rich_help_panel=history.PANEL)(running.migrate)


def main() -> None:
    """Run the command line; help written into a pipe holds no escape bytes."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")
    app(prog_name="dataops")
