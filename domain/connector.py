"""Connectors: their names, their settings by stage, and the documents that go into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import blake2s
from types import MappingProxyType
from typing import TYPE_CHECKING, NewType, Protocol
from uuid import UUID, uuid5

from domain.journey import DEFAULT_TENANT, ClientId, JourneyStage
from domain.record import JsonObject, Record
from domain.template import DatasetTemplate, ObjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ConnectorId = NewType("ConnectorId", UUID)

_NAMESPACE = UUID("0b8c5a52-5f4e-5c0e-8a58-6f1f5a2f9d11")


class AuthType(StrEnum):
    """How the source behind a connector lets us in."""

    NONE = "none"
    OAUTH2 = "oauth2"


class SyncSchedule(StrEnum):
    """How often a connector takes in what is new (seed: R52)."""

    MANUAL = "manual"
    HOURLY = "hourly"
    EVERY_15_MIN = "every_15_min"


class Readers(StrEnum):
    """Who may read the documents of a stage."""

    TEST_GROUP = "test_group"
    LISTED = "listed"
    SOURCE_ACLS = "source_acls"


@dataclass(frozen=True, slots=True)
class Authentication:
    """The way into the source; `credentials` is a reference to a secret, never the secret."""

    type: AuthType
    credentials: str | None = None


AUTHENTICATION: Mapping[JourneyStage, Authentication] = MappingProxyType(
    {
        JourneyStage.SANDBOX: Authentication(AuthType.NONE),
        JourneyStage.PILOT: Authentication(AuthType.OAUTH2, "pilot_creds"),
        JourneyStage.PRODUCTION: Authentication(AuthType.OAUTH2, "prod_creds"),
    }
)
"""Mock data needs no credentials; a pilot uses test ones, production the real ones (seed: R51)."""

SYNC_SCHEDULE: Mapping[JourneyStage, SyncSchedule] = MappingProxyType(
    {
        JourneyStage.SANDBOX: SyncSchedule.MANUAL,
        JourneyStage.PILOT: SyncSchedule.HOURLY,
        JourneyStage.PRODUCTION: SyncSchedule.EVERY_15_MIN,
    }
)

PERMISSIONS: Mapping[JourneyStage, Readers] = MappingProxyType(
    {
        JourneyStage.SANDBOX: Readers.TEST_GROUP,
        JourneyStage.PILOT: Readers.LISTED,
        JourneyStage.PRODUCTION: Readers.SOURCE_ACLS,
    }
)

CATEGORY: Mapping[str, str] = MappingProxyType(
    {
        "confluence": "KNOWLEDGE_HUB",
        "github": "CODE_REPOSITORY",
        "zendesk": "TICKETS",
        "jira": "TICKETS",
        "servicenow": "TICKETS",
        "salesforce": "CRM",
        "sharepoint": "COLLABORATIVE_CONTENT",
        "gdrive": "COLLABORATIVE_CONTENT",
        "slack": "MESSAGING",
        "stackoverflow": "QUESTION_ANSWER",
    }
)
"""The search engine's category for a dataset type; any other type is a KNOWLEDGE_HUB."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be uploaded: patterns over a record's `path` (or id), and a limit in documents."""

    include_patterns: tuple[str, ...] = ("*",)
    exclude_patterns: tuple[str, ...] = ()
    max_documents: int | None = None

    def accept(self, record: Record) -> bool:
        """Whether the patterns let a record through; exclusion wins."""
        name = str(record.get("path") or record["id"])
        wanted = any(fnmatchcase(name, each) for each in self.include_patterns)
        return wanted and not any(fnmatchcase(name, each) for each in self.exclude_patterns)


@dataclass(frozen=True, slots=True)
class DatasourceConfig:
    """Where the source is and how it is taken in (seed: R48)."""

    type: str
    url: str
    crawl_settings: JsonObject
    sync_schedule: SyncSchedule


@dataclass(frozen=True, slots=True)
class ConnectorConfiguration:
    """All that a connector is made from (seed: ConnectorConfiguration).

    `connector_name` is what people read and unique among active datasets; `datasource` is the
    name the search engine knows it by ([a-z0-9]+); `home_url` is our mark on it: it carries the
    dataset's id, and nothing is ever emptied that lacks it.
    """

    connector_id: ConnectorId
    connector_name: str
    datasource: str
    dataset_id: UUID
    generation: int
    home_url: str
    category: str
    object_types: tuple[ObjectType, ...]
    is_test: bool
    datasource_config: DatasourceConfig
    authentication: Authentication
    filters: Filters
    permissions: Readers
    status: str = "created"

    @property
    def url_prefix(self) -> str:
        """What the address of each document of this connector begins with."""
        return f"{self.home_url}/records/"


class Marked(Protocol):
    """What has a datasource at the search engine under our mark: a connector, or what is left of one."""

    @property
    def datasource(self) -> str:
        """The name the search engine knows it by."""
        ...

    @property
    def dataset_id(self) -> UUID:
        """The dataset it was made for."""
        ...

    @property
    def home_url(self) -> str:
        """Our mark."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectorPlace:
    """Whose connector it is and which: what its names are made from."""

    client_id: ClientId
    client_code: str
    stage: JourneyStage
    dataset_type: str
    generation: int
    dataset_id: UUID
    origin: str
    tenant: str = DEFAULT_TENANT


def connector_name(client_code: str, stage: JourneyStage, dataset_type: str) -> str:
    """Compose `{client}-{stage}-{type}` (seed: Connector Naming).

    Neither stage nor type holds a hyphen, so the name can be taken apart from the right and no
    two places share one, even where a client's code has hyphens.
    """
    return f"{client_code}-{stage.value}-{dataset_type}"


def datasource_name(place: ConnectorPlace) -> str:
    """Compose the search engine's name: readable, [a-z0-9]+, its own for every generation.

    Tenants may share a search engine, and two of them may know a client by the same UUID.
    """
    name = connector_name(place.client_code, place.stage, place.dataset_type)
    slug = re.sub(r"[^a-z0-9]", "", name.lower())[:32]
    identity = f"{place.client_id}/{place.stage.value}/{place.dataset_type}/{place.generation}"
    if place.tenant != DEFAULT_TENANT:
        identity = f"{place.tenant}/{identity}"
    return slug + blake2s(identity.encode(), digest_size=4).hexdigest()


def home_of(origin: str, dataset_id: UUID) -> str:
    """Compose the mark of a dataset's connector, which is where the dataset is shown."""
    return f"{origin}/datasets/{dataset_id}"


def dataset_at(home_url: str, origin: str) -> UUID | None:
    """Read the dataset's id from a mark; None where it is none of this origin's."""
    try:
        found = UUID(home_url.rpartition("/")[2])
    except ValueError:
        return None
    return found if home_url == home_of(origin, found) else None


def configure_connector(place: ConnectorPlace, template: DatasetTemplate) -> ConnectorConfiguration:
    """Derive a connector's whole configuration from its place and its template (seed: R47-R52)."""
    datasource = datasource_name(place)
    return ConnectorConfiguration(
        connector_id=ConnectorId(uuid5(_NAMESPACE, datasource)),
        connector_name=connector_name(place.client_code, place.stage, place.dataset_type),
        datasource=datasource,
        dataset_id=place.dataset_id,
        generation=place.generation,
        home_url=home_of(place.origin, place.dataset_id),
        category=CATEGORY.get(place.dataset_type, "KNOWLEDGE_HUB"),
        object_types=template.object_types or (ObjectType("Document", "KNOWLEDGE_HUB"),),
        is_test=place.stage is not JourneyStage.PRODUCTION,
        datasource_config=_source(place, template),
        authentication=AUTHENTICATION[place.stage],
        filters=Filters(
            template.include_patterns, template.exclude_patterns, template.max_documents
        ),
        permissions=PERMISSIONS[place.stage],
    )


def accepted(filters: Filters, page: Sequence[Record], before: int = 0) -> list[Record]:
    """Keep what the patterns let through of a page, up to the limit.

    `before` counts what was kept of the pages before it; the limit is over all of them.
    """
    kept = [each for each in page if filters.accept(each)]
    return kept[: filters.max_documents - before] if filters.max_documents is not None else kept


def _source(place: ConnectorPlace, template: DatasetTemplate) -> DatasourceConfig:
    return DatasourceConfig(
        type=place.dataset_type,
        url=template.datasource_url,
        crawl_settings=template.crawl_settings,
        sync_schedule=SYNC_SCHEDULE[place.stage],
    )
