"""How a command ends: the exit codes, and errors that say what, why and what to do next."""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

PANELS = ("Run", "Datasets", "Agents & templates", "Operate")
"""The panels of the help, in their order."""

_WHOLE = 1000
"""More letters than any command's first sentence has: it is wrapped, never cut."""


class ExitCode(IntEnum):
    """What the shell is told."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_READY = 3
    UNREACHABLE = 4
    NOT_ALLOWED = 5


class Stopped(Exception):
    """A command cannot go on: `what` happened, `why`, and `next_step` to take."""

    def __init__(self, code: ExitCode, what: str, why: str = "", next_step: str = "") -> None:
        """End with this code."""
        super().__init__(what)
        self.code = code
        self.what = what
        self.why = why
        self.next_step = next_step


class Commands(TyperGroup):
    """The commands; whatever stops one is told on stderr and becomes its exit code."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands panel by panel, groups beside single commands."""
        commands: dict[str, Any] = dict(self.commands)
        for panel in PANELS:
            rows = [
                (name, each.get_short_help_str(_WHOLE))
                for name, each in commands.items()
                if each.rich_help_panel == panel
            ]
            with formatter.section(panel):
                formatter.write_dl(rows)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Stopped as stopped:
            _tell(stopped)
            raise typer.Exit(stopped.code) from stopped


def require_yes(question: str, otherwise: str) -> None:
    """Ask a question; `otherwise` tells how things stand where the answer is no.

    Raises:
        Stopped: nobody said yes.
    """
    try:
        is_sure = typer.confirm(question, err=True)
    except typer.Abort:
        typer.echo(err=True)
        is_sure = False
    if not is_sure:
        what = f"{otherwise}: nobody confirmed it."
        raise Stopped(ExitCode.FAILED, what, next_step="--yes leaves out the question")


def broken_off(error: OSError) -> NoReturn:
    """End a command whose output cannot be written: on a full disk, for example."""
    _tell(Stopped(ExitCode.FAILED, "The command broke off.", str(error)))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what is still waiting would be tried again on the way out
    sys.exit(ExitCode.FAILED)


def _tell(stopped: Stopped) -> None:
    from rich.text import Text

    from service.cli.show import errors

    console = errors()
    console.print(Text.assemble(("✗ ", "red"), stopped.what), soft_wrap=True)
    if stopped.why:
        console.print(Text(f"  {stopped.why}"), soft_wrap=True)
    if stopped.next_step:
        console.print(Text(f"  Next: {stopped.next_step}"), soft_wrap=True)
