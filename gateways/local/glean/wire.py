"""The bodies of requests, under the names the wire gives them."""

import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

Category = Literal[
    "UNCATEGORIZED",
    "TICKETS",
    "CRM",
    "PUBLISHED_CONTENT",
    "COLLABORATIVE_CONTENT",
    "QUESTION_ANSWER",
    "MESSAGING",
    "CODE_REPOSITORY",
    "CHANGE_MANAGEMENT",
    "PEOPLE",
    "EMAIL",
    "SSO",
    "ATS",
    "KNOWLEDGE_HUB",
    "EXTERNAL_SHORTCUT",
    "ENTITY",
    "CALENDAR",
    "AGENTS",
    "AI_CONVERSATION",
    "AI_ARTIFACT",
]


def _without_nul(value: str) -> str:
    return value.replace("\0", " ")


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as broken:
        raise ValueError(f"urlRegex does not compile: {broken}") from broken
    return value


DatasourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$")]
DocumentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,200}$")]
Text = Annotated[str, AfterValidator(_without_nul)]
UrlRegex = Annotated[str, AfterValidator(_regex)]


class Wire(BaseModel):
    """A body as Glean reads it: camelCase names, unknown fields let pass."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class ObjectDefinition(Wire):
    """A kind of document a datasource declares."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\s_]+$")]
    doc_category: Category | None = None


class DatasourceConfig(Wire):
    """What `adddatasource` checks; the configuration itself is kept as it was sent."""

    name: DatasourceName
    datasource_category: Category | None = None
    url_regex: UrlRegex | None = None
    object_definitions: tuple[ObjectDefinition, ...] = ()
    is_entity_datasource: bool = False

    @model_validator(mode="after")
    def _belongs_somewhere(self) -> Self:
        if self.datasource_category == "UNCATEGORIZED":
            raise ValueError("datasourceCategory cannot be UNCATEGORIZED")
        if not self.url_regex and not self.is_entity_datasource:
            raise ValueError("urlRegex is required")
        return self


class DatasourceReference(Wire):
    """A body that names one datasource."""

    datasource: str


class ProcessAll(Wire):
    """Which datasource to process; all of them where none is named."""

    datasource: str | None = None


class BetaUsers(Wire):
    """Who sees a datasource before it is enabled for all."""

    datasource: str
    emails: tuple[str, ...]


class UserReference(Wire):
    """A person, by address or by an id of the datasource's own."""

    email: str | None = None
    datasource_user_id: str | None = None


class Permissions(Wire):
    """Who may read a document; a group nobody pushed matches nobody."""

    allow_anonymous_access: bool = False
    allow_all_datasource_users_access: bool = False
    allowed_users: tuple[UserReference, ...] = ()
    allowed_groups: tuple[str, ...] = ()

    def readers_json(self) -> str:
        """The addresses that may read, in lower case and sorted, as a JSON list."""
        return json.dumps(sorted({user.email.lower() for user in self.allowed_users if user.email}))


class Content(Wire):
    """The text of a document, or its bytes in base64, never both."""

    mime_type: str
    text_content: Text | None = None
    binary_content: str | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.text_content is not None and self.binary_content is not None:
            raise ValueError("only one of textContent and binaryContent can be set")
        return self


class DocumentDefinition(Wire):
    """One document of a page; times are epoch seconds."""

    datasource: str
    object_type: str = ""
    id: DocumentId
    title: Text = ""
    view_url: str = Field(default="", alias="viewURL")
    body: Content | None = None
    summary: Content | None = None
    permissions: Permissions = Permissions()
    created_at: int | None = None
    updated_at: int | None = None


class IndexDocument(Wire):
    """One document; an older version than the known one is a conflict."""

    document: DocumentDefinition
    version: int | None = None


class IndexDocuments(Wire):
    """Documents to add or update; the others stay."""

    datasource: str
    documents: tuple[DocumentDefinition, ...]
    upload_id: str | None = None


class BulkPage(Wire):
    """One page of an upload that replaces the whole datasource."""

    upload_id: Annotated[str, StringConstraints(min_length=1)]
    datasource: str
    documents: tuple[DocumentDefinition, ...]
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False
    disable_stale_document_deletion_check: bool = False

    @model_validator(mode="after")
    def _flags_fit_the_page(self) -> Self:
        if self.force_restart_upload and not self.is_first_page:
            raise ValueError("forceRestartUpload goes with isFirstPage only")
        if self.disable_stale_document_deletion_check and not self.is_last_page:
            raise ValueError("disableStaleDocumentDeletionCheck goes with isLastPage only")
        return self


class DeleteDocument(Wire):
    """Which document goes."""

    datasource: str
    object_type: str
    id: str
    version: int | None = None


class UpdatePermissions(Wire):
    """New permissions of one document, named by its id or its address."""

    datasource: str
    permissions: Permissions
    object_type: str = ""
    id: str | None = None
    view_url: str | None = Field(default=None, alias="viewURL")


class CheckAccess(Wire):
    """Whether a person may read a document."""

    datasource: str
    object_type: str
    doc_id: str
    user_email: str


class DebugDocument(Wire):
    """A document whose state is asked for."""

    object_type: str
    doc_id: str


class DebugDocuments(Wire):
    """Documents whose state is asked for."""

    debug_documents: tuple[DebugDocument, ...]


class SearchOptions(Wire):
    """Filters of a search; facets are not played here and say so."""

    facet_bucket_size: int
    datasource_filter: str | None = None
    datasources_filter: tuple[str, ...] = ()
    facet_filters: tuple[Any, ...] = ()
    facet_filter_sets: tuple[Any, ...] = ()


class SearchRequest(Wire):
    """A search; `page_size` is a hint."""

    query: Text
    page_size: int = 10
    cursor: str | None = None
    request_options: SearchOptions | None = None


class PlatformSearch(BaseModel):
    """A search of the platform API, in its snake_case; filters are not played here and say so."""

    model_config = ConfigDict(frozen=True)

    query: Text
    page_size: int = 10
    cursor: str | None = None
    datasources: tuple[str, ...] = ()
    filters: tuple[Any, ...] = ()
    time_range: dict[str, Any] | None = None


class Override(Wire):
    """What is laid over one document's visibility."""

    doc_id: str
    override: str


class Overrides(Wire):
    """Overrides to lay over or to take off."""

    visibility_overrides: tuple[Override, ...]
