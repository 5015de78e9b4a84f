"""An introduction: what an agent tells somebody who only says hello."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from protocol.examples import example_of
from protocol.schemas import schema_url
from protocol.skills import skills_of

if TYPE_CHECKING:
    from domain.record import JsonObject
    from domain.work import AgentName


def introduction_of(agent: AgentName, base: str) -> tuple[str, JsonObject]:
    """Tell in a sentence and in data what an agent can do; `base` begins the schemas' addresses."""
    skills = skills_of(agent)
    example = json.dumps(example_of(skills[0].id))
    sentence = (
        f"I am {agent.value}. I can {', '.join(each.id for each in skills)}. "
        f"Send JSON, as a data part or as text, for example: {example}"
    )
    shown = [{"skill": each.id, "input": schema_url(base, f"{each.id}.input")} for each in skills]
    return sentence, {"skills": shown, "example": example_of(skills[0].id)}
