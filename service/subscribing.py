"""Subscribing: webhooks are made, shown, enabled and removed, and their dead letters asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.errors import FieldError, InvalidInput, NotAllowed
from domain.subscription import Subscription, Wanted
from protocol.schemas import EVENTS
from service.batches import BATCH
from service.problems import answering, whole_number, wrong_field
from service.publishing import event_name
from service.sources import principal_of
from service.subscription_documents import ReplayInput, SecretsInput, SubscriptionInput

if TYPE_CHECKING:
    from starlette.requests import Request

    from domain.deliveries import Subscriptions
    from domain.ports import Clock
    from domain.repository import Registry
    from domain.subscription import DeadLetter
    from service.subscription_documents import DeadLetterDocument, SubscriptionDocument
    from service.webhook_secrets import WebhookSecrets

log = structlog.get_logger("subscriptions")

PATH = "/api/v1/subscriptions"


@dataclass(frozen=True, slots=True)
class SubscriptionDesk:
    """What subscribing stands on; `judge` raises NotAllowed for an address we do not call."""

    subscriptions: Subscriptions
    registry: Registry
    secrets: WebhookSecrets
    judge: Callable[[str], None]
    ids: Callable[[], UUID]
    clock: Clock


def subscription_routes(desk: SubscriptionDesk) -> list[BaseRoute]:
    """Give the routes; each answers for the tenant of whoever asks."""
    api = _Api(desk)
    one = f"{PATH}/{{subscription}}"
    endpoints = (
        (PATH, api.all, "GET"),
        (PATH, api.create, "POST"),
        (one, api.show, "GET"),
        (one, api.remove, "DELETE"),
        (f"{one}/enable", api.enable, "POST"),
        (f"{one}/secrets", api.change_secrets, "PUT"),
        (f"{one}/dead-letters", api.dead_letters, "GET"),
        (f"{one}/dead-letters/replay", api.replay, "POST"),
    )
    return [Route(path, answering(act), methods=[method]) for path, act, method in endpoints]


class _Api:
    """The endpoints."""

    def __init__(self, desk: SubscriptionDesk) -> None:
        self._desk = desk

    async def all(self, request: Request) -> Response:
        """List the webhooks."""
        found = await self._desk.subscriptions.all(principal_of(request).tenant)
        return JSONResponse({"subscriptions": [_shown(each) for each in found]})

    async def create(self, request: Request) -> Response:
        """Make a webhook; its address and its secrets are looked at before."""
        principal = principal_of(request)
        given = await _read(request, SubscriptionInput)
        kinds = tuple(dict.fromkeys(event_name(each) for each in given.kinds))
        self._require_usable(given, kinds, principal.tenant)
        newest = await self._desk.registry.last_sequence(principal.tenant)
        made = Subscription(
            tenant=principal.tenant,
            subscription_id=self._desk.ids(),
            url=given.url,
            wanted=Wanted(kinds, given.journey),
            secrets=tuple(given.secrets),
            created_by=principal.subject,
            created_at=self._desk.clock(),
            position=newest if given.after is None else min(given.after, newest),
        )
        await self._desk.subscriptions.add(made)
        _note("subscription.created", request, made.subscription_id)
        headers = {"Location": f"{PATH}/{made.subscription_id}"}
        return JSONResponse(_shown(made), status_code=201, headers=headers)

    async def show(self, request: Request) -> Response:
        """Show one webhook."""
        return JSONResponse(_shown(await self._desk.subscriptions.one(*_named(request))))

    async def remove(self, request: Request) -> Response:
        """Forget a webhook and its dead letters."""
        _, subscription_id = _named(request)
        await self._desk.subscriptions.remove(principal_of(request), subscription_id)
        _note("subscription.removed", request, subscription_id)
        return Response(status_code=204)

    async def enable(self, request: Request) -> Response:
        """Deliver again at once, from where it stands."""
        _, subscription_id = _named(request)
        enabled = await self._desk.subscriptions.enable(principal_of(request), subscription_id)
        _note("subscription.enabled", request, subscription_id)
        return JSONResponse(_shown(enabled))

    async def change_secrets(self, request: Request) -> Response:
        """Sign with other secrets from now on."""
        tenant, subscription_id = _named(request)
        given = await _read(request, SecretsInput)
        self._require_keys(given.secrets, tenant)
        changed = await self._desk.subscriptions.change_secrets(
            principal_of(request), subscription_id, tuple(given.secrets)
        )
        _note("subscription.secrets_changed", request, subscription_id)
        return JSONResponse(_shown(changed))

    async def dead_letters(self, request: Request) -> Response:
        """List what a webhook never acknowledged."""
        after = whole_number(request.query_params, "after", 0)
        limit = whole_number(request.query_params, "limit", BATCH, least=1, most=BATCH)
        found = await self._desk.subscriptions.dead_letters(*_named(request), after, limit)
        following = found[-1].sequence if len(found) == limit else None
        letters = [_letter(each) for each in found]
        return JSONResponse({"dead_letters": letters, "next_after": following})

    async def replay(self, request: Request) -> Response:
        """Have dead letters delivered once more."""
        tenant, subscription_id = _named(request)
        given = await _read(request, ReplayInput)
        asked = await self._desk.subscriptions.ask_again(tenant, subscription_id, given.sequences)
        _note("subscription.replayed", request, subscription_id, dead_letters=asked)
        return JSONResponse({"replaying": asked}, status_code=202)

    def _require_usable(self, given: SubscriptionInput, kinds: Sequence[str], tenant: str) -> None:
        unknown = [each for each in kinds if each not in EVENTS]
        if unknown:
            known = ", ".join(EVENTS)
            raise wrong_field("kinds", f"names no event by {unknown[0]!r}; there are {known}")
        try:
            self._desk.judge(given.url)
        except NotAllowed as error:
            raise InvalidInput(str(error), [FieldError("url", str(error))]) from error
        self._require_keys(given.secrets, tenant)

    def _require_keys(self, references: Sequence[str], tenant: str) -> None:
        for at, each in enumerate(references):
            try:
                self._desk.secrets.key(each, tenant)
            except InvalidInput as error:
                raise InvalidInput(str(error), [FieldError(f"secrets.{at}", str(error))]) from error


async def _read(request: Request, kind: type[Any]) -> Any:
    """Read a body as this kind of input; none at all is an empty one. Raises InvalidInput."""
    try:
        return kind.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        wrong = [
            FieldError(".".join(str(part) for part in each["loc"]), each["msg"])
            for each in error.errors(include_url=False, include_input=False)
        ]
        told = "; ".join(f"{each.field or 'the body'}: {each.message}" for each in wrong)
        raise InvalidInput(f"The input cannot be used: {told}.", wrong) from error


def _named(request: Request) -> tuple[str, UUID]:
    """Give the tenant of whoever asks, and the subscription's id. Raises InvalidInput."""
    given = request.path_params["subscription"]
    try:
        return principal_of(request).tenant, UUID(given)
    except ValueError as error:
        raise wrong_field("subscription", f"must be a subscription's id, not {given!r}") from error


def _note(what: str, request: Request, subscription_id: UUID, **more: int) -> None:
    principal = principal_of(request)
    log.info(
        what,
        tenant=principal.tenant,
        principal=principal.subject,
        subscription_id=str(subscription_id),
        **more,
    )


def _shown(subscription: Subscription) -> SubscriptionDocument:
    since, due_at = subscription.failing_since, subscription.due_at
    return {
        "subscription_id": str(subscription.subscription_id),
        "url": subscription.url,
        "kinds": list(subscription.wanted.kinds),
        "journey": subscription.wanted.journey,
        "secrets": list(subscription.secrets),
        "created_by": subscription.created_by,
        "created_at": subscription.created_at.isoformat(),
        "position": subscription.position,
        "state": subscription.state.value,
        "why": subscription.why,
        "failures": subscription.failures,
        "failing_since": since.isoformat() if since else None,
        "next_try_at": due_at.isoformat() if due_at else None,
    }


def _letter(letter: DeadLetter) -> DeadLetterDocument:
    return {
        "sequence": letter.sequence,
        "event_id": str(letter.event_id),
        "type": letter.name,
        "tries": letter.tries,
        "why": letter.why,
        "failed_at": letter.failed_at.isoformat(),
        "replaying": letter.is_wanted,
    }
