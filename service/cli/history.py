"""Commands on what has happened: events and archives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import archives, subscribing
from service.cli.options import Dataset, Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.cli.remote import Remote, Result

PANEL = "Operate"

_LISTING = "dataops datasets list --status archived"

_events = typer.Typer(
    help="Follow, replay and subscribe to the domain events.", no_args_is_help=True
)
_archive = typer.Typer(help="List, keep, verify and export archives.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    _events.command("tail")(tail)
    _events.command("replay")(replay)
    subscribing.add_to(_events)
    archives.add_to(_archive)
    _archive.command("verify")(verify)
    app.add_typer(_events, name="events", rich_help_panel=PANEL)
    app.add_typer(_archive, name="archive", rich_help_panel=PANEL)


def tail(
    *,
    after: Annotated[
        int | None,
        typer.Option(min=0, help="Begin behind this sequence; 0 is the very beginning."),
    ] = None,
    journey: Annotated[str | None, typer.Option(help="Of this journey alone.")] = None,
    follow: Annotated[bool, typer.Option(help="Stay, and tell events as they happen.")] = True,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Tell the domain events as CloudEvents; with --no-follow those there are, then end."""
    from service.cli import show
    from service.cli.remote import Remote

    remote = Remote(url, token)
    found = (
        remote.stream("/events", after=after, journey=journey)
        if follow
        else _past(remote, after or 0, journey)
    )
    told = False
    for event in found:
        told = True
        if as_json:
            show.document(event)
        else:
            show.line(_event_line(event))
    if not told and not as_json:
        show.line("No event yet.")


def replay(
    *,
    after: Annotated[
        int, typer.Option(min=0, help="From behind this sequence; 0 is the very beginning.")
    ] = 0,
    journey: Annotated[str | None, typer.Option(help="Of this journey alone.")] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Tell the domain events there are, as CloudEvents, from any place on."""
    tail(after=after, journey=journey, follow=False, url=url, token=token, as_json=as_json)


def verify(dataset: Dataset, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Read a dataset's archive back, compare digest and lock; damage ends in exit code 1."""
    from service.cli import follow
    from service.cli.ending import ExitCode, Stopped

    result = _verified(dataset, url, token)
    follow.finish(result, _shown, as_json=as_json, listing=_LISTING)
    if not result.data["verified"]:
        mend = "restore it from a copy; of a lost lock, dataops doctor"
        raise Stopped(ExitCode.FAILED, result.sentence, str(result.data["damage"]), mend)


def _shown(data: Mapping[str, Any]) -> None:
    from service.cli import show

    show.fields(data, ("dataset_id", "location", "verified"))


def _verified(dataset: str, url: str, token: str | None) -> Result:
    from service.cli.remote import Remote

    return Remote(url, token).call("data-teardown", "verify-archive", {"dataset_id": dataset})


def _past(remote: Remote, after: int, journey: str | None) -> Iterator[dict[str, Any]]:
    """Give the events there are, page by page."""
    page = remote.page("/events/replay", after=after, journey=journey)
    while True:
        yield from page.json()
        if "next" not in page.links:
            return
        page = remote.page(page.links["next"]["url"])


def _event_line(event: Mapping[str, Any]) -> str:
    name = str(event["type"]).removesuffix(".v1").rpartition(".")[2]
    whose = event.get("subject") or event.get("journeyref") or ""
    return f"{int(event['sequence']):>5}  {event['time'][:19]}Z  {name:<26}  {whose}"
