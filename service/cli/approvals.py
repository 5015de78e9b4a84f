"""Commands on approvals: what waits for somebody's consent, and how it is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.approvals import ApprovalStatus
from service.cli.options import Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Mapping

PANEL = "Datasets"

_LISTING = "dataops approvals list"

_approvals = typer.Typer(
    help="List and resolve teardowns that wait for consent.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    _approvals.command("list")(list_approvals)
    _approvals.command("resolve")(resolve)
    app.add_typer(_approvals, name="approvals", rich_help_panel=PANEL)


def list_approvals(
    *,
    status: Annotated[
        ApprovalStatus | None,
        typer.Option(case_sensitive=False, help="Those of this status, decided ones too."),
    ] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List what waits for somebody's consent, the oldest first."""
    from service.cli import show
    from service.cli.remote import Remote

    found = Remote(url, token).get("/api/v1/approvals", status=status)
    if as_json:
        show.document(found)
    elif found["approvals"]:
        _table(found)
    elif status is None:
        show.line("Nothing waits for approval.")
    else:
        show.line(f"No approval is {status.value}.")


def resolve(
    approval: Annotated[
        str,
        typer.Argument(
            help="An approval's id, or its dataset's connector name.", show_default=False
        ),
    ],
    *,
    approve: Annotated[bool, typer.Option("--approve/--refuse", help="How it is decided.")],
    comment: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Consent to a teardown that waits, or refuse it."""
    from service.cli import follow
    from service.cli.remote import Remote

    given = {"approval_id": approval, "approve": approve, "comment": comment}
    result = Remote(url, token).call("lifecycle-coordinator", "resolve-approval", given)
    follow.finish(result, _table, as_json=as_json, listing=_LISTING)


def _table(data: Mapping[str, Any]) -> None:
    from service.cli import show

    names = ("approval_id", "connector_name", "reason")
    rows = [tuple(each[name] for name in names) for each in data["approvals"]]
    show.table(("approval", "connector", "reason"), rows)
