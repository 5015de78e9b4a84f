"""The command on orphans: what would end, why, and since when; and having it end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.options import Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Mapping

PANEL = "Operate"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(rich_help_panel=PANEL)(orphans)


def orphans(
    *,
    end: Annotated[bool, typer.Option("--end", help="End what an earlier scan saw too.")] = False,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Tell which datasets have no active journey, and which datasources no dataset."""
    from service.cli import follow, show
    from service.cli.remote import Remote

    given = {"dry_run": not end}
    remote, agent, skill = Remote(url, token), "data-teardown", "cleanup-orphans"
    if not end:
        follow.finish(remote.call(agent, skill, given), _report, as_json=as_json)
        return
    with follow.Following().shown() as following:
        result = remote.call(agent, skill, given, following.on_data)
    follow.finish(result, show.datasets, as_json=as_json)


def _report(data: Mapping[str, Any]) -> None:
    from service.cli import show

    found = [(each["connector_name"], each) for each in data["orphans"]]
    found += [(each["datasource"], each) for each in data["strays"]]
    rows = [
        (name, each["fate"], show.worded(each["age_seconds"]), each["why"]) for name, each in found
    ]
    if rows:
        show.table(("what", "fate", "seconds known", "why"), rows)
    else:
        show.line(f"No orphans among {data['looked_at']} datasets, and no stray datasources.")
