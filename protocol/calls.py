"""Calls: a message's skill call as the model of its skill, and the key that makes it one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from domain.commands import RequestKey
from domain.errors import InvalidInput
from domain.record import digest_of
from protocol.aims import RESOLVE_APPROVAL
from protocol.codec import SkillCall, field_errors, read_call, require_understood
from protocol.inputs import DatasetInput, ResolveApprovalInput, SkillInput
from protocol.skills import SKILLS, Skill

if TYPE_CHECKING:
    from a2a.types import Message

    from domain.commands import Principal, Request, ResolveApproval
    from domain.work import AgentName
    from protocol.desks import Enquiries


def checked(skill: Skill, call: SkillCall) -> Any:
    """Give a call's input as the model of its skill. Raises InvalidInput, naming each field."""
    try:
        return skill.input.model_validate(dict(call.given))
    except ValidationError as error:
        wrong = field_errors(error)
        told = "; ".join(f"{each.field}: {each.message}" for each in wrong)
        raise InvalidInput(f"The input of {skill.id} is wrong: {told}", wrong) from error


def request_key(agent: AgentName, message: Message) -> RequestKey:
    """Give the identity of a writing message: one request, however often and in what form it comes."""
    return RequestKey(agent.value, message.message_id, _digest(message))


def _digest(message: Message) -> str:
    """Digest the call as it is understood: `20` and `20.0` are one count."""
    try:
        call = read_call(message)
        if call is None:
            return ""
        understood = SKILLS[call.skill].input.model_validate(dict(call.given))
    except (InvalidInput, KeyError, ValidationError):
        return ""
    return digest_of({"skill": call.skill, "input": understood.model_dump(mode="json")})


async def looked_up(given: SkillInput, principal: Principal, enquiries: Enquiries) -> SkillInput:
    """Give an input with the id of what it names. Raises NotFound."""
    match given:
        case DatasetInput(dataset_id=ref):
            found = await enquiries.resolve(principal, str(ref))
            return given.model_copy(update={"dataset_id": found})
        case ResolveApprovalInput(approval_id=ref):
            found = await enquiries.resolve_approval(principal, str(ref))
            return given.model_copy(update={"approval_id": found})
        case _:
            return given


async def decision_in(message: Message, request: Request, enquiries: Enquiries) -> ResolveApproval:
    """Read a message to a task that waits as the decision it must be.

    Raises:
        InvalidInput: it is none, or decides what the task does not wait for.
        NotFound: there is no such approval.
    """
    require_understood(message)
    call, skill = read_call(message), SKILLS[RESOLVE_APPROVAL]
    if call is None or call.skill != skill.id:
        raise InvalidInput(f"This task waits for {skill.id} and takes nothing else.")
    given = checked(skill, call)
    found = await enquiries.resolve_approval(request.principal, str(given.approval_id))
    if found not in request.undertaking.approvals:
        raise InvalidInput(f"This task does not wait for approval {found}.")
    decision: ResolveApproval = given.model_copy(update={"approval_id": found}).command()
    return decision
