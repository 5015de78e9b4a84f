"""A service that is really served, and the command line that talks to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from typer.testing import CliRunner

from service.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

ROOT = Path(__file__).resolve().parents[3]

ACTING_AS = "dataops@example.com"  # whom the local Glean shows every dataset of ours


@dataclass(frozen=True, slots=True)
class Cli:
    """The command line in this process, pointed at one service, 80 columns wide."""

    url: str
    data: Path

    def run(self, *words: str, given: str = "", **env: str) -> Result:
        """Run a command; `given` is what is typed when it asks."""
        around = {"DATAOPS_BASE_URL": self.url, "COLUMNS": "80", **env}
        return CliRunner().invoke(app, words, input=given, env=around)

    def answer(self, *words: str, **env: str) -> Any:
        """Run a command with `--json` and give its one document."""
        return json.loads(self.run(*words, "--json", **env).stdout)

    def introduce(self, client: str, *types: str) -> Result:
        """Ask for small datasets of a client nobody has heard of."""
        named = ("--name", client.title(), "--code", client.upper())
        about = ("--industry", "retail", "--use-case", "onboarding", "--record-count", "20")
        result = self.run("request", client, *types, *named, *about)
        assert result.exit_code == 0, result.stderr
        return result

    def hide_everything(self, connector: str) -> None:
        """Hide every document of a dataset in the local Glean, so that its gate says no."""
        shown = self.answer("datasets", "show", connector)["datasets"][0]
        options = {"facetBucketSize": 1, "datasourcesFilter": [shown["datasource"]]}
        query = {"query": "", "pageSize": 100, "requestOptions": options}
        found = self._glean("search", query)["results"]
        assert found
        hidden = [{"docId": each["document"]["id"], "override": "HIDE_FROM_ALL"} for each in found]
        self._glean("governance/documents/visibilityoverrides", {"visibilityOverrides": hidden})

    def _glean(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        token = (self.data / "glean.token").read_text("utf-8").strip()
        headers = {"Authorization": f"Bearer client-{token}", "X-Glean-ActAs": ACTING_AS}
        answer = httpx.post(f"{self.url}/glean/rest/api/v1/{path}", json=body, headers=headers)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


def environment(**more: str) -> dict[str, str]:
    """Give an environment in which nothing of ours is set but what is named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DATAOPS_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def command(*words: str) -> list[str]:
    """Give the command line of a process of its own."""
    return [sys.executable, "-m", "service", *words]


@contextmanager
def served(folder: Path, **env: str) -> Iterator[Cli]:
    """Serve in a process of its own until the block ends."""
    data = folder / "data"
    with (
        (folder / "errors.log").open("w") as errors,
        subprocess.Popen(
            command("serve", "--port", "0", "--data", str(data)),
            cwd=folder,
            env=environment(**env),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield Cli(process.stdout.readline().strip(), data)
        finally:
            process.terminate()
