"""Push notifications: who follows a task from afar is a subscriber as any other, and as durable.

The A2A library pushes from memory, once, as the task moves. Here a configuration is a row beside
the webhooks; whoever delivers to those delivers the task as it stands, again until it is taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from a2a.server.context import ServerCallContext
from a2a.server.tasks import PushNotificationConfigStore
from a2a.server.tasks.push_notification_config_store import normalize_push_notification_config
from a2a.types import TaskPushNotificationConfig
from a2a.utils.errors import InvalidParamsError
from a2a.utils.proto_utils import to_stream_response
from google.protobuf.json_format import MessageToDict

from domain.commands import Principal
from domain.errors import NotAllowed, RequestRejected
from domain.subscription import PushedTask, Subscription, Wanted
from domain.work import AgentName
from protocol.auth import Caller, caller_of
from protocol.tasks import ENDED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    from domain.deliveries import Seal, Subscriptions
    from domain.ports import Clock
    from protocol.tasks import AgentTasks

TOKEN_HEADER = "X-A2A-Notification-Token"  # noqa: S105 - its name
"""Where a caller finds the token it gave, to know our call by."""


@dataclass(frozen=True, slots=True)
class PushDesk:
    """What push configurations stand on; `judge` raises NotAllowed for an address we do not call."""

    subscriptions: Subscriptions
    seal: Seal
    judge: Callable[[str], None]
    ids: Callable[[], UUID]
    clock: Clock


@dataclass(frozen=True, slots=True)
class Push:
    """A task as it is pushed: whether it has ended, and what is sent."""

    is_ended: bool
    headers: dict[str, str]
    content: bytes


class PushConfigs(PushNotificationConfigStore):
    """One agent's push configurations, each its caller's own."""

    def __init__(self, agent: AgentName, desk: PushDesk) -> None:
        """Keep them at this desk."""
        self._agent = agent
        self._desk = desk

    async def set_info(
        self,
        task_id: str,
        notification_config: TaskPushNotificationConfig,
        context: ServerCallContext,
    ) -> TaskPushNotificationConfig:
        """Keep a configuration; the task is delivered as it is now, and at each move after that.

        Raises:
            InvalidParamsError: the task has too many already.
        """
        config = normalize_push_notification_config(task_id, notification_config)
        try:
            await self._desk.subscriptions.keep_push(self._subscription(config, context))
        except RequestRejected as error:
            raise InvalidParamsError(message=str(error)) from error
        return config

    async def get_info(
        self, task_id: str, context: ServerCallContext
    ) -> list[TaskPushNotificationConfig]:
        """Give the caller's configurations for a task."""
        principal = caller_of(context).principal
        found = await self._desk.subscriptions.pushes(principal.tenant, principal.subject, task_id)
        return [self._opened(each.task) for each in found if each.task is not None]

    async def get_info_for_dispatch(self, task_id: str) -> list[TaskPushNotificationConfig]:
        """Give none: the library's own sender has nothing to do here."""
        del task_id
        return []

    async def delete_info(
        self, task_id: str, context: ServerCallContext, config_id: str | None = None
    ) -> None:
        """Forget one of the caller's configurations for a task, or all."""
        principal = caller_of(context).principal
        await self._desk.subscriptions.remove_push(
            principal.tenant, principal.subject, task_id, config_id
        )

    def _subscription(
        self, config: TaskPushNotificationConfig, context: ServerCallContext
    ) -> Subscription:
        principal = caller_of(context).principal
        sealed = self._desk.seal.close(config.SerializeToString())
        return Subscription(
            tenant=principal.tenant,
            subscription_id=self._desk.ids(),
            url=config.url,
            wanted=Wanted(),
            secrets=(),
            created_by=principal.subject,
            created_at=self._desk.clock(),
            position=0,
            task=PushedTask(self._agent.value, config.task_id, config.id, sealed),
        )

    def _opened(self, task: PushedTask) -> TaskPushNotificationConfig:
        return TaskPushNotificationConfig.FromString(self._desk.seal.open(task.sealed))


class Pushes:
    """Gives what is pushed to whoever subscribes to a task."""

    def __init__(self, stores: Mapping[AgentName, AgentTasks], seal: Seal) -> None:
        """Read the tasks of every agent."""
        self._stores = stores
        self._seal = seal

    async def push(self, subscription: Subscription, version: int) -> Push | None:
        """Give the task as it stands, at this version or newer; None where it is gone.

        Raises:
            InvalidInput: its configuration was closed with another key.
        """
        if subscription.task is None:
            return None
        owner = Principal(subscription.tenant, subscription.created_by)
        context = ServerCallContext(user=Caller(owner))
        store = self._stores[AgentName(subscription.task.agent)]
        stored = await store.get(subscription.task.task_id, context)
        if stored is None:
            return None
        return Push(
            is_ended=stored.task.status.state in ENDED,
            headers=self._headers(subscription.task, version),
            content=json.dumps(MessageToDict(to_stream_response(stored.task))).encode(),
        )

    def _headers(self, task: PushedTask, version: int) -> dict[str, str]:
        """Give what the caller asked to be known by, and an id that is the same at each try."""
        config = TaskPushNotificationConfig.FromString(self._seal.open(task.sealed))
        headers = {
            "content-type": "application/json",
            "webhook-id": f"{task.task_id}/{version}",
        }
        if config.token:
            headers[TOKEN_HEADER] = config.token
        if config.authentication.scheme and config.authentication.credentials:
            given = config.authentication
            headers["Authorization"] = f"{given.scheme} {given.credentials}"
        return headers


def accepting(judge: Callable[[str], None]) -> Callable[[str], Awaitable[bool]]:
    """Let the library ask about an address; what speaks against it is told in our words."""

    async def accept(url: str) -> bool:
        try:
            judge(url)
        except NotAllowed as error:
            raise InvalidParamsError(message=f"Nothing can be pushed there: {error}") from error
        return True

    return accept
