"""What is said about webhooks: what a caller gives, and what is shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from domain import documents
from domain.shape import OneOf
from domain.subscription import SubscriptionState
from service.problems import LARGEST_NUMBER

_PLAIN = r"^[^\u0000-\u001f\u007f-\u009f]*$"
"""Text without control characters: no path, variable or column takes all of them."""

_Secret = Annotated[str, Field(min_length=1, max_length=500, pattern=_PLAIN)]
_Secrets = Annotated[list[_Secret], Field(min_length=1, max_length=2)]


class SubscriptionInput(BaseModel):
    """A webhook to be made.

    `secrets` are references, one, or two while one takes the place of the other; `kinds` names
    events, none meaning all; it hears of what comes behind the sequence `after`, by default from
    now on.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str
    secrets: _Secrets
    kinds: list[str] = Field(default_factory=list, max_length=100)
    journey: Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)] | None = None
    after: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] | None = None


class SecretsInput(BaseModel):
    """The secrets a webhook is signed with from now on; both signatures are sent of two."""

    model_config = ConfigDict(extra="forbid", strict=True)

    secrets: _Secrets


class ReplayInput(BaseModel):
    """Which dead letters are asked for again, by sequence; all, unless some are named."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sequences: Annotated[list[int], Field(min_length=1, max_length=1000)] | None = None


class SubscriptionDocument(TypedDict):
    """A webhook: where it is, what it hears of, how far it has come, and how it does.

    `why` is what went wrong last; `next_try_at` is null where nothing waits for a time.
    """

    subscription_id: documents.Id
    url: str
    kinds: Sequence[str]
    journey: str | None
    secrets: Sequence[str]
    created_by: str
    created_at: documents.Moment
    position: documents.Count
    state: Annotated[str, OneOf(SubscriptionState)]
    why: str
    failures: documents.Count
    failing_since: documents.Moment | None
    next_try_at: documents.Moment | None


class SubscriptionListDocument(TypedDict):
    """A tenant's webhooks, oldest first."""

    subscriptions: Sequence[SubscriptionDocument]


class DeadLetterDocument(TypedDict):
    """An event that was never acknowledged; `replaying` once it is asked for again."""

    sequence: documents.Count
    event_id: documents.Id
    type: str
    tries: documents.Count
    why: str
    failed_at: documents.Moment
    replaying: bool


class DeadLetterPageDocument(TypedDict):
    """Dead letters in order, and behind which sequence the next page begins."""

    dead_letters: Sequence[DeadLetterDocument]
    next_after: int | None


class ReplayDocument(TypedDict):
    """How many dead letters are delivered again."""

    replaying: documents.Count
