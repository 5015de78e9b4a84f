"""Commands on datasets: request, watch, validate, teardown, restore, list and show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, TeardownReason
from service.cli.ending import ExitCode, Stopped, require_yes
from service.cli.options import Dataset, Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Mapping

PANEL = "Datasets"

_listing = typer.Typer(help="List and show datasets.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (request, watch, validate, teardown, restore):
        app.command(rich_help_panel=PANEL)(command)
    _listing.command("list")(list_datasets)
    _listing.command("show")(show_dataset)
    app.add_typer(_listing, name="datasets", rich_help_panel=PANEL)


def request(
    client: Annotated[str, typer.Argument(help="The client's reference, as acme-healthcare.")],
    types: Annotated[list[str], typer.Argument(help="Dataset types, as confluence github.")],
    *,
    journey: Annotated[str | None, typer.Option(help="The journey's reference.")] = None,
    stage: Annotated[
        JourneyStage, typer.Option(case_sensitive=False, help="The journey's stage.")
    ] = JourneyStage.SANDBOX,
    name: Annotated[str | None, typer.Option(help="Introduces a client: its name.")] = None,
    code: Annotated[str | None, typer.Option(help="Its code, which opens connector names.")] = None,
    industry: Annotated[str | None, typer.Option(help="Its industry.")] = None,
    use_case: Annotated[str | None, typer.Option(help="What it wants to search for.")] = None,
    record_count: Annotated[int | None, typer.Option(help="Records in each dataset.")] = None,
    seed: Annotated[str | None, typer.Option(help="Makes the same records again.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the datasets to the end.")] = True,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Ask for datasets of a client's stage and follow them until they are READY."""
    from service.cli import follow, show
    from service.cli.remote import Remote

    introduction = _introduction(name=name, code=code, industry=industry, use_case=use_case)
    given = {
        "journey_id": _journey(journey, client, introduction),
        "client_id": client,
        "stage": stage.value,
        "dataset_types": types,
        "record_count": record_count,
        "seed": seed,
        "client": introduction,
        "dry_run": dry_run or None,
    }
    remote, agent, skill = Remote(url, token), "lifecycle-coordinator", "provision-datasets"
    if not wait:
        follow.finish(remote.accept(agent, skill, given), show.datasets, as_json=as_json)
        return
    with follow.Following().shown() as following:
        result = remote.call(agent, skill, given, following.on_data)
    follow.finish(result, _plan if dry_run else show.datasets, as_json=as_json)


def watch(
    datasets: Annotated[list[str], typer.Argument(help="Datasets, by id or connector name.")],
    *,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Tell each change of datasets until all have come to rest."""
    from service.cli.remote import Remote
    from service.cli.watching import watch as follow

    follow(Remote(url, token), datasets, as_json=as_json)


def validate(dataset: Dataset, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Run a dataset's quality gate again."""
    from service.cli import follow
    from service.cli.remote import Remote

    remote = Remote(url, token)
    follow.carry_out(
        remote, "data-validation", "validate-dataset", {"dataset_id": dataset}, as_json=as_json
    )


def teardown(
    dataset: Dataset,
    *,
    reason: Annotated[
        TeardownReason, typer.Option(case_sensitive=False, help="Why.")
    ] = TeardownReason.MANUAL_REQUEST,
    force: Annotated[bool, typer.Option("--force", help="Leave out the grace period.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Archive a dataset and take it down; it can be restored inside its grace period."""
    from service.cli import follow
    from service.cli.remote import Remote

    if not yes:
        _confirm(dataset, force=force)
    given = {"dataset_id": dataset, "reason": reason.value, "force": force}
    remote = Remote(url, token)
    follow.carry_out(remote, "data-teardown", "teardown-dataset", given, as_json=as_json)


def restore(dataset: Dataset, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Undo a teardown inside its grace period; the gate runs again."""
    from service.cli import follow
    from service.cli.remote import Remote

    remote = Remote(url, token)
    follow.carry_out(
        remote, "data-teardown", "restore-dataset", {"dataset_id": dataset}, as_json=as_json
    )


def list_datasets(
    *,
    journey: Annotated[str | None, typer.Option(help="Of this journey.")] = None,
    client: Annotated[str | None, typer.Option(help="Of this client.")] = None,
    stage: Annotated[
        JourneyStage | None, typer.Option(case_sensitive=False, help="Of this stage.")
    ] = None,
    status: Annotated[
        DatasetStatus | None, typer.Option(case_sensitive=False, help="In this status.")
    ] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List datasets, newest first."""
    from service.cli import show
    from service.cli.remote import Remote

    query = {"journey": journey, "client": client, "stage": stage, "status": status}
    remote, found, page = Remote(url, token), [], None
    while True:
        answer = remote.get("/api/v1/datasets", page_size=100, page_token=page, **query)
        found += answer["datasets"]
        page = answer["next_page_token"]
        if page is None:
            break
    if as_json:
        show.document({"datasets": found})
    elif found:
        show.datasets({"datasets": found})
    elif any(query.values()):
        show.line("No dataset matches. Without a filter, dataops datasets list shows all.")
    else:
        show.line("No datasets. Ask for some: dataops request --help")


def show_dataset(dataset: Dataset, *, url: Url, token: Token = None, as_json: Json = False) -> None:
    """Show everything about one dataset, with the evidence of its checks."""
    from service.cli import follow, show
    from service.cli.remote import Remote

    given = {"dataset_id": dataset}
    result = Remote(url, token).call("lifecycle-coordinator", "dataset-status", given)
    follow.finish(result, show.dataset, as_json=as_json, listing=follow.LISTING)


def _introduction(**given: str | None) -> dict[str, str] | None:
    """Give the client to introduce: all four of its fields, or none."""
    told = {field: value for field, value in given.items() if value is not None}
    if told and len(told) < len(given):
        missing = " ".join(f"--{each.replace('_', '-')}" for each in given if each not in told)
        what = "A client is introduced with its name, code, industry and use case."
        raise Stopped(ExitCode.USAGE, what, f"Missing: {missing}.", "the command again with these")
    return told or None


def _journey(journey: str | None, client: str, introduction: object) -> str:
    """Give the journey's reference; a client that is introduced gets one of its own."""
    if journey is not None:
        return journey
    if introduction is not None:
        return f"journey-{client}"
    what = f"It is not said which journey of {client} is meant."
    next_step = (
        f"--journey REFERENCE, or introduce {client} with --name --code --industry --use-case"
    )
    raise Stopped(ExitCode.USAGE, what, "A dataset belongs to a journey.", next_step)


def _confirm(dataset: str, *, force: bool) -> None:
    grace = "at once and for good" if force else "with its grace period"
    require_yes(f"Take {dataset} down, {grace}?", f"{dataset} stays")


def _plan(data: Mapping[str, Any]) -> None:
    from service.cli import show

    rows = [
        (
            each["connector_name"],
            each["template_id"],
            show.worded(each["record_count"]),
        )
        for each in data["datasets"]
    ]
    show.table(("connector", "template", "records"), rows)
    for each in data["datasets"]:
        show.line(f"{each['connector_name']} is filled from {each['source']}.")
        if each["conflict"]:
            show.line(f"{each['connector_name']} is taken: dataset {each['conflict']} is active.")
    show.line(f"Nothing was changed. Plan {data['plan_digest']}")
