"""Commands on the audit trail: listed and shown by the service, verified without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.ending import ExitCode, Stopped
from service.cli.options import Data, Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from service.auditing import AuditVerdictDocument
    from service.cli.remote import Remote
    from service.settings import Settings

PANEL = "Operate"

_FIRST = ("sequence", "at", "principal", "action", "dataset_id", "from_status", "to_status")

_audit = typer.Typer(help="List, show and verify the audit trail.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    _audit.command("list")(list_entries)
    _audit.command("show")(show_entry)
    _audit.command("verify")(verify)
    app.add_typer(_audit, name="audit", rich_help_panel=PANEL)


def list_entries(
    *,
    after: Annotated[int, typer.Option(min=0, help="Begin behind this entry.")] = 0,
    dataset: Annotated[str | None, typer.Option(help="Of this dataset alone.")] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Tell who did what, in order; with --json one document a line."""
    from service.cli import show
    from service.cli.remote import Remote

    told = False
    for entry in _entries(Remote(url, token), after, dataset):
        told = True
        if as_json:
            show.document(entry)
        else:
            show.line(_line(entry))
    if not told and not as_json:
        show.line("No entry.")


def show_entry(
    sequence: Annotated[int, typer.Argument(min=1, help="The entry's number.")],
    *,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show one entry with its place in the chain."""
    from service.cli import show
    from service.cli.remote import Remote

    found = Remote(url, token).get(f"/api/v1/audit/{sequence}")
    if as_json:
        show.document(found)
    else:
        show.fields(found, _FIRST)


def verify(
    *,
    anchors: Annotated[
        str | None,
        typer.Option(
            help="Where the checkpoints are, folder:PATH or s3://BUCKET; without it, the archive."
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Look through the trail of every tenant; tampering ends in exit code 1.

    The database and the checkpoints are read themselves: whoever audits a service does not ask it.
    """
    import asyncio

    from service.cli import show
    from service.cli.running import settings_of, telling

    settings = settings_of(data=data, archive=anchors)
    with telling("The audit trail cannot be verified."):
        _require_database(settings)
        verdicts = asyncio.run(_verified(settings))
    broken = [each for each in verdicts if not each["intact"]]
    if as_json:
        show.document({"intact": not broken, "trails": verdicts})
    else:
        _tell(verdicts)
    if broken:
        raise _tampered(broken)


def _entries(remote: Remote, after: int, dataset: str | None) -> Iterator[dict[str, Any]]:
    """Give the entries there are, page by page."""
    following: int | None = after
    while following is not None:
        page = remote.get("/api/v1/audit", after=following, dataset=dataset)
        yield from page["entries"]
        following = page["next_after"]


def _line(entry: Mapping[str, Any]) -> str:
    before, now = entry["from_status"] or "-", entry["to_status"] or "-"
    moved = f"{before} → {now}" if entry["to_status"] else ""
    whose = entry["dataset_id"] or entry["correlation"]
    head = f"{entry['sequence']:>6}  {entry['at'][:19]}Z  {entry['principal']:<12}"
    return f"{head}  {entry['action']:<28}  {moved:<26}  {whose}"


def _require_database(settings: Settings) -> None:
    """Refuse a database that is not there, or not of this version: nothing is made or changed."""
    from registry.migrations import HEAD, current_revision, database_file, shown

    file, what = database_file(settings.database), "There is no audit trail to verify."
    if file is not None and not file.exists():
        why = f"{shown(settings.database)} does not exist."
        raise Stopped(ExitCode.FAILED, what, why, "name the folder of the database by --data")
    found = current_revision(settings.database)
    if found != HEAD:
        why = (
            f"{shown(settings.database)} is at revision {found or 'none'}, this code wants {HEAD}."
        )
        raise Stopped(ExitCode.FAILED, what, why, "dataops migrate")


async def _verified(settings: Settings) -> list[AuditVerdictDocument]:
    from contextlib import AsyncExitStack
    from datetime import UTC, datetime
    from uuid import uuid4

    from agents.auditor import Auditor
    from registry.database import Database
    from registry.trail import SqlAuditTrail
    from service.archives import opened_archive
    from service.auditing import verified

    database = Database.open(
        settings.database,
        clock=lambda: datetime.now(UTC),
        rules=settings.rules,
        ids=uuid4,
        on_commit=lambda: None,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        archive = opened_archive(settings, stack)
        auditor = Auditor(SqlAuditTrail(database), archive, settings.retention)
        return [await verified(auditor, each) for each in await auditor.tenants()]


def _tell(verdicts: Sequence[AuditVerdictDocument]) -> None:
    from service.cli import show

    if not verdicts:
        show.line("No entry yet.")
        return
    rows = [
        (
            each["tenant"],
            "ok" if each["intact"] else "broken",
            str(each["entries"]),
            str(each["checkpoints"]),
            f"{each['entries_per_second']} a second",
        )
        for each in verdicts
    ]
    show.table(("tenant", "trail", "entries", "checkpoints", "speed"), rows)
    for each in verdicts:
        for finding in each["findings"]:
            show.line(f"· {each['tenant']}: {finding['message']}")
        if each["findings_left_out"]:
            show.line(f"· {each['tenant']}: and {each['findings_left_out']} findings more")


def _tampered(broken: Sequence[AuditVerdictDocument]) -> Stopped:
    names = ", ".join(each["tenant"] for each in broken)
    what = f"The audit trail of {names} is not what was written."
    next_step = "compare with a backup of the database; docs/audit.md says what each finding means"
    return Stopped(ExitCode.FAILED, what, broken[0]["findings"][0]["message"], next_step)
