"""Commands that run and keep the service: demo, serve, doctor and migrate."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.ending import ExitCode, Stopped
from service.cli.options import SETTINGS_FILE, Data, Json
from service.roles import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

    from service.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (demo, serve, doctor):
        app.command(rich_help_panel="Run")(command)


def demo(
    *,
    data: Annotated[
        Path | None, typer.Option(help="Keep everything in this folder, else it goes at the end.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch ACME Healthcare's datasets from request to archive, in this process."""
    import asyncio

    from service.cli.demo import demo as play

    with telling("The demo cannot go on."):
        status = asyncio.run(play(data, as_json=as_json))
    raise typer.Exit(status)


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
    ] = None,
    role: Annotated[
        Role | None, typer.Option(help="What this process is there for, beside others.")
    ] = None,
    data: Data = None,
) -> None:
    """Run the service, whole or in one of its roles; its address is the first line on stdout."""
    import asyncio

    from service.cli.serve import serve as run

    settings = settings_of(host=host, port=port, role=role, data=data)
    with telling("The service cannot start."):
        asyncio.run(run(settings))


def doctor(*, data: Data = None, as_json: Json = False) -> None:
    """Look whether everything is in place, and tell where each setting came from."""
    from service.cli import show
    from service.cli.doctor import examine

    settings = settings_of(data=data)
    report = examine(settings, () if data is None else ("data",))
    if as_json:
        show.document(report.document)
    else:
        rows = [(each.name, each.state, each.told) for each in report.findings]
        show.table(("what", "state", "found"), rows)
        show.line("")
        origins = [(name, show.worded(v), origin) for name, v, origin in report.settings]
        show.table(("setting", "value", "origin"), origins)
    if report.broken:
        names = ", ".join(each.name for each in report.broken)
        mend = report.broken[0].mend
        raise Stopped(ExitCode.FAILED, f"Not in order: {names}.", report.broken[0].told, mend)


def migrate(*, data: Data = None, as_json: Json = False) -> None:
    """Bring the database's tables up to date; one that is there already is left alone."""
    from registry.migrations import HEAD, current_revision, upgrade
    from service.cli import show

    settings = settings_of(data=data)
    with telling("The database cannot be migrated."):
        settings.data.mkdir(parents=True, exist_ok=True)
        before = current_revision(settings.database)
        upgrade(settings.database)
    if as_json:
        show.document({"before": before, "after": HEAD})
    else:
        show.line(f"The database is at revision {HEAD} (before: {before or 'none'}).")


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Tell what cannot be done, and why, instead of where in the code. Raises Stopped."""
    from domain.errors import DataOpsError

    try:
        yield
    except (DataOpsError, OSError) as error:
        raise Stopped(ExitCode.FAILED, what, str(error), "dataops doctor") from error


def settings_of(**flags: Any) -> Settings:
    """Read the settings; a flag that is not given says nothing. Raises Stopped."""
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise _wrong_settings(_named(error)) from error
    except (ValueError, OSError) as error:
        raise _wrong_settings(f"{SETTINGS_FILE} cannot be read: {error}") from error


def _named(error: ValidationError) -> str:
    """Say what is wrong with which setting, and not what it is: it may be a secret."""
    wrong = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong)


def _wrong_settings(why: str) -> Stopped:
    mend = f"mend the flag, DATAOPS_… or {SETTINGS_FILE}; docs/settings.md says what each takes"
    return Stopped(ExitCode.USAGE, "The settings are wrong.", why, mend)
