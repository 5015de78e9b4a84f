"""The pages of a bulk upload: small enough to be taken, in an order that Glean keeps to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from pydantic_core import to_json

from domain.connector import ConnectorConfiguration, Marked
from domain.record import Record
from domain.search_ports import Upload
from gateways.glean_documents import document

LARGEST_PAGE_BYTES = 5 * 2**20
LARGEST_PAGE_DOCUMENTS = 100


@dataclass(frozen=True, slots=True)
class WrittenDocument:
    """A document as JSON, and the two things Glean knows it by."""

    object_type: str
    document_id: str
    json: bytes


@dataclass(frozen=True, slots=True)
class BulkPage:
    """A page of documents that are written already."""

    upload_id: str
    datasource: str
    documents: Sequence[WrittenDocument]
    is_first: bool
    is_last: bool

    @property
    def is_middle(self) -> bool:
        """Whether the page may travel beside others."""
        return not (self.is_first or self.is_last)

    def body(self) -> bytes:
        """Write the page; the flags that replace what was there go with first and last page."""
        head = {
            "uploadId": self.upload_id,
            "datasource": self.datasource,
            "isFirstPage": self.is_first,
            "isLastPage": self.is_last,
            "forceRestartUpload": self.is_first,
            "disableStaleDocumentDeletionCheck": self.is_last,
        }
        documents = b",".join(each.json for each in self.documents)
        return to_json(head)[:-1] + b',"documents":[' + documents + b"]}"


def emptying(connector: Marked) -> BulkPage:
    """Give the one page that leaves nothing of a datasource's documents."""
    upload_id = f"empty-{connector.dataset_id}"
    return BulkPage(upload_id, connector.datasource, (), is_first=True, is_last=True)


async def pages_of(upload: Upload, act_as: str) -> AsyncIterator[BulkPage]:
    """Give the pages of an upload, looking one ahead so that the last is known for the last.

    An upload without a single record is one empty page: it too replaces what was there.
    """
    name, upload_id = upload.connector.datasource, upload.upload_id
    held: Sequence[WrittenDocument] | None = None
    is_first = True
    async for records in upload.pages:
        for documents in _split(records, upload.connector, act_as):
            if held is not None:
                yield BulkPage(upload_id, name, held, is_first=is_first, is_last=False)
                is_first = False
            held = documents
    yield BulkPage(upload_id, name, held or (), is_first=is_first, is_last=True)


def _split(
    records: Sequence[Record], connector: ConnectorConfiguration, act_as: str
) -> Iterator[Sequence[WrittenDocument]]:
    """Cut records into pages by count and by bytes; a document larger than a page goes alone."""
    page: list[WrittenDocument] = []
    size = 0
    for record in records:
        written = _written(record, connector, act_as)
        size += len(written.json) + 1
        if page and (len(page) == LARGEST_PAGE_DOCUMENTS or size > LARGEST_PAGE_BYTES):
            yield page
            page, size = [], len(written.json) + 1
        page.append(written)
    if page:
        yield page


def _written(record: Record, connector: ConnectorConfiguration, act_as: str) -> WrittenDocument:
    content = document(record, connector, act_as)
    return WrittenDocument(content["objectType"], content["id"], to_json(content))
