"""The skills: which agent has them, what they take in, and how they are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from domain.orphans import Fate
from domain.repository import DatasetFilter
from domain.template import TemplateRequest
from domain.work import AgentName
from protocol import inputs
from protocol.desks import Desks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.commands import Principal
    from domain.record import JsonObject


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that changes nothing: one sentence for people, one object for machines."""

    sentence: str
    data: JsonObject


Ask = Callable[[Any, Desks, "Principal"], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill: its agent, its input, and for what changes nothing, how it is answered.

    A skill without `ask` writes: its input's `command()` goes to the front desk, and the task
    follows the datasets.
    """

    id: str
    agent: AgentName
    input: type[inputs.SkillInput]
    ask: Ask | None = None

    @property
    def is_write(self) -> bool:
        """Whether the skill changes datasets."""
        return self.ask is None


async def _plan(given: inputs.ProvisionDatasetsInput, desks: Desks, who: Principal) -> Answer:
    plan = (await desks.front.plan(given.command(), who)).document()
    count = len(plan["datasets"])
    conflicts = sum(1 for each in plan["datasets"] if each["conflict"])
    sentence = f"{count} datasets would be provisioned; {conflicts} conflict with active ones."
    return Answer(sentence, plan)


async def _orphans(given: inputs.CleanupOrphansInput, desks: Desks, who: Principal) -> Answer:
    del given
    report = await desks.front.orphans(who)
    found = [*report["orphans"], *report["strays"]]
    ends = sum(1 for each in found if each["fate"] == Fate.ENDS)
    sentence = (
        f"Of {report['looked_at']} datasets {len(report['orphans'])} have no active journey, and "
        f"{len(report['strays'])} datasources no dataset; {ends} of these would end now."
    )
    return Answer(sentence, dict(report))


async def _status(given: inputs.DatasetInput, desks: Desks, who: Principal) -> Answer:
    found = await desks.enquiries.dataset(who, inputs.resolved(given.dataset_id))
    shown = found["datasets"][0]
    return Answer(f"{shown['connector_name']} is {shown['status']}.", found)


async def _list(given: inputs.ListDatasetsInput, desks: Desks, who: Principal) -> Answer:
    wanted = DatasetFilter(given.journey_id, given.client_id, given.stage, given.status)
    page = await desks.enquiries.datasets(who, wanted, given.page_size, given.page_token)
    more = ", and there are more" if page["next_page_token"] else ""
    return Answer(f"{len(page['datasets'])} datasets{more}.", page)


async def _templates(given: inputs.ListTemplatesInput, desks: Desks, who: Principal) -> Answer:
    wanted = (given.industry, given.use_case, given.dataset_type)
    found = await desks.enquiries.templates(who, *wanted)
    return Answer(f"{len(found['templates'])} templates.", found)


async def _template(given: inputs.DescribeTemplateInput, desks: Desks, who: Principal) -> Answer:
    found = await desks.enquiries.template(who, given.template_id)
    return Answer(f"{found['name']}: {found['record_count']} records by default.", found)


async def _preview(given: inputs.PreviewTemplateInput, desks: Desks, who: Principal) -> Answer:
    found = await desks.enquiries.preview(who, given.template_id, given.record_count)
    return Answer(f"{len(found['records'])} sample records of {given.template_id}.", found)


async def _select(given: inputs.SelectTemplateInput, desks: Desks, who: Principal) -> Answer:
    wanted = TemplateRequest(given.industry, given.use_case, given.dataset_type, given.strict)
    chosen = await desks.enquiries.selection(who, wanted)
    return Answer(f"{chosen['template_id']}, a match by {chosen['match']}.", chosen)


async def _discover(given: inputs.DiscoverDatasetsInput, desks: Desks, who: Principal) -> Answer:
    found = await desks.catalogue.discover(who, given.source)
    types = ", ".join(found["dataset_types"])
    broken = f" {found['broken_count']} lines are broken." if found["broken_count"] else ""
    return Answer(f"{found['record_count']} records of {types} in {given.source}.{broken}", found)


async def _register(given: inputs.RegisterTemplateInput, desks: Desks, who: Principal) -> Answer:
    found = await desks.templates.register(who, given.pack, dry_run=given.dry_run)
    named = f"Template {found['template']['template_id']} {found['template']['version']}"
    state = "was registered already" if found["was_there"] else "is registered"
    if given.dry_run:
        state = state if found["was_there"] else "can be registered as it is"
        return Answer(f"{named} {state}; nothing was written.", found)
    return Answer(f"{named} {state}.", found)


async def _connector(given: inputs.ConfigureConnectorInput, desks: Desks, who: Principal) -> Answer:
    shown = await desks.enquiries.connector(
        who, given.client_id, given.stage, given.dataset_type, journey_ref=given.journey_id
    )
    return Answer(f"The connector would be {shown['connector_name']}; nothing was made.", shown)


async def _check(given: inputs.DatasetInput, desks: Desks, who: Principal) -> Answer:
    probe = await desks.enquiries.check_connector(who, inputs.resolved(given.dataset_id))
    state = "answers" if probe["connected"] and probe["authenticated"] else "does not answer well"
    time = f"{probe['response_time_ms']:.0f} ms"
    return Answer(f"{probe['connector_name']} {state} ({time}).", probe)


async def _report(given: inputs.QualityReportInput, desks: Desks, who: Principal) -> Answer:
    report = await desks.enquiries.quality_report(who, inputs.resolved(given.dataset_id), given.run)
    return Answer(f"Run {report['run']} of {report['runs']}: {report['decided_by']}.", report)


async def _verify(given: inputs.DatasetInput, desks: Desks, who: Principal) -> Answer:
    found = await desks.enquiries.verify_archive(who, inputs.resolved(given.dataset_id))
    state = "is intact" if found["verified"] else "is damaged"
    return Answer(f"Archive {found['location']} {state}.", found)


_A = AgentName

_ALL = (
    Skill("provision-datasets", _A.COORDINATOR, inputs.ProvisionDatasetsInput),
    Skill("plan-datasets", _A.COORDINATOR, inputs.ProvisionDatasetsInput, _plan),
    Skill("transition-stage", _A.COORDINATOR, inputs.TransitionStageInput),
    Skill("complete-journey", _A.COORDINATOR, inputs.CompleteJourneyInput),
    Skill("resolve-approval", _A.COORDINATOR, inputs.ResolveApprovalInput),
    Skill("dataset-status", _A.COORDINATOR, inputs.DatasetInput, _status),
    Skill("list-datasets", _A.COORDINATOR, inputs.ListDatasetsInput, _list),
    Skill("list-templates", _A.DISCOVERY, inputs.ListTemplatesInput, _templates),
    Skill("describe-template", _A.DISCOVERY, inputs.DescribeTemplateInput, _template),
    Skill("preview-template", _A.DISCOVERY, inputs.PreviewTemplateInput, _preview),
    Skill("select-template", _A.DISCOVERY, inputs.SelectTemplateInput, _select),
    Skill("discover-datasets", _A.DISCOVERY, inputs.DiscoverDatasetsInput, _discover),
    Skill("register-template", _A.DISCOVERY, inputs.RegisterTemplateInput, _register),
    Skill("provision-dataset", _A.PROVISIONING, inputs.ProvisionDatasetInput),
    Skill("configure-connector", _A.PROVISIONING, inputs.ConfigureConnectorInput, _connector),
    Skill("validate-dataset", _A.VALIDATION, inputs.ValidateDatasetInput),
    Skill("check-connector", _A.VALIDATION, inputs.DatasetInput, _check),
    Skill("quality-report", _A.VALIDATION, inputs.QualityReportInput, _report),
    Skill("teardown-dataset", _A.TEARDOWN, inputs.TeardownDatasetInput),
    Skill("restore-dataset", _A.TEARDOWN, inputs.RestoreDatasetInput),
    Skill("cleanup-orphans", _A.TEARDOWN, inputs.CleanupOrphansInput),
    Skill("verify-archive", _A.TEARDOWN, inputs.DatasetInput, _verify),
    Skill("extend-retention", _A.TEARDOWN, inputs.ExtendRetentionInput),
    Skill("hold-archive", _A.TEARDOWN, inputs.HoldArchiveInput),
    Skill("release-archive", _A.TEARDOWN, inputs.ReleaseArchiveInput),
)

SKILLS: Mapping[str, Skill] = MappingProxyType({each.id: each for each in _ALL})
"""Every skill that runs, by id; what is not here is on no card."""


def skills_of(agent: AgentName) -> list[Skill]:
    """Give an agent's skills in the order of its card."""
    return [each for each in _ALL if each.agent is agent]


def dry_run_of(skill: Skill, given: inputs.SkillInput) -> Skill:
    """Give the skill that tells and changes nothing, where a request asks for no more."""
    if isinstance(given, inputs.ProvisionDatasetsInput) and given.dry_run:
        return SKILLS["plan-datasets"]
    if isinstance(given, inputs.CleanupOrphansInput) and given.dry_run:
        return _ORPHANS
    return skill


_ORPHANS = Skill("cleanup-orphans", _A.TEARDOWN, inputs.CleanupOrphansInput, _orphans)
