"""The doors of a served service: each takes one call, and tells how it went and to what end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import httpx

from tests.running import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.service.cli.commanding import Cli

VERSION = {"A2A-Version": "1.0"}

AGENT_OF = {
    "provision-datasets": "lifecycle-coordinator",
    "transition-stage": "lifecycle-coordinator",
    "complete-journey": "lifecycle-coordinator",
    "validate-dataset": "data-validation",
    "check-connector": "data-validation",
    "teardown-dataset": "data-teardown",
    "restore-dataset": "data-teardown",
    "cleanup-orphans": "data-teardown",
    "extend-retention": "data-teardown",
    "hold-archive": "data-teardown",
    "release-archive": "data-teardown",
    "select-template": "dataset-discovery",
}

EVENT_OF = {
    "provision-datasets": "DatasetProvisionRequested",
    "transition-stage": "StageTransitioned",
    "complete-journey": "JourneyCompleted",
}
"""The events that ask for what a skill does; no other skill is asked for by one."""

_OF_ARCHIVES = frozenset({"extend-retention", "hold-archive", "release-archive"})


@dataclass(frozen=True, slots=True)
class Told:
    """How a call went: whether it was done as asked, and everything that was said of it."""

    is_done: bool
    words: str


class Door(Protocol):
    """One way in."""

    def __call__(
        self, cli: Cli, skill: str, given: Mapping[str, Any], token: str | None = None
    ) -> Told:
        """Call a skill and wait for its end."""
        ...


def over_json_rpc(cli: Cli, skill: str, given: Mapping[str, Any], token: str | None = None) -> Told:
    """Call a skill over A2A in JSON-RPC."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": _message(skill, given)}
    return _posted(cli, f"/agents/{AGENT_OF[skill]}", body, token)


def over_http(cli: Cli, skill: str, given: Mapping[str, Any], token: str | None = None) -> Told:
    """Call a skill over A2A in HTTP and JSON."""
    return _posted(cli, f"/agents/{AGENT_OF[skill]}/message:send", _message(skill, given), token)


def over_events(cli: Cli, skill: str, given: Mapping[str, Any], token: str | None = None) -> Told:
    """Tell the event that asks for what a skill does, and follow the task that it becomes."""
    headers = {**VERSION, **_bearer(token)}
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/journey-orchestration",
        "type": f"io.dataops.lifecycle.{EVENT_OF[skill]}.v1",
        "data": dict(given),
    }
    with httpx.Client(headers=headers, timeout=PATIENCE_SECONDS) as http:
        answer = http.post(
            f"{cli.url}/events",
            json=event,
            headers={"content-type": "application/cloudevents+json"},
        )
        if answer.status_code != HTTPStatus.ACCEPTED:
            return Told(False, answer.text)
        task = answer.json()["task_url"]
        http.get(f"{task}:subscribe")  # is told until the task has ended, or that it has already
        return _told(http.get(task))


def on_the_command_line(
    cli: Cli, skill: str, given: Mapping[str, Any], token: str | None = None
) -> Told:
    """Call a skill by its command."""
    env = {"THE_TOKEN": token, "DATAOPS_TOKEN": "secret://env/THE_TOKEN"} if token else {}
    result = cli.run(*_words(skill, given), **env)
    said = " ".join(f"{result.stdout} {result.stderr}".split())
    return Told(result.exit_code == 0, said)


DOORS: dict[str, Door] = {
    "JSON-RPC": over_json_rpc,
    "HTTP and JSON": over_http,
    "the command line": on_the_command_line,
}

ASKING: dict[str, Door] = {**DOORS, "events": over_events}
"""The doors that take what provisions, moves and ends: the one for events does too."""


def a_request(client: str, *types: str, **more: Any) -> dict[str, Any]:
    """Ask for small datasets of a client, which is introduced by it."""
    return {
        "journey_id": f"journey-{client}",
        "client_id": client,
        "stage": "sandbox",
        "dataset_types": list(types),
        "record_count": 10,
        "client": {
            "name": client.title(),
            "code": client.upper(),
            "industry": "retail",
            "use_case": "onboarding",
        },
        **more,
    }


def connector(client: str, kind: str = "jira") -> str:
    return f"{client.upper()}-sandbox-{kind}"


def shown(cli: Cli, ref: str) -> dict[str, Any]:
    """Read a dataset, named by id or by its connector."""
    found: dict[str, Any] = cli.answer("datasets", "show", ref)["datasets"][0]
    return found


def datasets_of(cli: Cli, client: str) -> list[dict[str, Any]]:
    return list(cli.answer("datasets", "list", "--client", client)["datasets"])


def events_of(cli: Cli, client: str) -> list[str]:
    result = cli.run("events", "tail", "--no-follow", "--journey", f"journey-{client}")
    return result.stdout.split()


def _message(skill: str, given: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{"data": {"skill": skill, **given}}]
    return {"message": {"messageId": str(uuid4()), "role": "ROLE_USER", "parts": parts}}


def _posted(cli: Cli, path: str, body: Mapping[str, Any], token: str | None) -> Told:
    headers = {**VERSION, **_bearer(token)}
    return _told(httpx.post(cli.url + path, json=body, headers=headers, timeout=PATIENCE_SECONDS))


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _told(answer: httpx.Response) -> Told:
    state = re.search(r"TASK_STATE_(\w+)", answer.text)
    return Told(state is not None and state[1] == "COMPLETED", answer.text)


def _words(skill: str, given: Mapping[str, Any]) -> list[str]:
    """Write a call as its command; what no option takes is tried as one."""
    if skill == "provision-datasets":
        return ["request", given["client_id"], *given["dataset_types"], *_asked(given)]
    if skill == "cleanup-orphans":
        return ["orphans", *([] if given["dry_run"] else ["--end"])]
    if skill == "select-template":
        strict = ["--strict"] if given.get("strict") else []
        names = ("industry", "use_case", "dataset_type")
        return ["templates", "match", *(given[each] for each in names), *strict]
    if skill == "transition-stage":
        mode = ["--mode", given["mode"]] if "mode" in given else []
        return ["journeys", "move", given["journey_id"], given["to_stage"], "--yes", *mode]
    if skill == "complete-journey":
        return ["journeys", "complete", given["journey_id"], "--yes"]
    verb, rest = skill.partition("-")[0], {**given}
    area = ["archive"] if skill in _OF_ARCHIVES else []
    words = [*area, verb, rest.pop("dataset_id"), *(["--yes"] if verb == "teardown" else [])]
    return [*words, *(["--force"] if rest.pop("force", False) else []), *_options(rest)]


def _asked(given: Mapping[str, Any]) -> list[str]:
    rest = {
        name: each for name, each in given.items() if name not in {"client_id", "dataset_types"}
    }
    journey, client = rest.pop("journey_id"), rest.pop("client", {})
    return ["--journey", journey, *_options({**rest, **client})]


def _options(given: Mapping[str, Any]) -> list[str]:
    return [
        word for name, each in given.items() for word in (f"--{name.replace('_', '-')}", str(each))
    ]
