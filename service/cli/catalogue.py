"""Commands on what there is to choose from: templates and agents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import discovering
from service.cli.ending import ExitCode, Stopped
from service.cli.options import Json, Token, Url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.cli.remote import Remote

PANEL = "Agents & templates"

_AGENT = "dataset-discovery"

_FIRST = (
    "template_id",
    "name",
    "version",
    "industry",
    "use_case",
    "dataset_type",
    "record_count",
    "record_count_range",
)
"""What people look for first in a template."""

_templates = typer.Typer(
    help="List, show, preview, match, lint and register templates.", no_args_is_help=True
)
_agents = typer.Typer(help="List the agents and show their cards.", no_args_is_help=True)

Template = Annotated[str, typer.Argument(help="A template's id.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    _templates.command("list")(list_templates)
    _templates.command("show")(show_template)
    _templates.command("preview")(preview)
    _templates.command("match")(match)
    _agents.command("list")(list_agents)
    _agents.command("card")(card)
    app.add_typer(_templates, name="templates", rich_help_panel=PANEL)
    discovering.add_to(app, _templates, PANEL)
    app.add_typer(_agents, name="agents", rich_help_panel=PANEL)


def list_templates(
    *,
    industry: Annotated[str | None, typer.Option(help="For this industry.")] = None,
    use_case: Annotated[str | None, typer.Option(help="For this use case.")] = None,
    dataset_type: Annotated[str | None, typer.Option("--type", help="Of this type.")] = None,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List templates, those that match where something is asked for."""
    from service.cli.remote import Remote

    given = {"industry": industry, "use_case": use_case, "dataset_type": dataset_type}
    _ask(Remote(url, token), "list-templates", given, _listed, as_json=as_json)


def show_template(
    template: Template, *, url: Url, token: Token = None, as_json: Json = False
) -> None:
    """Show one template in full."""
    from service.cli.remote import Remote

    given = {"template_id": template}
    _ask(Remote(url, token), "describe-template", given, _shown, as_json=as_json)


def preview(
    template: Template,
    *,
    count: Annotated[int, typer.Option(min=1, max=50, help="How many records.")] = 5,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show sample records of a template."""
    from service.cli.remote import Remote

    given = {"template_id": template, "record_count": count}
    _ask(Remote(url, token), "preview-template", given, _previewed, as_json=as_json)


def match(
    industry: Annotated[str, typer.Argument(help="The client's industry.")],
    use_case: Annotated[str, typer.Argument(help="What the client wants to search for.")],
    dataset_type: Annotated[str, typer.Argument(metavar="TYPE", help="As confluence.")],
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Take no near match.")] = False,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Tell which template would be chosen, and why."""
    from service.cli.remote import Remote

    given = {
        "industry": industry,
        "use_case": use_case,
        "dataset_type": dataset_type,
        "strict": strict,
    }
    _ask(Remote(url, token), "select-template", given, _matched, as_json=as_json)


def list_agents(*, url: Url, token: Token = None, as_json: Json = False) -> None:
    """List the agents and their skills."""
    from service.cli import show
    from service.cli.remote import Remote

    found = Remote(url, token).get("/agents")
    if as_json:
        show.document(found)
        return
    rows = [
        (_address(each), ", ".join(skill["id"] for skill in each["skills"]))
        for each in found["agents"]
    ]
    show.table(("agent", "skills"), rows)


def card(
    agent: Annotated[str, typer.Argument(help="An agent's name, or a part of it.")],
    *,
    url: Url,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show an agent's card, as other agents see it."""
    from service.cli import show
    from service.cli.remote import Remote

    name = _agent_named(agent)
    found = Remote(url, token).get(f"/agents/{name}/.well-known/agent-card.json")
    if as_json:
        show.document(found)
        return
    address = next((each["url"] for each in found["supportedInterfaces"]), None)
    about = {key: found.get(key) for key in ("name", "description", "version")}
    show.fields({**about, "address": address})
    show.line("")
    show.table(("skill", "what it does"), [(s["id"], s["description"]) for s in found["skills"]])


def _ask(
    remote: Remote,
    skill: str,
    given: Mapping[str, Any],
    shown: Callable[[Mapping[str, Any]], None],
    *,
    as_json: bool,
) -> None:
    from service.cli import follow

    result = remote.call(_AGENT, skill, given)
    follow.finish(result, shown, as_json=as_json, listing="dataops templates list")


def _shown(data: Mapping[str, Any]) -> None:
    from service.cli import show

    show.fields({name: each for name, each in data.items() if name != "schema"}, _FIRST)
    show.line("\nschema")
    show.line(json.dumps(data["schema"], ensure_ascii=False, indent=2))


def _listed(data: Mapping[str, Any]) -> None:
    from service.cli import show

    if not data["templates"]:
        show.line("No template matches. Without a filter, dataops templates list shows all.")
        return
    rows = [
        (each["template_id"], show.worded(each["record_count"]), each["version"])
        for each in data["templates"]
    ]
    show.table(("template", "records", "version"), rows)


def _previewed(data: Mapping[str, Any]) -> None:
    from service.cli import show

    for number, record in enumerate(data["records"], start=1):
        show.line(f"{'' if number == 1 else chr(10)}record {number}")
        show.fields(record, ("id", "title"))


def _matched(data: Mapping[str, Any]) -> None:
    from service.cli import show

    show.fields({"template": data["template_id"], "match": data["match"]})
    for reason in data["reasons"]:
        show.line(f"· {reason}")


def _agent_named(words: str) -> str:
    """Give the one agent whose name holds these words."""
    from domain.work import AgentName

    found = [each.value for each in AgentName if words in each.value]
    if words in found:
        return words
    if len(found) == 1:
        return found[0]
    known = ", ".join(AgentName)
    what = f"{words!r} names {len(found) or 'no'} agents." if found else f"No agent is {words!r}."
    raise Stopped(ExitCode.USAGE, what, f"There are {known}.", "dataops agents list")


def _address(found: Mapping[str, Any]) -> str:
    """Give an agent's name as it stands in its address."""
    return str(found["supportedInterfaces"][0]["url"]).rstrip("/").rpartition("/")[2]
