"""What the console, the JSON API and the event stream are made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.auth import ANONYMOUS, Caller

if TYPE_CHECKING:
    from starlette.requests import Request

    from agents.auditor import Auditor
    from domain.commands import Principal
    from domain.ports import Changes, Clock
    from domain.repository import Registry
    from protocol.cataloguing import Cataloguing
    from protocol.desks import Enquiries
    from registry.metrics import Figures
    from service.batches import Batches


@dataclass(frozen=True, slots=True)
class ConsoleSources:
    """Where pages and answers come from.

    `cards` gives the agents' cards as JSON; `base_url` is the service's own address without a
    trailing slash, which begins the addresses in events and in the OpenAPI document; `batches` are
    the events as all carriers have them; `is_ending` tells a stream, woken by `changes`, that the
    service is on its way out; `figures` counts those of a tenant.
    """

    registry: Registry
    batches: Batches
    cards: Callable[[], Sequence[Mapping[str, Any]]]
    clock: Clock
    changes: Changes
    enquiries: Enquiries
    auditor: Auditor
    base_url: str
    is_ending: Callable[[], bool]
    catalogue: Cataloguing
    figures: Callable[[str], Awaitable[Figures]]


def principal_of(request: Request) -> Principal:
    """Give who is asking: the caller the guard has found, or else nobody in particular."""
    caller = request.scope.get("caller")
    return caller.principal if isinstance(caller, Caller) else ANONYMOUS
