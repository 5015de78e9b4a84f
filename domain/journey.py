"""Journeys, their stages and their clients: where every dataset belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NewType
from uuid import UUID, uuid5

from domain.errors import IllegalTransition, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

JourneyId = NewType("JourneyId", UUID)
ClientId = NewType("ClientId", UUID)

CODE_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
"""A client's code: letters, digits and inner hyphens, 1 to 63 long; it opens connector names."""

DEFAULT_TENANT = "default"
"""Whose everything is until somebody says otherwise."""

_NAMESPACE = UUID("6f0c2f1e-8a55-5d0b-9f53-0d8f4f4b7a10")


class JourneyStage(StrEnum):
    """The three stages a client's journey passes, in order (seed: R53)."""

    SANDBOX = "sandbox"
    PILOT = "pilot"
    PRODUCTION = "production"


class JourneyStatus(StrEnum):
    """Whether a journey still needs its datasets."""

    ACTIVE = "active"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Client:
    """Client metadata: whom a dataset is for, and by what code its connectors are named.

    `ref` is the caller's own name for the client (a slug or a UUID); `code` opens the
    connector name and is given, never guessed.
    """

    client_id: ClientId
    ref: str
    name: str
    code: str
    industry: str
    use_case: str

    def __post_init__(self) -> None:
        """Refuse a code that could not open a connector name."""
        if not CODE_PATTERN.fullmatch(self.code):
            message = (
                f"Client {self.ref!r} has the code {self.code!r}, which cannot open a connector "
                "name. Use 1 to 63 letters, digits and inner hyphens, as in 'ACME'."
            )
            raise InvalidInput(message)


@dataclass(frozen=True, slots=True)
class Journey:
    """A client's way through the stages, as Journey Orchestration tells it."""

    journey_id: JourneyId
    ref: str
    status: JourneyStatus
    stage: JourneyStage
    client: Client

    @property
    def is_active(self) -> bool:
        """Whether the journey still needs its datasets."""
        return self.status is JourneyStatus.ACTIVE


def next_stage(stage: JourneyStage) -> JourneyStage | None:
    """Tell the stage that follows, or None after production; no stage is ever skipped."""
    order = list(JourneyStage)
    position = order.index(stage) + 1
    return order[position] if position < len(order) else None


def previous_stage(stage: JourneyStage) -> JourneyStage | None:
    """Tell the stage that came before, or None before sandbox."""
    position = list(JourneyStage).index(stage)
    return list(JourneyStage)[position - 1] if position else None


def stages_before(stage: JourneyStage) -> tuple[JourneyStage, ...]:
    """Give the stages that come before one, in order; none before sandbox."""
    order = list(JourneyStage)
    return tuple(order[: order.index(stage)])


def furthest(stages: Iterable[JourneyStage]) -> JourneyStage:
    """Give the furthest of some stages; sandbox where there are none."""
    return max(stages, key=list(JourneyStage).index, default=JourneyStage.SANDBOX)


def require_move(ref: str, reached: JourneyStage, to_stage: JourneyStage) -> None:
    """Allow a journey's move to its next stage, and to the one it has reached already.

    The latter ends what an earlier move has left behind, and what the journey was told to move
    past elsewhere; no journey moves to sandbox, for that is where it begins.

    Raises:
        IllegalTransition: the move leads back, or leaves a stage out (A18).
    """
    following = next_stage(reached)
    if to_stage is not JourneyStage.SANDBOX and to_stage in {reached, following}:
        return
    way = "back" if to_stage in {reached, *stages_before(reached)} else "past a stage"
    onward = f"It may move to {following.value}" if following else "It is at its last stage"
    raise IllegalTransition(
        f"Journey {ref} is at {reached.value} and cannot move {way}, to {to_stage.value}. {onward}; "
        "the stages are sandbox, pilot and production, one after the other."
    )


def uuid_of(tenant: str, kind: str, ref: str) -> UUID:
    """Map a reference to its UUID: a UUID stands for itself, a slug gets one of version 5.

    The same tenant, kind (`journey`, `client`) and slug give the same UUID everywhere.
    """
    try:
        return UUID(ref)
    except ValueError:
        return uuid5(_NAMESPACE, f"{tenant}/{kind}/{ref}")
