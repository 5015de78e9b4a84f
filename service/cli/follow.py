"""Following a task: status lines on stderr, live bars where it is a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from service.cli.ending import ExitCode, Stopped
from service.cli.show import datasets, document, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from service.cli.remote import Remote, Result

LISTING = "dataops datasets list"
"""The command that lists what may be named."""


class Following:
    """Shows how the datasets of a task get on."""

    def __init__(self) -> None:
        """Show on stderr."""
        self._console = errors()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, str] = {}

    async def on_data(self, data: dict[str, Any]) -> None:
        """Take in what a status tells."""
        for each in data.get("datasets", []):
            self._show(each)

    @contextmanager
    def shown(self) -> Iterator[Following]:
        """Keep the bars on the screen."""
        with self._bars:
            yield self

    def _show(self, dataset: Mapping[str, Any]) -> None:
        name, words = dataset["connector_name"], _words(dataset)
        if self._console.is_terminal:
            self._draw(name, words, dataset.get("progress") or {})
        elif self._told.get(name) != words:
            self._console.print(f"{name} {words}", markup=False, soft_wrap=True)
        self._told[name] = words

    def _draw(self, name: str, words: str, progress: Mapping[str, Any]) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None)
        done, total = int(progress.get("done", 0)), progress.get("total")
        self._bars.update(
            self._tasks[name],
            description=f"{name} {words}",
            completed=done,
            total=int(total) if total else None,
        )


def _words(dataset: Mapping[str, Any]) -> str:
    progress = dataset.get("progress")
    return f"{dataset['status']} ({progress['phase']})" if progress else str(dataset["status"])


def carry_out(
    remote: Remote, agent: str, skill: str, given: Mapping[str, Any], *, as_json: bool
) -> None:
    """Call a skill that changes datasets, tell how they get on, and end by how it went."""
    with Following().shown() as following:
        result = remote.call(agent, skill, given, following.on_data)
    finish(result, datasets, as_json=as_json, listing=LISTING)


def finish(
    result: Result,
    show: Callable[[Mapping[str, Any]], None],
    *,
    as_json: bool,
    listing: str = "",
) -> None:
    """Print a result, and end the command by how it went.

    `listing` is the command that lists what may be named, where one thing was.

    Raises:
        Stopped: the skill did not end well.
    """
    is_told = result.state in {"completed", "failed", "working"} or waits(result)
    is_answer = is_told and "error" not in result.data
    if as_json:
        document(result.document)
    elif is_answer:
        show(result.data)
    code = exit_code(result)
    if code is not ExitCode.OK:
        raise Stopped(code, result.sentence, _why(result), _next(result, code, listing))


def exit_code(result: Result) -> ExitCode:
    """Tell the exit code of a result."""
    error = result.data.get("error")
    if result.state in {"completed", "working"}:
        return ExitCode.OK
    if waits(result):
        return ExitCode.NOT_ALLOWED
    if result.state == "input_required" or error == "InvalidInput":
        return ExitCode.USAGE
    if error == "NotAllowed":
        return ExitCode.NOT_ALLOWED
    return ExitCode.NOT_READY if failed_in(result.data) else ExitCode.FAILED


def waits(result: Result) -> bool:
    """Whether the task waits until somebody consents to it."""
    return result.state == "input_required" and bool(result.data.get("approvals"))


def failed_in(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the datasets that are FAILED."""
    return [each for each in data.get("datasets", []) if each["status"] == "failed"]


def _why(result: Result) -> str:
    """Say of each dataset that is FAILED what the sentence does not say already."""
    failed = failed_in(result.data)
    told = [(each["connector_name"], _reason(each, result.sentence)) for each in failed]
    is_alone = len(failed) == 1
    lines = [why if is_alone else f"{name}: {why}" for name, why in told if why]
    return "\n  ".join(lines)


def _reason(dataset: Mapping[str, Any], sentence: str) -> str:
    told = str(dataset.get("error") or dataset.get("decided_by") or "no reason was given")
    ways = "; ".join(dataset.get("would_pass_if", []))
    new = [] if told in sentence else [told]
    return " ".join([*new, f"Would pass if {ways}."] if ways else new)


def _next(result: Result, code: ExitCode, listing: str) -> str:
    if waits(result):
        return f"dataops approvals resolve {result.data['approvals'][0]['approval_id']} --approve"
    if failed := failed_in(result.data):
        name = failed[0]["connector_name"]
        return f"dataops datasets show {name}, then dataops validate {name}"
    if code is ExitCode.USAGE:
        return "the command again with --help"
    error = str(result.data.get("error"))
    return listing if error == "NotFound" else _AFTER.get(error, "")


_AFTER = {
    "DuplicateDataset": "dataops datasets list",
    "TemplateNotFound": "dataops templates list",
    "SupplierUnavailable": "the same again later, or dataops doctor",
    "SupplierRefused": "dataops doctor",
}
