"""Commands on who hears of events: subscribe, list, enable and forget, and dead letters again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.options import Json, Token, Url

_PATH = "/api/v1/subscriptions"

_FIRST = ("subscription_id", "url", "state", "why")

Subscription = Annotated[str, typer.Argument(help="A subscription's id.", show_default=False)]


def add_to(events: typer.Typer) -> None:
    """Add these commands to those on events."""
    events.command("schema")(schema)
    events.command("subscribe")(subscribe)
    events.command("subscriptions")(subscriptions)
    events.command("enable")(enable)
    events.command("unsubscribe")(unsubscribe)
    events.command("dead-letters")(dead_letters)


def schema(
    event: Annotated[
        str | None, typer.Argument(help="An event's name, such as DatasetReady; all without.")
    ] = None,
    *,
    url: Url,
    token: Token = None,
) -> None:
    """Print the JSON Schema of an event's data, or the AsyncAPI document of all events."""
    from service.cli import show
    from service.cli.remote import Remote

    path = "/asyncapi.json" if event is None else f"/schemas/{event}.v1.json"
    show.document(Remote(url, token).get(path))


def subscribe(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where to call: https://…")],
    *,
    secret: Annotated[
        list[str],
        typer.Option(help="Where the service finds the signing secret; two while one is replaced."),
    ],
    kind: Annotated[
        list[str] | None, typer.Option(help="Events of this name; all without.")
    ] = None,
    journey: Annotated[str | None, typer.Option(help="Of this journey alone.")] = None,
    after: Annotated[
        int | None, typer.Option(min=0, help="From behind this sequence; 0 is the very beginning.")
    ] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Have events delivered to a webhook, signed, each until it is acknowledged."""
    from service.cli.remote import Remote

    given = {
        "url": address,
        "secrets": secret,
        "kinds": kind or [],
        "journey": journey,
        "after": after,
    }
    wanted = {name: each for name, each in given.items() if each is not None}
    _show(Remote(url, token).send("POST", _PATH, wanted), as_json=as_json)


def subscriptions(*, url: Url, token: Token = None, as_json: Json = False) -> None:
    """List the webhooks and how each does."""
    from service.cli import show
    from service.cli.remote import Remote

    found = Remote(url, token).get(_PATH)
    if as_json:
        show.document(found)
    elif not found["subscriptions"]:
        show.line("Nobody is subscribed. dataops events subscribe makes a webhook.")
    else:
        rows = [
            (
                each["subscription_id"],
                each["url"],
                each["state"],
                str(each["position"]),
                each["why"],
            )
            for each in found["subscriptions"]
        ]
        show.table(("subscription", "url", "state", "position", "why"), rows)


def enable(
    subscription: Subscription, *, url: Url, token: Token = None, as_json: Json = False
) -> None:
    """Deliver again, at once, from where a webhook stands."""
    from service.cli.remote import Remote

    _show(Remote(url, token).send("POST", f"{_PATH}/{subscription}/enable"), as_json=as_json)


def unsubscribe(subscription: Subscription, *, url: Url, token: Token = None) -> None:
    """Forget a webhook and its dead letters."""
    from service.cli import show
    from service.cli.remote import Remote

    Remote(url, token).send("DELETE", f"{_PATH}/{subscription}")
    show.line(f"{subscription} is forgotten.")


def dead_letters(
    subscription: Subscription,
    *,
    replay: Annotated[bool, typer.Option("--replay", help="Have them sent once more.")] = False,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List the events a webhook never acknowledged, or have them sent once more."""
    from service.cli import show
    from service.cli.remote import Remote

    path, remote = f"{_PATH}/{subscription}/dead-letters", Remote(url, token)
    found = remote.send("POST", f"{path}/replay", {}) if replay else remote.get(path, limit=100)
    if as_json:
        show.document(found)
    elif replay:
        show.line(f"{found['replaying']} dead letters are sent once more.")
    elif not found["dead_letters"]:
        show.line("There is no dead letter.")
    else:
        rows = [
            (
                str(each["sequence"]),
                each["type"],
                str(each["tries"]),
                each["failed_at"],
                each["why"],
            )
            for each in found["dead_letters"]
        ]
        show.table(("sequence", "event", "tries", "given up", "why"), rows)


def _show(found: Any, *, as_json: bool) -> None:
    from service.cli import show

    if as_json:
        show.document(found)
    else:
        show.fields(found, _FIRST)
