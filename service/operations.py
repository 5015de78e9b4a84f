"""Operations of the API that the OpenAPI document is made of, and those on webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from service import subscription_documents as subscriptions
from service.batches import BATCH
from service.problems import LARGEST_NUMBER

if TYPE_CHECKING:
    from pydantic import BaseModel

    from domain.record import JsonObject


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked: where, by what name, and the type of the answer, if any.

    What is not read has its method, the type of its body, and the status it is answered with.
    """

    path: str
    name: str
    summary: str
    answer: Any
    query: dict[str, JsonObject] = field(default_factory=dict)
    method: str = "get"
    body: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK


_SUBSCRIPTION = "/subscriptions/{subscription}"
ON_SUBSCRIPTIONS = (
    Operation(
        "/subscriptions",
        "listSubscriptions",
        "List the webhooks, oldest first",
        subscriptions.SubscriptionListDocument,
    ),
    Operation(
        "/subscriptions",
        "createSubscription",
        "Have events delivered to a webhook",
        subscriptions.SubscriptionDocument,
        method="post",
        body=subscriptions.SubscriptionInput,
        status=HTTPStatus.CREATED,
    ),
    Operation(
        _SUBSCRIPTION,
        "showSubscription",
        "Show one webhook",
        subscriptions.SubscriptionDocument,
    ),
    Operation(
        _SUBSCRIPTION,
        "removeSubscription",
        "Forget a webhook and its dead letters",
        None,
        method="delete",
        status=HTTPStatus.NO_CONTENT,
    ),
    Operation(
        f"{_SUBSCRIPTION}/enable",
        "enableSubscription",
        "Deliver again at once, from where it stands",
        subscriptions.SubscriptionDocument,
        method="post",
    ),
    Operation(
        f"{_SUBSCRIPTION}/secrets",
        "changeSecrets",
        "Sign with other secrets, with both of two",
        subscriptions.SubscriptionDocument,
        method="put",
        body=subscriptions.SecretsInput,
    ),
    Operation(
        f"{_SUBSCRIPTION}/dead-letters",
        "listDeadLetters",
        "List the events a webhook never acknowledged",
        subscriptions.DeadLetterPageDocument,
        {
            "after": {"type": "integer", "minimum": 0, "maximum": LARGEST_NUMBER},
            "limit": {"type": "integer", "minimum": 1, "maximum": BATCH},
        },
    ),
    Operation(
        f"{_SUBSCRIPTION}/dead-letters/replay",
        "replayDeadLetters",
        "Have dead letters delivered once more",
        subscriptions.ReplayDocument,
        method="post",
        body=subscriptions.ReplayInput,
        status=HTTPStatus.ACCEPTED,
    ),
)
