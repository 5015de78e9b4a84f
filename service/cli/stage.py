"""The demo's stage: what its audience reads, live where the terminal can."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from service.cli.show import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.events import RecordedEvent

_CHECKS = {
    "schema": "schema",
    "completeness": "complete",
    "connector_health": "health",
    "sample_queries": "queries",
}


class Stage:
    """Prints the acts; `quiet` prints nothing, for a run that answers in JSON."""

    def __init__(self, *, quiet: bool) -> None:
        """Print to stdout, or nowhere."""
        self._console = Console(file=sys.stdout, quiet=quiet, highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def title(self, url: str) -> None:
        """Open the play."""
        self._console.print("[bold]DataOps Lifecycle[/bold]: ACME Healthcare, sandbox")
        self._console.print(f"Served at {url}; Glean, supplier and journeys are local stand-ins.\n")

    def act(self, number: str, what: str) -> None:
        """Raise the curtain."""
        self._console.print(f"\n[bold]{number}[/bold]: {what}")

    def say(self, sentence: str) -> None:
        """Say one sentence."""
        self._console.print(f"  {sentence}")

    def event(self, event: RecordedEvent, whose: str) -> None:
        """Show one event as it happens, and whose it is."""
        self._console.print(f"  [cyan]{event.sequence:>3} {event.name}[/cyan] {whose}")

    async def progress(self, data: dict[str, Any]) -> None:
        """Show how far each dataset has come."""
        self._bars.start()
        for dataset in data.get("datasets", []):
            self._show(dataset)
        if all(each["status"] == "ready" for each in data.get("datasets", [])):
            self._bars.stop()

    def quality(self, datasets: Sequence[dict[str, Any]]) -> None:
        """Show the gate's verdict on each dataset, check by check."""
        self._bars.stop()
        heads = ("connector", "records", *_CHECKS.values(), "score", "status")
        table = Table(*heads, box=None, pad_edge=False, padding=(0, 1, 0, 0))
        for each in datasets:
            table.add_row(*_row(each))
        for column in table.columns:
            column.no_wrap, column.overflow = True, "ignore"
        self._console.print(table)

    def verdict(self, data: dict[str, Any]) -> None:
        """Show why a dataset is where it is."""
        for each in data.get("datasets", []):
            name, status = each["connector_name"], each["status"].upper()
            self.say(f"[bold]{name}[/bold] is {status}: {each.get('decided_by')}")
            for check in each.get("checks", []):
                for failed in check["details"].get("failed", []):
                    self.say(f"    {failed['query']!r}: {failed['message']}")
            for way in each.get("would_pass_if", []):
                self.say(f"    would pass if {way}")

    def end(self, succeeded: bool, events: int) -> None:
        """Lower the curtain."""
        self._bars.stop()
        word = "[green]All went as it should[/green]" if succeeded else "[red]It went wrong[/red]"
        self._console.print(f"\n{word}; {events} events were published.")

    def _show(self, dataset: dict[str, Any]) -> None:
        name, made = dataset["connector_name"], dataset.get("progress")
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None)
        words = f"{name} {dataset['status']}"
        if made:
            self._bars.update(
                self._tasks[name],
                description=f"{words} ({made['phase']})",
                completed=int(made["done"]),
                total=int(made["total"]),
            )
        else:
            self._bars.update(self._tasks[name], description=words)


def _row(dataset: dict[str, Any]) -> list[str]:
    scores = {each["check_type"]: each["score"] for each in dataset.get("checks", [])}
    return [
        dataset["connector_name"],
        str(int(dataset["record_count"] or 0)),
        *[share(scores.get(each)) for each in _CHECKS],
        share(dataset.get("quality_score")),
        dataset["status"].upper(),
    ]
