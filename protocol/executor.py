"""Skills as tasks: a message is read, validated, and answered or followed to its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from a2a.helpers import new_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.tasks import TaskUpdater
from a2a.types import Message, Role, Task, TaskState
from a2a.utils.errors import InvalidParamsError
from pydantic import ValidationError

from domain.commands import Call, Principal, Request, RequestKey
from domain.errors import (
    Conflict,
    DataOpsError,
    InvalidInput,
    RequestRejected,
    SupplierRefused,
    SupplierUnavailable,
)
from protocol.auth import caller_of
from protocol.codec import (
    SkillCall,
    data_part,
    field_errors,
    read_call,
    require_understood,
    text_part,
)
from protocol.inputs import DatasetInput
from protocol.schemas import schema_url
from protocol.skills import SKILLS, Desks, Skill, dry_run_of, skills_of

if TYPE_CHECKING:
    from a2a.server.events import EventQueue

    from domain.record import JsonObject
    from domain.repository import Registry
    from domain.work import AgentName
    from protocol.inputs import SkillInput
    from protocol.projection import Projection, Showing


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
        self._followed: dict[str, _Telling] = {}

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Run one message to a terminal state, or to INPUT_REQUIRED with what is wrong."""
        message = context.message
        if message is None or context.task_id is None or context.context_id is None:
            raise InvalidParamsError(message="A skill call needs a message.")
        if context.current_task is None:
            await event_queue.enqueue_event(_new_task(context, message))
        told = _Telling(TaskUpdater(event_queue, context.task_id, context.context_id))
        try:
            await self._run(context, message, told)
        except InvalidInput as error:
            await self._ask_again(error, message, told)
        except (RequestRejected, Conflict) as error:
            await told.end(TaskState.TASK_STATE_REJECTED, str(error), _error(error))
        except (SupplierUnavailable, SupplierRefused) as error:
            await told.end(TaskState.TASK_STATE_FAILED, str(error), _error(error))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Call a request off: its work is stopped and compensated, then the task is CANCELED."""
        task_id, context_id = str(context.task_id), str(context.context_id)
        principal = caller_of(context.call_context).principal
        request = await self._registry.request_of_task(principal.tenant, task_id)
        told = _Telling(TaskUpdater(event_queue, task_id, context_id))
        if (followed := self._followed.get(task_id)) is not None:
            followed.hush()
        data: JsonObject = {}
        if request is not None:
            await self._desks.front.cancel(request)
            data = (await self._projection.showing(request)).data
            await self._registry.settle_request(principal.tenant, task_id)
        await told.end(TaskState.TASK_STATE_CANCELED, "Called off; nothing half-made stays.", data)

    async def _run(self, context: RequestContext, message: Message, told: _Telling) -> None:
        require_understood(message)
        call = read_call(message)
        if call is None:
            await told.finish(*self._introduction())
            return
        skill, given = self._validated(call)
        principal = caller_of(context.call_context).principal
        given = await self._resolved(given, principal)
        skill = dry_run_of(skill, given)
        if skill.ask is not None:
            answer = await skill.ask(given, self._desks, principal)
            await told.finish(answer.sentence, answer.data)
            return
        request = await self._accepted(context, message, principal, skill, given)
        await self._follow(request, told)

    async def _accepted(
        self,
        context: RequestContext,
        message: Message,
        principal: Principal,
        skill: Skill,
        given: SkillInput,
    ) -> Request:
        """Give the request of this task: the one accepted before a crash, or a new one."""
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
        return await self._desks.front.perform(given.command(), call)  # type: ignore[attr-defined]  # writing skills' inputs have it

    async def _follow(self, request: Request, told: _Telling) -> None:
        self._followed[request.task_id] = told
        try:
            showing = await self._projection.follow(request, told.tell)
        finally:
            del self._followed[request.task_id]
        await told.finish(showing.sentence, showing.data, showing.state)
        await self._registry.settle_request(request.principal.tenant, request.task_id)

    async def _resolved(self, given: SkillInput, principal: Principal) -> SkillInput:
        if not isinstance(given, DatasetInput):
            return given
        found = await self._desks.enquiries.resolve(principal, str(given.dataset_id))
        return given.model_copy(update={"dataset_id": found})

    def _validated(self, call: SkillCall) -> tuple[Skill, SkillInput]:
        skill = SKILLS.get(call.skill)
        if skill is None or skill.agent is not self._agent:
            known = ", ".join(each.id for each in skills_of(self._agent))
            where = f"; {skill.agent.value} has it" if skill else ""
            message = f"Agent {self._agent.value} has no skill {call.skill!r}{where}. Its: {known}."
            raise RequestRejected(message)
        try:
            return skill, skill.input.model_validate(dict(call.given))
        except ValidationError as error:
            wrong = field_errors(error)
            told = "; ".join(f"{each.field}: {each.message}" for each in wrong)
            raise InvalidInput(f"The input of {skill.id} is wrong: {told}", wrong) from error

    async def _ask_again(self, error: InvalidInput, message: Message, told: _Telling) -> None:
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

    def _introduction(self) -> tuple[str, JsonObject]:
        """Tell somebody who only says hello what this agent can do."""
        skills = skills_of(self._agent)
        example = json.dumps(example_of(skills[0].id))
        sentence = (
            f"I am {self._agent.value}. I can {', '.join(each.id for each in skills)}. "
            f"Send JSON, as a data part or as text, for example: {example}"
        )
        shown = [
            {"skill": each.id, "input": schema_url(self._base, f"{each.id}.input")}
            for each in skills
        ]
        return sentence, {"skills": shown, "example": example_of(skills[0].id)}


def request_key(agent: AgentName, message: Message) -> RequestKey:
    """Give the identity of a writing message: one request, however often it is sent."""
    call = read_call(message)
    return RequestKey(agent.value, message.message_id, call.digest if call else "")


def example_of(skill: str) -> JsonObject:
    """Give a skill's worked example, the one its card shows."""
    return {"skill": skill, **_EXAMPLES[skill]}


class _Telling:
    """What one task tells its caller: the text part first, then the data part."""

    def __init__(self, updater: TaskUpdater) -> None:
        self._updater = updater
        self._is_hushed = False

    def hush(self) -> None:
        """Tell no more: the task is being called off, and that is how it ends."""
        self._is_hushed = True

    async def tell(self, showing: Showing) -> None:
        """Tell how things stand; mere progress goes beside the message, for history keeps those."""
        if showing.is_news:
            await self._say(TaskState.TASK_STATE_WORKING, showing.sentence, showing.data)
            return
        progress = json.loads(json.dumps(showing.data))
        await self._updater.update_status(TaskState.TASK_STATE_WORKING, metadata=progress)

    async def ask(self, sentence: str, data: JsonObject) -> None:
        """Ask for better input."""
        await self._say(TaskState.TASK_STATE_INPUT_REQUIRED, sentence, data)

    async def finish(
        self,
        sentence: str,
        data: JsonObject,
        state: TaskState = TaskState.TASK_STATE_COMPLETED,
    ) -> None:
        """End the task with its artifact."""
        if self._is_hushed:
            return
        parts = [text_part(sentence), data_part(data)]
        await self._updater.add_artifact(parts, name="result", last_chunk=True)
        message = new_message([text_part(sentence)], role=Role.ROLE_AGENT)
        await self._updater.update_status(state, message)

    async def end(self, state: TaskState, sentence: str, data: JsonObject) -> None:
        """End the task without an artifact, saying why."""
        await self._say(state, sentence, data)

    async def _say(self, state: TaskState, sentence: str, data: JsonObject) -> None:
        if self._is_hushed:
            return
        message = new_message([text_part(sentence), data_part(data)], role=Role.ROLE_AGENT)
        await self._updater.update_status(state, message)


def _new_task(context: RequestContext, message: Message) -> Task:
    task = Task(id=context.task_id, context_id=context.context_id)
    task.status.state = TaskState.TASK_STATE_SUBMITTED
    task.status.timestamp.GetCurrentTime()
    task.history.append(message)
    return task


def _error(error: DataOpsError) -> JsonObject:
    return {"error": type(error).__name__, "message": str(error)}


_ACME = {
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "sandbox",
}
_TYPES = {**_ACME, "dataset_types": ["confluence", "github"]}
_WANTED = {
    "industry": "healthcare",
    "use_case": "developer_productivity",
    "dataset_type": "confluence",
}
_TEMPLATE = {"template_id": "healthcare_developer_productivity_confluence"}
_DATASET = {"dataset_id": "ACME-sandbox-confluence"}

_EXAMPLES: dict[str, JsonObject] = {
    "provision-datasets": _TYPES,
    "plan-datasets": _TYPES,
    "dataset-status": _DATASET,
    "list-datasets": {"client_id": "acme-healthcare", "page_size": 20},
    "list-templates": {"industry": "healthcare"},
    "describe-template": _TEMPLATE,
    "preview-template": {**_TEMPLATE, "record_count": 3},
    "select-template": _WANTED,
    "provision-dataset": {**_ACME, "dataset_type": "zendesk"},
    "configure-connector": {
        "client_id": "acme-healthcare",
        "stage": "pilot",
        "dataset_type": "github",
    },
    "validate-dataset": _DATASET,
    "check-connector": _DATASET,
    "quality-report": _DATASET,
    "teardown-dataset": {**_DATASET, "reason": "manual_request"},
    "restore-dataset": _DATASET,
    "verify-archive": _DATASET,
}
