"""Skills as tasks: a message is read, validated, and answered or followed to its end."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import structlog
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.types import Message, TaskState, TaskStatus
from a2a.utils.errors import InvalidParamsError

from domain.commands import Call, Principal, Request
from domain.errors import (
    Conflict,
    DataOpsError,
    InvalidInput,
    RegistryUnavailable,
    RequestRejected,
)
from protocol.arrivals import Arrivals, sent
from protocol.auth import caller_of
from protocol.calls import checked, decision_in, looked_up, request_key
from protocol.codec import SkillCall, read_call, require_understood
from protocol.desks import Desks
from protocol.examples import example_of
from protocol.gate import CalledOff, Gate
from protocol.introduction import introduction_of
from protocol.projection import Showing
from protocol.schemas import schema_url
from protocol.skills import SKILLS, Skill, dry_run_of, skills_of
from protocol.telling import Telling, said

if TYPE_CHECKING:
    from a2a.server.events import EventQueue

    from domain.record import JsonObject
    from domain.repository import Registry
    from domain.work import AgentName
    from protocol.inputs import SkillInput
    from protocol.projection import Projection


log = structlog.get_logger("skills")

NEVER_BEGUN = "Called off before it began."
"""What a task says that was called off and is no request."""


class SkillExecutor(AgentExecutor):
    """Runs one agent's skills for outside callers."""

    def __init__(
        self, agent: AgentName, desks: Desks, projection: Projection, registry: Registry, base: str
    ) -> None:
        """Serve an agent whose skills ask these desks; `base` begins the schemas' addresses."""
        self._agent = agent
        self._desks = desks
        self._projection = projection
        self._registry = registry
        self._base = base
        self._gates: dict[str, Gate] = {}
        self.arrivals = Arrivals()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Run one message to a terminal state, or to INPUT_REQUIRED with what is wrong."""
        message = context.message
        if message is None or context.task_id is None or context.context_id is None:
            raise InvalidParamsError(message="A skill call needs a message.")
        told = Telling(context, event_queue)
        arrived = sent(caller_of(context.call_context).principal, self._agent, message.message_id)
        self.arrivals.take(arrived)
        gate = self._gates[context.task_id] = Gate()
        try:
            await self._carry(context, message, told, gate)
        except CalledOff:
            await told.end(TaskState.TASK_STATE_CANCELED, NEVER_BEGUN, {})
        except InvalidInput as error:
            await self._ask_again(error, message, told)
        except (RequestRejected, Conflict) as error:
            await told.end(TaskState.TASK_STATE_REJECTED, str(error), _error(error))
        except DataOpsError as error:
            await told.end(TaskState.TASK_STATE_FAILED, str(error), _error(error))
        except Exception as broken:  # noqa: BLE001 - no caller shall wait for ever for a defect of ours
            await self._own_up(broken, context.task_id, told)
        finally:
            del self._gates[context.task_id]
            gate.has_ended.set()
            self.arrivals.settle(arrived)

    async def call_off(self, task_id: str, principal: Principal) -> bool:
        """Call the request of a task off, or keep the task from becoming one.

        Tells whether that could be done: not where it is decided already with what the task ends.
        """
        gate = self._gates.get(task_id) or Gate()
        async with gate.lock:
            request = await self._registry.request_of_task(principal.tenant, task_id)
            if request is not None:
                request = await self._desks.front.cancel(request)
            gate.is_called_off = request is None or request.is_cancelled
            return gate.is_called_off

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """End the task CANCELED; its request has been called off before.

        A task that is at work here says so itself, so that whoever listens hears it. One that came
        here only after it was called off is called off again: it knew nothing of it.
        """
        task_id, principal = str(context.task_id), caller_of(context.call_context).principal
        gate = self._gates.get(task_id)
        if gate is not None:
            if not gate.is_called_off:
                await self.call_off(task_id, principal)
            await gate.has_ended.wait()
            return
        showing = await self._called_off(task_id, principal)
        await Telling(context, event_queue).end(showing.state, showing.sentence, showing.data)

    def is_at(self, task_id: str) -> bool:
        """Whether a message of a task is worked at here just now."""
        return task_id in self._gates

    async def still_waits(self, request: Request) -> bool:
        """Whether a request's task has to wait for somebody's consent as things stand."""
        return (await self._projection.showing(request)).waits

    async def called_off(self, task_id: str, principal: Principal) -> TaskStatus:
        """Give the status with which a task ends that was called off."""
        showing = await self._called_off(task_id, principal)
        return said(showing.state, showing.sentence, showing.data)

    async def _called_off(self, task_id: str, principal: Principal) -> Showing:
        request = await self._registry.request_of_task(principal.tenant, task_id)
        if request is None:
            return Showing(NEVER_BEGUN, {}, TaskState.TASK_STATE_CANCELED)
        return await self._projection.showing(replace(request, is_cancelled=True))

    async def _own_up(self, broken: Exception, task_id: str, told: Telling) -> None:
        """Tell of a defect of ours without its inside, which is for the log."""
        log.error("skill.broke", agent=self._agent.value, task_id=task_id, exc_info=broken)
        sentence = (
            f"Something of ours broke in {self._agent.value} (task {task_id}). Look where your "
            "datasets stand, then send the request again as a new message."
        )
        await told.end(TaskState.TASK_STATE_FAILED, sentence, {"error": "InternalError"})

    async def _carry(
        self, context: RequestContext, message: Message, told: Telling, gate: Gate
    ) -> None:
        """Run a message; what was kept of it goes on, though the registry was away for a while.

        Raises RegistryUnavailable where nothing was kept, so that it can be sent again.
        """
        try:
            await self._run(context, message, told, gate)
        except RegistryUnavailable:
            async with gate.lock:
                request = await self._kept(context)
                if request is None:
                    gate.require_open()
                    raise
            await self._follow(request, told, gate)

    async def _kept(self, context: RequestContext) -> Request | None:
        """Give the request of a task as soon as it can be told whether there is one."""
        tenant, task_id = caller_of(context.call_context).principal.tenant, str(context.task_id)
        look = partial(self._registry.request_of_task, tenant, task_id)
        return await self._projection.surely(task_id, look)

    async def _run(
        self, context: RequestContext, message: Message, told: Telling, gate: Gate
    ) -> None:
        if (waiting := await self._waiting(context, message)) is not None:
            await self._answered(waiting, message, told, gate)
            return
        require_understood(message)
        call = read_call(message)
        if call is None:
            await told.finish(*introduction_of(self._agent, self._base))
            return
        skill, given = self._validated(call)
        principal = caller_of(context.call_context).principal
        given = await looked_up(given, principal, self._desks.enquiries)
        skill = dry_run_of(skill, given)
        if skill.ask is not None:
            answer = await skill.ask(given, self._desks, principal)
            await told.finish(answer.sentence, answer.data)
            return
        async with gate.lock:
            gate.require_open()
            request = await self._accepted(context, message, principal, skill, given)
        await self._follow(request, told, gate)

    async def _waiting(self, context: RequestContext, message: Message) -> Request | None:
        """Give the request whose task this message answers, and did not make."""
        tenant = caller_of(context.call_context).principal.tenant
        if context.current_task is None:
            return None
        known = await self._registry.request_of_task(tenant, str(context.task_id))
        return known if known and known.key.message_id != message.message_id else None

    async def _answered(
        self, request: Request, message: Message, told: Telling, gate: Gate
    ) -> None:
        """Take an answer to a task that waits for consent; one that is none leaves it waiting."""
        try:
            command = await decision_in(message, request, self._desks.enquiries)
            await self._desks.front.resolve(command, request.principal)
        except (RequestRejected, Conflict) as error:
            showing = await self._projection.showing(request)
            await told.ask(f"{error} {showing.sentence}", {**showing.data, **_error(error)})
            return
        await self._follow(request, told, gate)

    async def _accepted(
        self,
        context: RequestContext,
        message: Message,
        principal: Principal,
        skill: Skill,
        given: SkillInput,
    ) -> Request:
        """Give the request of this task: a new one, or the one it was before a crash.

        Raises RequestRejected where another process has taken the same message in meanwhile.
        """
        task_id = str(context.task_id)
        known = await self._registry.request_of_task(principal.tenant, task_id)
        if known is not None:
            return known
        call = Call(
            principal=principal,
            key=request_key(self._agent, message),
            skill=skill.id,
            task_id=task_id,
            context_id=str(context.context_id),
            message=message.SerializeToString(),
        )
        try:
            return await self._desks.front.perform(given.command(), call)  # type: ignore[attr-defined]  # writing skills' inputs have it
        except Conflict:
            came_before = await self._registry.request(principal, call.key)
            if came_before is None:
                raise
            raise RequestRejected(
                f"Message {call.key.message_id!r} is task {came_before.task_id} already. "
                "Read that one, or subscribe to it."
            ) from None
        finally:
            self.arrivals.settle(sent(principal, self._agent, message.message_id))

    async def _follow(self, request: Request, told: Telling, gate: Gate) -> None:
        await told.begin()
        showing = await self._projection.follow(request, told.tell, lambda: gate.is_called_off)
        if showing.state == TaskState.TASK_STATE_CANCELED:
            await told.end(showing.state, showing.sentence, showing.data)
        elif showing.waits:
            await told.ask(showing.sentence, showing.data)
        else:
            await told.finish(showing.sentence, showing.data, showing.state)

    def _validated(self, call: SkillCall) -> tuple[Skill, SkillInput]:
        skill = SKILLS.get(call.skill)
        if skill is None or skill.agent is not self._agent:
            known = ", ".join(each.id for each in skills_of(self._agent))
            where = f"; {skill.agent.value} has it" if skill else ""
            message = f"Agent {self._agent.value} has no skill {call.skill!r}{where}. Its: {known}."
            raise RequestRejected(message)
        return skill, checked(skill, call)

    async def _ask_again(self, error: InvalidInput, message: Message, told: Telling) -> None:
        """Name the wrong fields, and show an example and the schema to go by."""
        call = read_call(message)
        skill = call.skill if call and call.skill in SKILLS else skills_of(self._agent)[0].id
        data = {
            **_error(error),
            "errors": [{"field": each.field, "message": each.message} for each in error.errors],
            "example": example_of(skill),
            "schema": schema_url(self._base, f"{skill}.input"),
        }
        await told.ask(str(error), data)


def _error(error: DataOpsError) -> JsonObject:
    return {"error": type(error).__name__, "message": str(error)}
