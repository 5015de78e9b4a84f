"""The command on how well all of it goes: the success metrics beside their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.cli.options import Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Mapping

_MINUTE = 60

_VERDICTS = {True: "met", False: "missed", None: "no data"}


def metrics(*, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Tell where the eight success metrics stand, each beside its target."""
    from service.cli import show
    from service.cli.remote import Remote

    found = Remote(url, token).get("/api/v1/metrics")
    if as_json:
        show.document(found)
        return
    show.table(("metric", "now", "target", "verdict", "of"), map(_row, found["metrics"]))


def _row(metric: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        metric["name"],
        _now(metric),
        metric["target_text"],
        _VERDICTS[metric["is_met"]],
        f"{metric['counted']} {metric['of']}",
    )


def _now(metric: Mapping[str, Any]) -> str:
    """Write a value for people; two minutes and more are told in minutes."""
    from service.cli import show

    value = metric["value"]
    if value is None or metric["unit"] == "share":
        return show.share(value)
    return f"{value:.1f} s" if value < 2 * _MINUTE else f"{value / _MINUTE:.1f} min"
