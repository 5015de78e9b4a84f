"""The doctor: whether everything is in place, and where each setting came from."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import DataOpsError, InvalidInput
from gateways.secrets import resolve
from protocol.cards import CardWrong, load_cards
from registry.migrations import HEAD, DatabaseUnusable, current_revision, database_file, shown
from service.addresses import web_address
from service.cli.abroad import asked
from service.cli.listening import place_of
from service.ownership import foreign_packages
from service.settings import PREFIX, dumped, origins, unknown_names
from service.tokens import read_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from service.settings import Settings

HOME = Path(__file__).resolve().parents[2]
"""Where our packages lie side by side."""

_FOREIGN = {
    "glean_url": "Glean",
    "mock_data_url": "mock-data supplier",
    "journeys_url": "Journey Orchestration",
    "agents_url": "agents",
}
_HERE = {"agents_url": "in this process"}
"""What takes the place of a foreign system that is not set, where that is no stand-in."""

_TOKENS = "mend it as docs/settings.md says"
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
        _names,
        _cards,
        _data,
        _database,
        _archive,
        _callers,
        _order_key,
    )
    told, come_from = dumped(settings), origins(flags)
    shown = ((name, _masked(value), come_from[name]) for name, value in told.items())
    findings = (*(each(settings) for each in looks), *_abroad(settings))
    return Report(findings, tuple(shown))


def _packages(settings: Settings) -> Finding:
    del settings
    strangers = foreign_packages()
    if strangers:
        told = f"{', '.join(strangers)} come from another installation than {HOME}"
        return Finding("packages", "broken", told, "use an environment of its own: make install")
    return Finding("packages", "ok", f"all six lie in {HOME}")


def _names(settings: Settings) -> Finding:
    unknown = unknown_names(settings, os.environ)
    if unknown:
        told = (f"{name}{f' (is {near} meant?)' if near else ''}" for name, near in unknown.items())
        mend = "mend its name, or take it away; docs/settings.md has them all"
        return Finding("names", "broken", f"nothing is set by {', '.join(told)}", mend)
    return Finding("names", "ok", f"every {PREFIX}… in the environment sets something")


def _cards(settings: Settings) -> Finding:
    try:
        cards = load_cards(settings.base_url or web_address(settings.host, settings.port))
    except CardWrong as error:
        return Finding("cards", "broken", str(error), "put the file in agent-cards in order")
    return Finding("cards", "ok", f"{len(cards)} agents, every skill on a card runs")


def _data(settings: Settings) -> Finding:
    return _folder("data folder", settings.data, "--data")


def _archive(settings: Settings) -> Finding:
    return _folder("archive", settings.archive_folder, f"{PREFIX}ARCHIVE")


def _folder(name: str, path: Path, chosen_by: str) -> Finding:
    folder = path.resolve()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding(name, "ok", f"{folder} {_made(nearest == folder)}")
    mend = f"choose another folder with {chosen_by}, or give yourself the right to write there"
    return Finding(name, "broken", f"{nearest} cannot be written to", mend)


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


def _callers(settings: Settings) -> Finding:
    """Whether it is said who may call wherever others can."""
    try:
        place_of(settings)
        known = read_tokens(settings.auth_tokens)
    except (DataOpsError, OSError) as error:
        return Finding("callers", "broken", str(error), _TOKENS)
    told = f"{len(known)} tokens" if known else "everybody on this machine, and nobody else"
    return Finding("callers", "ok", told)


def _order_key(settings: Settings) -> Finding:
    if settings.auth_order_key is None:
        return Finding("order key", "ok", "made anew at each start")
    try:
        resolve(settings.auth_order_key)
    except InvalidInput as error:
        return Finding("order key", "broken", str(error), f"set what {PREFIX}AUTH_ORDER_KEY names")
    return Finding("order key", "ok", "can be read")


def _abroad(settings: Settings) -> Iterator[Finding]:
    """Tell of each foreign system whether it answers, or that a stand-in takes its place."""
    wrong = asked(settings)
    for setting, name in _FOREIGN.items():
        if setting not in wrong:
            yield Finding(name, "ok", _HERE.get(setting, "local stand-in"))
        elif (told := wrong[setting]) is None:
            yield Finding(name, "ok", f"{_masked(getattr(settings, setting))} lets us in")
        else:
            mend = f"start it, or mend {PREFIX}{setting.upper()} and its tokens"
            yield Finding(name, "broken", told, mend)


def _masked(value: Any) -> Any:
    """Hide a password inside an address."""
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value
