"""The delegate: orders go out over A2A, in one process and over the network by the same code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID, uuid5

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.client.errors import A2AClientError
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    Message,
    Role,
    SendMessageRequest,
    StreamResponse,
    TaskState,
)
from a2a.utils.errors import A2AError
from google.protobuf.json_format import MessageToDict

from domain.errors import InvalidInput
from domain.work import AGENT_OF, FailureKind, Order, OrderFailed, Outcome, Progress
from protocol.codec import order_part, read_outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from a2a.client import Client

    from domain.ports import OnProgress
    from domain.work import AgentName

_NAMESPACE = UUID("1c9f3b52-0b7e-5d1c-9a5c-3f1f6e0f7b21")

_ENDED_BADLY = {
    TaskState.TASK_STATE_FAILED,
    TaskState.TASK_STATE_REJECTED,
    TaskState.TASK_STATE_CANCELED,
}


CALL_OFF_SECONDS = 5.0
"""How long an agent may take to hear that an order was called off."""

Cards: TypeAlias = "Callable[[AgentName], Awaitable[AgentCard]]"
"""Where an agent's card comes from; raises what httpx and the A2A client raise."""


class A2ADelegate:
    """Hands orders to the stage agents their cards name."""

    def __init__(self, http: httpx.AsyncClient, cards: Cards) -> None:
        """Call the agents of these cards through this client, which carries the order key."""
        self._factory = ClientFactory(
            ClientConfig(httpx_client=http, streaming=True, supported_protocol_bindings=["JSONRPC"])
        )
        self._cards = cards
        self._clients: dict[AgentName, Client] = {}

    async def delegate(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Give the agent's outcome; one out of reach is lost."""
        try:
            client = await self._client(AGENT_OF[order.kind])
            return await _carried_out(client, order, progress)
        except (A2AClientError, httpx.HTTPError) as error:
            return _lost(order, str(error) or type(error).__name__)
        except (A2AError, InvalidInput) as error:
            return _failed(order, str(error) or type(error).__name__)

    async def _client(self, agent: AgentName) -> Client:
        """Give the client of an agent, whose card is read before its first order."""
        if agent not in self._clients:
            self._clients[agent] = self._factory.create(await self._cards(agent))
        return self._clients[agent]


async def _carried_out(client: Client, order: Order, progress: OnProgress) -> Outcome:
    task_id = str(uuid5(_NAMESPACE, str(order.key) + order.kind))
    message = Message(message_id=task_id, role=Role.ROLE_USER, parts=[order_part(order)])
    try:
        return await _listen(client, SendMessageRequest(message=message), order, progress)
    except asyncio.CancelledError:
        await _call_off(client, task_id)
        raise


async def _listen(
    client: Client, request: SendMessageRequest, order: Order, progress: OnProgress
) -> Outcome:
    async for response in client.send_message(request):
        outcome = await _read(response, order, progress)
        if outcome is not None:
            return outcome
    return _lost(order, "its answer ended without an outcome")


async def _read(response: StreamResponse, order: Order, progress: OnProgress) -> Outcome | None:
    kind = response.WhichOneof("payload")
    if kind == "artifact_update":
        return read_outcome(list(response.artifact_update.artifact.parts))
    if kind == "task":
        return _of_task(response, order)
    if kind == "status_update":
        await _note(response, progress)
        if response.status_update.status.state in _ENDED_BADLY:
            return _failed(order, "it ended its task without an outcome")
    return None


def _of_task(response: StreamResponse, order: Order) -> Outcome | None:
    task = response.task
    if task.artifacts:
        return read_outcome(list(task.artifacts[0].parts))
    return _failed(order, "it gave up") if task.status.state in _ENDED_BADLY else None


async def _note(response: StreamResponse, progress: OnProgress) -> None:
    told = MessageToDict(response.status_update.metadata)
    if "phase" in told:
        await progress(Progress(told["phase"], int(told["done"]), int(told["total"]), told["unit"]))


async def _call_off(client: Client, task_id: str) -> None:
    """Tell the agent; one that has finished, or is out of reach, needs no telling."""
    try:
        async with asyncio.timeout(CALL_OFF_SECONDS):
            await client.cancel_task(CancelTaskRequest(id=task_id))
    except (A2AClientError, A2AError, httpx.HTTPError, TimeoutError):
        return


def _failed(order: Order, why: str) -> Outcome:
    """Tell of an agent that has ended, without an outcome we can use."""
    return OrderFailed(order.key, FailureKind.UNAVAILABLE, _told(order, why))


def _lost(order: Order, why: str) -> Outcome:
    """Tell of an agent we no longer hear; it may be at work until the order's deadline."""
    return OrderFailed(order.key, FailureKind.LOST, _told(order, why))


def _told(order: Order, why: str) -> str:
    agent = AGENT_OF[order.kind]
    return f"Agent {agent} did not carry out {order.kind} for {order.key.dataset_id}: {why}."


def known(cards: Mapping[AgentName, AgentCard]) -> Cards:
    """Give the cards of agents in this process."""

    async def find(agent: AgentName) -> AgentCard:
        return cards[agent]

    return find


def published(http: httpx.AsyncClient, base_url: str) -> Cards:
    """Give the cards as agents elsewhere publish them, below `base_url` (no trailing slash)."""

    async def find(agent: AgentName) -> AgentCard:
        resolver = A2ACardResolver(http, f"{base_url}/agents/{agent.value}")
        card = await resolver.get_agent_card()
        _require_there(agent, card, base_url)
        return card

    return find


def _require_there(agent: AgentName, card: AgentCard, base_url: str) -> None:
    """Refuse a card that would have the order key sent elsewhere than it was set to be."""
    for each in card.supported_interfaces:
        if not each.url.startswith(f"{base_url}/"):
            raise A2AClientError(
                f"the card of {agent.value} at {base_url} names another address, {each.url}; start "
                "it with DATAOPS_BASE_URL set to the address it is reached by"
            )
