"""The far end: a running service, spoken to over A2A and HTTP, one call at a time."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from a2a.client.errors import AgentCardResolutionError
from a2a.types import TaskState
from a2a.utils.errors import A2AError

from domain.errors import InvalidInput
from gateways.secrets import resolve
from service.addresses import is_web_address
from service.cli.ending import ExitCode, Stopped
from service.cli.talk import Ending, Talk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.cli.talk import OnData

READ_SECONDS = 30.0
"""How long a plain answer may take; streams may be silent for longer."""

_REFUSALS = frozenset({401, 403})
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Result:
    """What a skill answered: the task's state in lower case, a sentence, and its data."""

    state: str
    sentence: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that `--json` prints."""
        return {"state": self.state, "message": self.sentence, **self.data}


class Remote:
    """A service at an address; `token` is a secret reference."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Speak to the service at `url`.

        Raises:
            Stopped: it is no web address, or the token cannot be read.
        """
        self.url = _address(url)
        self._token = _secret(token)

    def call(
        self, agent: str, skill: str, given: Mapping[str, Any], on_data: OnData | None = None
    ) -> Result:
        """Run a skill and follow it to its end; fields of the input that are None stay away.

        Raises:
            Stopped: the service is out of reach, or it does not know the token.
        """
        wanted = {name: value for name, value in given.items() if value is not None}
        with _reaching(self.url):
            return asyncio.run(self._call(agent, {"skill": skill, **wanted}, on_data or _silent))

    def accept(self, agent: str, skill: str, given: Mapping[str, Any]) -> Result:
        """Run a skill that writes and come back as soon as its datasets exist."""
        try:
            return self.call(agent, skill, given, _leave)
        except _Accepted as accepted:
            return Result("working", "Accepted; the work goes on.", accepted.data)

    def get(self, path: str, **query: str | int | None) -> Any:
        """Read a JSON document. Raises Stopped."""
        return self.page(path, **query).json()

    def page(self, path: str, **query: str | int | None) -> httpx.Response:
        """Read one answer. Raises Stopped."""
        with _reaching(self.url), self._http(READ_SECONDS) as client:
            answer = client.get(path, params=_given(query))
            answer.raise_for_status()
            return answer

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a JSON object, or nothing; gives the JSON document that is answered. Raises Stopped."""
        with _reaching(self.url), self._http(READ_SECONDS) as client:
            answer = client.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def stream(self, path: str, **query: str | int | None) -> Iterator[dict[str, Any]]:
        """Follow server-sent events, each frame's data parsed as JSON. Raises Stopped."""
        with (
            _reaching(self.url),
            self._http(None) as client,
            client.stream("GET", path, params=_given(query)) as answer,
        ):
            if answer.is_error:
                answer.read()
            answer.raise_for_status()
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def _http(self, read_seconds: float | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        timeout = httpx.Timeout(10.0, read=read_seconds)
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)

    async def _call(self, agent: str, given: dict[str, Any], on_data: OnData) -> Result:
        talk = Talk(self.url, self._token)
        try:
            return _result(await talk.see_through(agent, given, on_data))
        finally:
            await talk.close()


class _Accepted(Exception):
    """The first status came: the request is written down."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__("accepted")
        self.data = _whole(data)


async def _leave(data: dict[str, Any]) -> None:
    if "datasets" in data:
        raise _Accepted(data)


async def _silent(data: dict[str, Any]) -> None:
    del data


def _result(ending: Ending) -> Result:
    state = TaskState.Name(ending.state).removeprefix("TASK_STATE_").lower()
    return Result(state, ending.sentence, _whole(ending.data))


def _whole(value: Any) -> Any:
    """Write whole numbers as such again, and fields in one order: the protocol keeps neither."""
    match value:
        case dict():
            return {name: _whole(each) for name, each in sorted(value.items())}
        case list():
            return [_whole(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _given(query: Mapping[str, str | int | None]) -> dict[str, str | int] | None:
    """Leave out what is None; an empty query would wipe out the one a path already has."""
    return {name: value for name, value in query.items() if value is not None} or None


def _address(url: str) -> str:
    if not is_web_address(url):
        why = "An address is http:// or https:// with a host, and a port where it has one."
        what = f"{url!r} is no address of a service."
        raise Stopped(ExitCode.USAGE, what, why, "--url http://127.0.0.1:8080")
    return url.rstrip("/")


def _secret(reference: str | None) -> str | None:
    if reference is None:
        return None
    try:
        return resolve(reference)
    except InvalidInput as error:
        raise Stopped(ExitCode.USAGE, "The token cannot be read.", str(error)) from error


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Turn what goes wrong on the way into words and an exit code."""
    try:
        yield
    except (A2AError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise _stopped(url, error) from error


def _stopped(url: str, error: Exception) -> Stopped:
    status, told = _status(error), (str(error) or type(error).__name__).splitlines()[0]
    if status in _REFUSALS:
        return Stopped(
            ExitCode.NOT_ALLOWED,
            f"The service at {url} does not let you in.",
            _detail(error) or told,
            "give --token secret://env/NAME with a token the service knows",
        )
    if status == _NOT_FOUND and _is_about_datasets(error):
        return Stopped(ExitCode.FAILED, _detail(error) or told, next_step="dataops datasets list")
    if status is not None and not _is_stranger(error, status):
        what = f"The service at {url} refused: HTTP {status}."
        return Stopped(ExitCode.FAILED, what, _detail(error) or told, "dataops doctor")
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL) or _cause(error) is not None:
        return Stopped(
            ExitCode.UNREACHABLE,
            f"No DataOps service answers at {url}.",
            told,
            "dataops serve, or name another address with --url",
        )
    return Stopped(ExitCode.FAILED, "The service could not take the call.", told)


def _is_stranger(error: Exception, status: int) -> bool:
    """Whether somebody answers who has no agents: another program on that port."""
    return isinstance(error, AgentCardResolutionError) and status == _NOT_FOUND


def _is_about_datasets(error: Exception) -> bool:
    cause = _cause(error)
    about = ("/api/v1/datasets/", "/api/v1/archives/")
    return cause is not None and cause.request.url.path.startswith(about)


def _cause(error: BaseException | None) -> httpx.HTTPError | None:
    while error is not None and not isinstance(error, httpx.HTTPError):
        error = error.__cause__
    return error


def _status(error: Exception) -> int | None:
    cause = _cause(error)
    return cause.response.status_code if isinstance(cause, httpx.HTTPStatusError) else None


def _detail(error: Exception) -> str:
    """Give what the service itself says, where it says it as a problem."""
    cause = _cause(error)
    if not isinstance(cause, httpx.HTTPStatusError):
        return ""
    try:
        return str(cause.response.json().get("detail", ""))
    except (ValueError, AttributeError, httpx.ResponseNotRead):
        return ""
