"""Commands on journeys: moving one on to its next stage, and completing it."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.commands import TransitionMode
from domain.journey import JourneyStage
from service.cli.ending import require_yes
from service.cli.options import Json, Token, Url

PANEL = "Datasets"

COORDINATOR = "lifecycle-coordinator"

_journeys = typer.Typer(
    help="Move a journey to its next stage, or complete it.", no_args_is_help=True
)

Journey = Annotated[str, typer.Argument(help="A journey's reference.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    _journeys.command()(move)
    _journeys.command()(complete)
    app.add_typer(_journeys, name="journeys", rich_help_panel=PANEL)


def move(
    journey: Journey,
    stage: Annotated[
        JourneyStage,
        typer.Argument(help="The stage it moves on to.", case_sensitive=False, show_default=False),
    ],
    *,
    mode: Annotated[
        TransitionMode,
        typer.Option(
            case_sensitive=False,
            help="Whether the old stage's datasets end at once, or once the new are READY.",
        ),
    ] = TransitionMode.IMMEDIATE,
    yes: Yes = False,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Move a journey on: its datasets of the old stage end, the new stage's are provisioned."""
    from service.cli import follow
    from service.cli.remote import Remote

    if not yes:
        question = f"Move {journey} on to {stage.value}, and take its other datasets down?"
        require_yes(question, f"{journey} stays where it is")
    given = {"journey_id": journey, "to_stage": stage.value, "mode": mode.value}
    remote = Remote(url, token)
    follow.carry_out(remote, COORDINATOR, "transition-stage", given, as_json=as_json)


def complete(
    journey: Journey,
    *,
    yes: Yes = False,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Complete a journey: all of its datasets are archived and taken down."""
    from service.cli import follow
    from service.cli.remote import Remote

    if not yes:
        question = f"Complete {journey}, and take all of its datasets down?"
        require_yes(question, f"{journey} goes on")
    remote, given = Remote(url, token), {"journey_id": journey}
    follow.carry_out(remote, COORDINATOR, "complete-journey", given, as_json=as_json)
