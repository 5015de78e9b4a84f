"""The inbox: an event that comes in becomes a request, once, however often it is delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from a2a.types import Message, Role

from domain.commands import Call
from domain.errors import Conflict, InvalidInput
from domain.work import AgentName
from protocol.calls import request_key
from protocol.codec import data_part
from protocol.skills import SKILLS

if TYPE_CHECKING:
    from domain.commands import Command, Principal, Request, RequestKey
    from domain.repository import Registry
    from protocol.desks import FrontDesk
    from protocol.inbound import InboundEvent
    from protocol.recovery import Recovery

log = structlog.get_logger("inbox")

AGENT = AgentName.COORDINATOR
"""Whose task an event becomes."""


class Inbox:
    """Takes events in for the coordinator: the same command, request and task as by a message."""

    def __init__(self, front: FrontDesk, registry: Registry, recovery: Recovery) -> None:
        """Hand commands to this desk, and the task of each to whoever carries tasks on."""
        self._front = front
        self._registry = registry
        self._recovery = recovery

    async def accept(self, event: InboundEvent, principal: Principal) -> Request:
        """Give the request an event has become, now or when it was delivered before.

        Raises:
            Conflict: another event came under the same source and id.
            RequestRejected: it can never work as it stands.
            SupplierUnavailable: Journey Orchestration must be asked and does not answer.
        """
        message = _message_of(event)
        key = request_key(AGENT, message)
        request = await self._known(principal, key)
        if request is not None:
            return request
        request = await self._performed(event, message, key, principal)
        await self._carry_on(request)
        return request

    async def _performed(
        self, event: InboundEvent, message: Message, key: RequestKey, principal: Principal
    ) -> Request:
        call = Call(
            principal=principal,
            key=key,
            skill=event.skill,
            task_id=message.task_id,
            context_id=message.context_id,
            message=message.SerializeToString(),
        )
        try:
            return await self._front.perform(_command_of(event), call)
        except Conflict:
            came_before = await self._known(principal, key)
            if came_before is None:
                raise
            return came_before

    async def _known(self, principal: Principal, key: RequestKey) -> Request | None:
        try:
            return await self._registry.request(principal, key)
        except InvalidInput as other:
            message = (
                "Another event came under this source and id before. Give a new event an id of "
                "its own."
            )
            raise Conflict(message) from other

    async def _carry_on(self, request: Request) -> None:
        """Begin the request's task; where that fails, recovery begins it in a moment."""
        try:
            await self._recovery.take_up(request)
        except Exception:
            log.exception("task.not_begun", task_id=request.task_id)


def _message_of(event: InboundEvent) -> Message:
    return Message(
        message_id=event.message_id,
        task_id=str(uuid4()),
        context_id=str(uuid4()),
        role=Role.ROLE_USER,
        parts=[data_part({"skill": event.skill, **event.given})],
    )


def _command_of(event: InboundEvent) -> Command:
    given = SKILLS[event.skill].input.model_validate(dict(event.given))
    command: Command = given.command()  # type: ignore[attr-defined]  # writing skills' inputs have it
    return command
