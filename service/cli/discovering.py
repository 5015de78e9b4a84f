"""Commands on existing datasets and on templates of one's own: discover, compare, register."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.ending import ExitCode, Stopped
from service.cli.options import Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Mapping

_AGENT = "dataset-discovery"
_LISTING = "dataops catalogue list"

_catalogue = typer.Typer(help="Discover datasets and read the catalogue.", no_args_is_help=True)

Discovery = Annotated[str, typer.Argument(help="A discovery's id.", show_default=False)]
PackFile = Annotated[
    Path, typer.Argument(help="A template pack, a JSON file.", show_default=False, metavar="FILE")
]


def add_to(app: typer.Typer, templates: typer.Typer, panel: str) -> None:
    """Add these commands, those on packs to the templates'."""
    _catalogue.command("discover")(discover)
    _catalogue.command("list")(list_discoveries)
    _catalogue.command("show")(show_discovery)
    _catalogue.command("diff")(diff)
    templates.command("register")(register)
    templates.command("lint")(lint)
    app.add_typer(_catalogue, name="catalogue", rich_help_panel=panel)


def discover(
    source: Annotated[
        str,
        typer.Argument(help="glean:DATASOURCE, folder:PATH or samples:TEMPLATE.", metavar="SOURCE"),
    ],
    *,
    draft: Annotated[
        Path | None, typer.Option(help="Write the drafted packs into this folder.")
    ] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Look through existing datasets and keep what they are made of."""
    from service.cli import follow
    from service.cli.remote import Remote

    result = Remote(url, token).call(_AGENT, "discover-datasets", {"source": source})
    follow.finish(result, _discovered, as_json=as_json, listing=_LISTING)
    if draft is not None:
        _write_drafts(draft, result.data.get("drafts", []))


def list_discoveries(
    *,
    source: Annotated[str | None, typer.Option(help="Of this source.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 50,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List discoveries, newest first."""
    from service.cli import show
    from service.cli.remote import Remote

    found = Remote(url, token).get("/api/v1/catalogue", source=source, limit=limit)
    if as_json:
        show.document(found)
        return
    for each in found["discoveries"]:  # by the line, for a table would fold the ids
        at, records = each["discovered_at"][:19], show.worded(each["record_count"])
        show.line(f"{each['discovery_id']}  {at}  {records:>7} records  {each['source']}")
    if not found["discoveries"]:
        show.line("Nothing was discovered yet. Next: dataops catalogue discover SOURCE")


def show_discovery(
    discovery: Discovery, *, url: Url, token: Token = None, as_json: Json = False
) -> None:
    """Show a discovery: its fields, how often they are there, and what was broken."""
    from service.cli import show

    found = _read(url, token, discovery)
    if as_json:
        show.document(found)
        return
    show.fields({each: found[each] for each in ("discovery_id", "source", "discovered_by")})
    _shown(found)


def diff(
    discovery: Discovery,
    *,
    since: Annotated[str | None, typer.Option(help="The earlier discovery's id.")] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Tell what has changed since the discovery before, or since another one."""
    from service.cli import show

    found = _read(url, token, f"{discovery}/difference", since=since)
    if as_json:
        show.document(found)
    else:
        _changed(found)


def register(pack: PackFile, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Register a template pack."""
    _send(pack, url, token, as_json=as_json, dry_run=False)


def lint(pack: PackFile, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Tell what would come of registering a pack; nothing is written."""
    _send(pack, url, token, as_json=as_json, dry_run=True)


def _read(url: str, token: str | None, path: str, **query: str | None) -> Any:
    from service.cli.remote import Remote

    return Remote(url, token).get(f"/api/v1/catalogue/{path}", **query)


def _send(pack: Path, url: str, token: str | None, *, as_json: bool, dry_run: bool) -> None:
    from service.cli import follow
    from service.cli.remote import Remote

    given = {"pack": _pack(pack), "dry_run": dry_run}
    result = Remote(url, token).call(_AGENT, "register-template", given)
    follow.finish(result, _registered, as_json=as_json, listing="dataops templates list")


def _pack(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        what = f"{file} is no template pack."
        raise Stopped(ExitCode.USAGE, what, str(error), "name a file of JSON") from error


def _write_drafts(folder: Path, drafts: list[Mapping[str, Any]]) -> None:
    from service.cli import show

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in drafts:
            file = folder / f"{each['dataset_type']}.json"
            with file.open("x", encoding="utf-8") as written:
                json.dump(each["pack"], written, ensure_ascii=False, indent=2)
            show.errors().print(f"Drafted {file}", soft_wrap=True)
    except OSError as error:
        what = f"The draft cannot be written into {folder}."
        raise Stopped(ExitCode.FAILED, what, str(error), "name an empty folder") from error


def _discovered(data: Mapping[str, Any]) -> None:
    from service.cli import show

    show.fields({each: data[each] for each in ("discovery_id", "source", "record_count")})
    _shown(data)
    _changed(data["difference"])
    for each in data["drafts"]:
        show.line(f"\nto fill in, in the draft of {each['dataset_type']}")
        for wanted in each["fill_in"]:
            show.line(f"· {wanted['field']}: {wanted['why']}")


def _shown(found: Mapping[str, Any]) -> None:
    from service.cli import show

    for each in found["types"]:
        show.line(f"\n{each['dataset_type']}, {show.worded(each['record_count'])} records")
        rows = [
            (
                field["path"],
                ", ".join(sorted(field["types"])),
                f"{field['presence']:.0%}",
                f"{show.worded(field['distinct'])}{'' if field['is_distinct_exact'] else '+'}",
                field["format"] or "",
            )
            for field in each["fields"]
        ]
        show.table(("field", "type", "there", "different", "form"), rows)
    _told_of(found["scan"])


def _told_of(scan: Mapping[str, Any]) -> None:
    from service.cli import show

    if scan["broken_count"]:
        show.line(f"\n{show.worded(scan['broken_count'])} broken lines, of which:")
    for each in scan["broken"]:
        show.line(f"· {each['file']} line {show.worded(each['line'])}: {each['reason']}")
    if scan["stopped_by"]:
        show.line(f"\nThe scan ended at its limit of {scan['stopped_by']}.")
    for note in scan["notes"]:
        show.line(f"· {note}")


def _changed(found: Mapping[str, Any]) -> None:
    from service.cli import show

    if found["since"] is None:
        show.line("\nThis is the first discovery of the source.")
        return
    show.line(f"\nsince {found['since']}")
    rows = [
        *((each, "", "type added", "", "") for each in found["types_added"]),
        *((each, "", "type removed", "", "") for each in found["types_removed"]),
        *(
            (each["dataset_type"], each["path"], each["change"], each["before"], each["after"])
            for each in found["changes"]
        ),
    ]
    if rows:
        show.table(("type", "field", "change", "before", "after"), rows)
    else:
        show.line("Nothing has changed.")


def _registered(data: Mapping[str, Any]) -> None:
    from service.cli import show

    if "template" not in data:
        return
    about = ("template_id", "version", "industry", "use_case", "dataset_type", "generate_from")
    show.fields({each: data["template"][each] for each in about})
    for warning in data["warnings"]:
        show.line(f"· {warning}")
