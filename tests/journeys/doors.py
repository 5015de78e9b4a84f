"""The doors of a served service: each takes the same call, and tells how it went."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
    "validate-dataset": "data-validation",
    "teardown-dataset": "data-teardown",
    "restore-dataset": "data-teardown",
    "select-template": "dataset-discovery",
}


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


def _message(skill: str, given: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{"data": {"skill": skill, **given}}]
    return {"message": {"messageId": str(uuid4()), "role": "ROLE_USER", "parts": parts}}


def _posted(cli: Cli, path: str, body: Mapping[str, Any], token: str | None) -> Told:
    headers = {**VERSION, **({"Authorization": f"Bearer {token}"} if token else {})}
    answer = httpx.post(cli.url + path, json=body, headers=headers, timeout=PATIENCE_SECONDS)
    state = re.search(r"TASK_STATE_(\w+)", answer.text)
    return Told(state is not None and state[1] == "COMPLETED", answer.text)


def _words(skill: str, given: Mapping[str, Any]) -> list[str]:
    """Write a call as its command; what no option takes is tried as one."""
    if skill == "provision-datasets":
        return ["request", given["client_id"], *given["dataset_types"], *_asked(given)]
    if skill == "select-template":
        strict = ["--strict"] if given.get("strict") else []
        names = ("industry", "use_case", "dataset_type")
        return ["templates", "match", *(given[each] for each in names), *strict]
    verb, rest = skill.partition("-")[0], {**given}
    words = [verb, rest.pop("dataset_id"), *(["--yes"] if verb == "teardown" else [])]
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
