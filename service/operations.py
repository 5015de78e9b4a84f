"""The operations of the API that the OpenAPI document is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypedDict

from agents.cataloguing import MOST_LISTED
from domain import archive_documents, catalogue_documents, documents, journey_documents
from domain.approvals import ApprovalStatus
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.record import JsonObject
from service import subscription_documents as subscriptions
from service.auditing import AuditEntryDocument, AuditPageDocument, AuditVerdictDocument
from service.batches import BATCH
from service.problems import LARGEST_NUMBER
from service.publishing import CloudEventDocument
from service.success import SuccessDocument

if TYPE_CHECKING:
    from enum import StrEnum

    from pydantic import BaseModel

LARGEST_PAGE = 100
"""The most datasets one page holds."""

MOST_PREVIEWED = 50
"""The most sample records of a template that are shown."""


class EventPageDocument(TypedDict):
    """Events in order, and behind which sequence the next page begins."""

    events: Sequence[CloudEventDocument]
    next_after: int | None


class AgentListDocument(TypedDict):
    """The agents' cards, as A2A defines them."""

    agents: Sequence[JsonObject]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked: where, by what name, and the type of the answer, if any.

    What is not read has its method, the type of its body, and the status it is answered with.
    `problems` are those that only this one has.
    """

    path: str
    name: str
    summary: str
    answer: Any
    query: dict[str, JsonObject] = field(default_factory=dict)
    method: str = "get"
    body: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    problems: tuple[HTTPStatus, ...] = ()


_SUBSCRIPTION = "/subscriptions/{subscription}"
_ON_SUBSCRIPTIONS = (
    Operation(
        "/subscriptions",
        "listSubscriptions",
        "List the webhooks, oldest first",
        subscriptions.SubscriptionListDocument,
    ),
    Operation(
        "/subscriptions",
        "createSubscription",
        "Have events delivered to a webhook",
        subscriptions.SubscriptionDocument,
        method="post",
        body=subscriptions.SubscriptionInput,
        status=HTTPStatus.CREATED,
    ),
    Operation(
        _SUBSCRIPTION,
        "showSubscription",
        "Show one webhook",
        subscriptions.SubscriptionDocument,
    ),
    Operation(
        _SUBSCRIPTION,
        "removeSubscription",
        "Forget a webhook and its dead letters",
        None,
        method="delete",
        status=HTTPStatus.NO_CONTENT,
    ),
    Operation(
        f"{_SUBSCRIPTION}/enable",
        "enableSubscription",
        "Deliver again at once, from where it stands",
        subscriptions.SubscriptionDocument,
        method="post",
    ),
    Operation(
        f"{_SUBSCRIPTION}/secrets",
        "changeSecrets",
        "Sign with other secrets, with both of two",
        subscriptions.SubscriptionDocument,
        method="put",
        body=subscriptions.SecretsInput,
    ),
    Operation(
        f"{_SUBSCRIPTION}/dead-letters",
        "listDeadLetters",
        "List the events a webhook never acknowledged",
        subscriptions.DeadLetterPageDocument,
        {
            "after": {"type": "integer", "minimum": 0, "maximum": LARGEST_NUMBER},
            "limit": {"type": "integer", "minimum": 1, "maximum": BATCH},
        },
    ),
    Operation(
        f"{_SUBSCRIPTION}/dead-letters/replay",
        "replayDeadLetters",
        "Have dead letters delivered once more",
        subscriptions.ReplayDocument,
        method="post",
        body=subscriptions.ReplayInput,
        status=HTTPStatus.ACCEPTED,
    ),
)


def _number(least: int, most: int) -> JsonObject:
    return {"type": "integer", "minimum": least, "maximum": most}


def _one_of(kind: type[StrEnum]) -> JsonObject:
    """Take an enum's values in either case."""
    values = [each.value for each in kind]
    return {"enum": [*values, *(each.upper() for each in values)]}


TEXT: JsonObject = {"type": "string"}
_FILTERS: dict[str, JsonObject] = {
    "journey": TEXT,
    "client": TEXT,
    "stage": _one_of(JourneyStage),
    "status": _one_of(DatasetStatus),
}
_MATCHING: dict[str, JsonObject] = {"industry": TEXT, "use_case": TEXT, "dataset_type": TEXT}
_PAGE: dict[str, JsonObject] = {"after": _number(0, LARGEST_NUMBER), "limit": _number(1, BATCH)}


OPERATIONS = (
    Operation(
        "/datasets",
        "listDatasets",
        "List datasets, newest first",
        documents.DatasetPageDocument,
        _FILTERS | {"page_size": _number(1, LARGEST_PAGE), "page_token": TEXT},
    ),
    Operation("/datasets/{dataset}", "showDataset", "Show one dataset", documents.DatasetDocument),
    Operation(
        "/datasets/{dataset}/quality",
        "showQuality",
        "Show one validation with its evidence, the last unless named",
        documents.QualityReportDocument,
        {"run": _number(1, LARGEST_NUMBER)},
    ),
    Operation(
        "/datasets/{dataset}/events",
        "listDatasetEvents",
        "List what happened to one dataset",
        EventPageDocument,
        _PAGE,
    ),
    Operation(
        "/datasets/{dataset}/archive",
        "verifyArchive",
        "Read an archive back and compare its digest",
        archive_documents.ArchiveVerificationDocument,
    ),
    Operation(
        "/approvals",
        "listApprovals",
        "List what waits for consent, or the approvals of one status",
        journey_documents.ApprovalListDocument,
        {"status": _one_of(ApprovalStatus)},
    ),
    Operation(
        "/archives",
        "listArchives",
        "List archives and tombstones, those of the newest datasets first",
        archive_documents.ArchivePageDocument,
        {"page_size": _number(1, LARGEST_PAGE), "page_token": TEXT},
    ),
    Operation(
        "/archives/{dataset}",
        "showArchive",
        "Show where an archive is and how long it is kept",
        archive_documents.ArchiveDocument,
    ),
    Operation(
        "/archives/{dataset}/content",
        "readArchive",
        "Give an archive's bytes, as they were written",
        archive_documents.DossierDocument,
    ),
    Operation("/events", "listEvents", "List what happened, in order", EventPageDocument, _PAGE),
    Operation(
        "/templates",
        "listTemplates",
        "List the templates",
        documents.TemplateListDocument,
        _MATCHING,
    ),
    Operation(
        "/templates/{template}",
        "showTemplate",
        "Show one template in full",
        documents.TemplateDocument,
    ),
    Operation(
        "/templates/{template}/preview",
        "previewTemplate",
        "Show sample records of a template",
        documents.PreviewDocument,
        {"record_count": _number(1, MOST_PREVIEWED)},
    ),
    Operation(
        "/templates/{industry}/{use_case}",
        "listTemplatesFor",
        "List the templates of an industry and use case",
        documents.TemplateListDocument,
    ),
    Operation(
        "/catalogue",
        "listDiscoveries",
        "List discoveries, newest first",
        catalogue_documents.DiscoveryListDocument,
        {"source": TEXT, "limit": _number(1, MOST_LISTED)},
    ),
    Operation(
        "/catalogue/{discovery}",
        "showDiscovery",
        "Show one discovery in full",
        catalogue_documents.DiscoveryDocument,
    ),
    Operation(
        "/catalogue/{discovery}/difference",
        "compareDiscoveries",
        "Tell what has changed since the discovery before, or since another one",
        catalogue_documents.DifferenceDocument,
        {"since": TEXT},
    ),
    Operation("/agents", "listAgents", "List the agents' cards", AgentListDocument),
    Operation("/metrics", "showMetrics", "Show the success metrics", SuccessDocument),
    Operation(
        "/audit",
        "listAuditEntries",
        "List who did what, in order",
        AuditPageDocument,
        _PAGE | {"dataset": TEXT},
    ),
    Operation(
        "/audit/verify",
        "verifyAudit",
        "Look through the whole audit trail and hold it to its checkpoints",
        AuditVerdictDocument,
        problems=(HTTPStatus.TOO_MANY_REQUESTS,),
    ),
    Operation(
        "/audit/{sequence}", "showAuditEntry", "Show one entry by its number", AuditEntryDocument
    ),
    *_ON_SUBSCRIPTIONS,
)
