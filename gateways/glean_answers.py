"""Glean's answers: the few fields we read, and tolerance for all the others."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

_INDEXED = "INDEXING COMPLETED"
_DELETION_PAUSED = "DELETION PAUSED"
_UNDER_WAY = frozenset(
    {"UPLOAD STARTED", "UPLOAD IN PROGRESS", "UPLOAD COMPLETED", _DELETION_PAUSED}
)


def _or_empty(value: Any) -> Any:
    """An empty list comes as null from some of Glean's endpoints."""
    return [] if value is None else value


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, strict=True)


class TypeCount(_Wire):
    """How many documents there are of one object type."""

    count: Annotated[int, Field(ge=0)]


class Counts(_Wire):
    """What has been indexed; what was uploaded may be hours old and is not read."""

    indexed: Annotated[list[TypeCount], BeforeValidator(_or_empty)] = []


class BulkUpload(_Wire):
    """One upload of the datasource's history."""

    upload_id: str
    start_time: str | None = None
    status: str = ""
    processing_state: str | None = None


class Documents(_Wire):
    """Where the documents of a datasource stand."""

    counts: Counts = Counts()
    bulk_upload_history: Annotated[list[BulkUpload], BeforeValidator(_or_empty)] = []


class Status(_Wire):
    """What `/debug/{datasource}/status` tells."""

    documents: Documents
    datasource_visibility: str = ""

    @property
    def indexed(self) -> int:
        """The documents that can be found."""
        return sum(each.count for each in self.documents.counts.indexed)

    def is_finished(self, upload_id: str) -> bool:
        """Whether an upload has reached its last page."""
        return any(
            each.upload_id == upload_id and each.status == "SUCCESSFUL"
            for each in self.documents.bulk_upload_history
        )

    @property
    def holds_back_deletions(self) -> bool:
        """Whether documents that the latest upload did not bring are still kept."""
        history = self.documents.bulk_upload_history
        latest = max(history, key=lambda each: each.start_time or "", default=None)
        return latest is not None and latest.processing_state == _DELETION_PAUSED

    def is_under_way(self, upload_id: str) -> bool:
        """Whether Glean still works on an upload; it may not tell how far it has got."""
        states = {
            each.processing_state
            for each in self.documents.bulk_upload_history
            if each.upload_id == upload_id
        }
        return _INDEXED not in states and not states.isdisjoint(_UNDER_WAY)


class HitDocument(_Wire):
    """The document behind a hit; `id` is Glean's own, index-wide."""

    id: str = ""
    url: str = ""


class Hit(_Wire):
    """One result of a search."""

    url: str
    document: HitDocument | None = None


class SearchPage(_Wire):
    """A page of a search's results."""

    results: Annotated[list[Hit], BeforeValidator(_or_empty)] = []
    cursor: str | None = None
    has_more_results: bool = False


class Override(_Wire):
    """What came of laying an override over one document."""

    success: bool = False
    error_text: str | None = None

    @property
    def why(self) -> str:
        """Why it was not laid."""
        return self.error_text or "Glean gave no reason"


class Overrides(_Wire):
    """What came of a batch of overrides."""

    results: Annotated[list[Override], BeforeValidator(_or_empty)] = []


Moment = Annotated[AwareDatetime, Field(strict=False)]


class DocumentState(_Wire):
    """Where one document stands."""

    indexing_status: str = ""
    last_uploaded_at: Moment | None = None
    last_indexed_at: Moment | None = None

    @property
    def is_indexed(self) -> bool:
        """Whether what was uploaded last can be found, and not only what was there before it."""
        if self.indexing_status != "INDEXED":
            return False
        uploaded, indexed = self.last_uploaded_at, self.last_indexed_at
        return uploaded is None or indexed is None or indexed >= uploaded


class DebugInfo(_Wire):
    """The state inside the debug answer."""

    status: DocumentState = DocumentState()


class DebugDocument(_Wire):
    """One document of the debug answer."""

    doc_id: str
    debug_info: DebugInfo = DebugInfo()

    @property
    def is_indexed(self) -> bool:
        """Whether the document can be found."""
        return self.debug_info.status.is_indexed


class DebugDocuments(_Wire):
    """What `/debug/{datasource}/documents` tells."""

    document_statuses: Annotated[list[DebugDocument], BeforeValidator(_or_empty)] = []


class SearchedDatasource(_Wire):
    """One datasource that can be searched, by the name Glean knows it by."""

    datasource: str


class Filters(_Wire):
    """What `/api/search/filters` tells: the datasources the test user may search."""

    datasources: Annotated[list[SearchedDatasource], BeforeValidator(_or_empty)]


STATUS = TypeAdapter(Status)
FILTERS = TypeAdapter(Filters)
SEARCH_PAGE = TypeAdapter(SearchPage)
OVERRIDES = TypeAdapter(Overrides)
DEBUG_DOCUMENTS = TypeAdapter(DebugDocuments)
