"""The doctor: whether everything is in place, and where each setting came from."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import InvalidInput
from gateways.secrets import resolve
from protocol.cards import CardWrong, load_cards
from registry.migrations import HEAD, DatabaseUnusable, current_revision, database_file, shown
from service.ownership import foreign_packages
from service.settings import dumped, origins

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from service.settings import Settings

HOME = Path(__file__).resolve().parents[2]
"""Where our packages lie side by side."""

_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `state` is ok or broken, `mend` says what to do then."""

    name: str
    state: str
    told: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, and every setting with its value and origin."""

    findings: tuple[Finding, ...]
    settings: tuple[tuple[str, Any, str], ...]

    @property
    def broken(self) -> list[Finding]:
        """What is not in order."""
        return [each for each in self.findings if each.state == "broken"]

    @property
    def document(self) -> dict[str, Any]:
        """The report as one JSON object."""
        shown = {name: {"value": value, "origin": origin} for name, value, origin in self.settings}
        findings = [asdict(each) for each in self.findings]
        return {"ok": not self.broken, "findings": findings, "settings": shown}


def examine(settings: Settings, flags: Collection[str]) -> Report:
    """Look at everything; nothing is changed. `flags` names the settings given as flags."""
    looks: tuple[Callable[[Settings], Finding], ...] = (
        _packages,
        _cards,
        _folder,
        _database,
        _archive,
        _glean,
        _mock_data,
        _journeys,
    )
    told, come_from = dumped(settings), origins(flags)
    shown = ((name, _masked(value), come_from[name]) for name, value in told.items())
    return Report(tuple(each(settings) for each in looks), tuple(shown))


def _packages(settings: Settings) -> Finding:
    del settings
    strangers = foreign_packages()
    if strangers:
        told = f"{', '.join(strangers)} come from another installation than {HOME}"
        return Finding("packages", "broken", told, "use an environment of its own: make install")
    return Finding("packages", "ok", f"all six lie in {HOME}")


def _cards(settings: Settings) -> Finding:
    try:
        cards = load_cards(settings.base_url or f"http://{settings.host}:{settings.port}")
    except CardWrong as error:
        return Finding("cards", "broken", str(error), "put the file in agent-cards in order")
    return Finding("cards", "ok", f"{len(cards)} agents, every skill on a card runs")


def _folder(settings: Settings) -> Finding:
    folder = settings.data.resolve()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding("data folder", "ok", f"{folder} {_made(nearest == folder)}")
    mend = "choose another folder with --data, or give yourself the right to write there"
    return Finding("data folder", "broken", f"{nearest} cannot be written to", mend)


def _made(is_there: bool) -> str:
    return "can be written to" if is_there else "is not there yet and can be made"


def _database(settings: Settings) -> Finding:
    name, file = shown(settings.database), database_file(settings.database)
    if file is not None and not file.exists():
        return Finding("database", "ok", f"{name} is not there yet; serve makes it")
    try:
        revision = current_revision(settings.database)
    except DatabaseUnusable as error:
        mend = "mend it, or name another by --data or DATAOPS_DATABASE_URL"
        return Finding("database", "broken", _masked(str(error)), mend)
    if revision == HEAD:
        return Finding("database", "ok", f"{name} at revision {HEAD}")
    told = f"{name} at revision {revision or 'none'}, this code wants {HEAD}"
    return Finding("database", "broken", told, "dataops migrate")


def _archive(settings: Settings) -> Finding:
    try:
        return Finding("archive", "ok", f"folder {settings.archive_folder.resolve()}")
    except ValueError as error:
        return Finding("archive", "broken", str(error), "set DATAOPS_ARCHIVE to folder:PATH")


def _glean(settings: Settings) -> Finding:
    if settings.glean_url is None:
        return Finding("Glean", "ok", "local stand-in")
    try:
        for reference in (settings.glean_indexing_token, settings.glean_client_token):
            resolve(reference)
    except InvalidInput as error:
        return Finding("Glean", "broken", str(error), "set both of Glean's tokens")
    return Finding("Glean", "ok", _masked(settings.glean_url))


def _mock_data(settings: Settings) -> Finding:
    return Finding("mock-data supplier", "ok", _masked(settings.mock_data_url or "local stand-in"))


def _journeys(settings: Settings) -> Finding:
    told = _masked(settings.journeys_url or "local stand-in")
    return Finding("Journey Orchestration", "ok", told)


def _masked(value: Any) -> Any:
    """Hide a password inside an address."""
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value
