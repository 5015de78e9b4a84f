"""Commands on archives: list, show, export, and keep them for longer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.options import Dataset, Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.cli.remote import Remote

_LISTING = "dataops archive list"
_FIRST = ("connector_name", "location", "sha256", "kept_until", "legal_hold", "purged_at")


def add_to(archive: typer.Typer) -> None:
    """Add these commands to the archive's."""
    archive.command("list")(list_archives)
    archive.command("show")(show_archive)
    archive.command("export")(export)
    for command in (extend, hold, release):
        archive.command()(command)


def list_archives(*, url: Url, token: Token = None, as_json: Json = False) -> None:
    """List archives and the tombstones of purged ones, newest datasets first."""
    from service.cli import show
    from service.cli.remote import Remote

    found = list(_all(Remote(url, token)))
    if as_json:
        show.document({"archives": found})
    elif found:
        show.table(("connector", "generation", "kept", "bytes", "dataset"), map(_row, found))
    else:
        show.line("No archives. A teardown writes them: dataops teardown --help")


def show_archive(dataset: Dataset, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Show where a dataset's archive is and until when it is kept; nothing is read there."""
    from service.cli import show
    from service.cli.remote import Remote

    found = Remote(url, token).get(f"/api/v1/archives/{dataset}")
    if as_json:
        show.document(found)
    else:
        show.fields(found, _FIRST)


def export(
    datasets: Annotated[list[str], typer.Argument(help="Datasets, by id or connector name.")],
    *,
    to: Annotated[Path, typer.Option(help="A folder that is not there yet, or is empty.")],
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Write archives' bytes into a folder, with a manifest of their digests."""
    from service.cli import show
    from service.cli.exporting import write_export
    from service.cli.remote import Remote

    remote = Remote(url, token)
    manifest = write_export(to, [_exported(remote, each) for each in datasets])
    if as_json:
        show.document(manifest)
        return
    for each in manifest["archives"]:
        show.line(f"{each['file']}  {each['sha256']}  {each['connector_name']}")
    show.line(f"Written to {to}. Compare them any time: cd {to} && sha256sum -c SHA256SUMS")


def extend(
    dataset: Dataset,
    *,
    until: Annotated[str, typer.Option(help="A date as 2031-12-31, or a time with its zone.")],
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Keep a dataset's archive for longer; this is never taken back."""
    moment = until if "T" in until else f"{until}T00:00:00Z"
    given = {"dataset_id": dataset, "until": moment}
    _keep(url, token, "extend-retention", given, as_json=as_json)


def hold(
    dataset: Dataset,
    *,
    reason: Annotated[str, typer.Option(help="Why: the case it is held for, for example.")],
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Put a dataset's archive under a legal hold: it is kept until that is released."""
    given = {"dataset_id": dataset, "reason": reason}
    _keep(url, token, "hold-archive", given, as_json=as_json)


def release(dataset: Dataset, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Take the legal hold off a dataset's archive."""
    _keep(url, token, "release-archive", {"dataset_id": dataset}, as_json=as_json)


def _keep(
    url: str, token: str | None, skill: str, given: Mapping[str, str], *, as_json: bool
) -> None:
    from service.cli import follow, show
    from service.cli.remote import Remote

    remote = Remote(url, token)
    with follow.Following().shown() as following:
        result = remote.call("data-teardown", skill, given, following.on_data)

    def kept(data: Mapping[str, Any]) -> None:
        for each in data["datasets"]:
            show.fields(remote.get(f"/api/v1/archives/{each['dataset_id']}"), _FIRST)

    follow.finish(result, kept, as_json=as_json, listing=_LISTING)


def _all(remote: Remote) -> Iterator[Mapping[str, Any]]:
    page: str | None = None
    while True:
        answer = remote.get("/api/v1/archives", page_size=100, page_token=page)
        yield from answer["archives"]
        page = answer["next_page_token"]
        if page is None:
            return


def _row(archive: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        archive["connector_name"],
        str(archive["generation"]),
        _kept(archive),
        str(archive["size_bytes"]),
        archive["dataset_id"],
    )


def _kept(archive: Mapping[str, Any]) -> str:
    if archive["purged_at"]:
        return f"purged {archive['purged_at'][:10]}"
    if archive["legal_hold"]:
        return f"held: {archive['legal_hold']['reason']}"
    return f"until {archive['kept_until'][:10]}"


def _exported(remote: Remote, dataset: str) -> tuple[Mapping[str, Any], bytes]:
    """Read an archive with what is known of it, by id: a name may come to mean another meanwhile."""
    shown = remote.get(f"/api/v1/archives/{dataset}")
    content = remote.page(f"/api/v1/archives/{shown['dataset_id']}/content").content
    return shown, content
