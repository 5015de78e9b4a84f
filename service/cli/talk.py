"""Talking to an agent over A2A: one call, its progress, and how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.types import Message, Part, Role, SendMessageRequest, TaskState
from a2a.utils.errors import A2AError
from google.protobuf.json_format import MessageToDict

from protocol.codec import data_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from a2a.client import Client
    from a2a.types import StreamResponse

OnData = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes the data of each status on the way."""


BACK_SECONDS = 60.0
"""How long a service that ended in the middle of a task may take to be back, or another to come."""

_AGAIN_SECONDS = 0.5

_NOBODY_BEHIND = frozenset({502, 503, 504})

_GOING_ON = frozenset({TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING})


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended: the task's state, a sentence, and the data of its artifact."""

    state: TaskState
    sentence: str
    data: dict[str, Any]


class Talk:
    """A line to the agents of one service."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Talk to the service at `url`, with a bearer token where it wants one."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url.rstrip("/")
        timeout = httpx.Timeout(10.0, read=None)
        self._http = httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False)
        self._clients: dict[str, Client] = {}

    async def call(
        self,
        agent: str,
        given: Mapping[str, Any],
        on_data: OnData,
        *,
        message_id: str | None = None,
    ) -> Ending:
        """Send one skill call and follow its task to the end."""
        message = Message(
            message_id=message_id or str(uuid4()), role=Role.ROLE_USER, parts=[data_part(given)]
        )
        client = await self._client(agent)
        ending = Ending(TaskState.TASK_STATE_UNSPECIFIED, "", {})
        async for response in client.send_message(SendMessageRequest(message=message)):
            ending = _after(ending, response)
            if (standing := _standing(response)) is not None:
                await on_data(standing)
        return ending

    async def see_through(self, agent: str, given: Mapping[str, Any], on_data: OnData) -> Ending:
        """Send one skill call and follow its task to the end, whichever process shows it.

        Where the service says that it ends before the task does, the same message is sent to
        whoever is there then: it is one request, however often it comes.

        Raises:
            A2AError: nobody was there within BACK_SECONDS, or the call was refused.
        """
        absence = _Absence(on_data)
        send = partial(self.call, agent, given, absence.hear, message_id=str(uuid4()))
        ending = await send()
        while ending.state in _GOING_ON:
            ending = await absence.outlast(send)
        return ending

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _client(self, agent: str) -> Client:
        if agent not in self._clients:
            card = await A2ACardResolver(self._http, f"{self._url}/agents/{agent}").get_agent_card()
            config = ClientConfig(httpx_client=self._http, supported_protocol_bindings=["JSONRPC"])
            self._clients[agent] = ClientFactory(config).create(card)
        return self._clients[agent]


class _Absence:
    """How long nobody has been there who answers."""

    def __init__(self, on_data: OnData) -> None:
        self._on_data = on_data
        self._heard_at = time.monotonic()

    async def hear(self, data: dict[str, Any]) -> None:
        """Hear a status of somebody who is there."""
        self._heard_at = time.monotonic()
        await self._on_data(data)

    async def outlast(self, send: Callable[[], Awaitable[Ending]]) -> Ending:
        """Send as soon as somebody is back."""
        self._heard_at = time.monotonic()
        while True:
            await asyncio.sleep(_AGAIN_SECONDS)
            try:
                return await send()
            except A2AError as error:
                is_too_long = time.monotonic() - self._heard_at > BACK_SECONDS
                if is_too_long or not _is_nobody(error):
                    raise


def _is_nobody(error: A2AError) -> bool:
    """Whether nobody answered, or somebody in between who says so."""
    match error.__cause__:
        case httpx.HTTPStatusError() as refusal:
            return refusal.response.status_code in _NOBODY_BEHIND
        case cause:
            return isinstance(cause, httpx.TransportError)


def _standing(response: StreamResponse) -> dict[str, Any] | None:
    """Give the data of a status: in its message, or beside it where it is mere progress."""
    match response.WhichOneof("payload"):
        case "status_update":
            update = response.status_update
            beside: dict[str, Any] = MessageToDict(update.metadata)
            return beside or _data(update.status.message.parts)
        case "task" if response.task.status.state in _GOING_ON:
            return _data(response.task.status.message.parts)
        case _:
            return None


def _after(ending: Ending, response: StreamResponse) -> Ending:
    """Take one more answer in; the artifact's data outlasts the closing status."""
    match response.WhichOneof("payload"):
        case "artifact_update":
            parts = response.artifact_update.artifact.parts
            return Ending(ending.state, _sentence(parts), _data(parts))
        case "task":
            task = response.task
            parts = (task.artifacts[-1] if task.artifacts else task.status.message).parts
            return Ending(task.status.state, _sentence(parts), _data(parts))
        case "status_update":
            status = response.status_update.status
            told = status.message.parts
            sentence, data = _sentence(told) or ending.sentence, _data(told) or ending.data
            return Ending(status.state, sentence, data)
        case _:
            return ending


def _sentence(parts: Iterable[Part]) -> str:
    return next((each.text for each in parts if each.text), "")


def _data(parts: Iterable[Part]) -> dict[str, Any]:
    for part in parts:
        if part.WhichOneof("content") == "data":
            found: dict[str, Any] = MessageToDict(part.data)
            return found
    return {}
