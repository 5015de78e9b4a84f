"""What a tenant tells about itself: counts, uploads, and where a single document stands."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateways.local.glean.answers import (
    Answer,
    Endpoint,
    admit_indexing,
    answer,
    parsed,
    plain,
)
from gateways.local.glean.datasources import known, visibility_of
from gateways.local.glean.index import key_of
from gateways.local.glean.tenant import Refusal, Tenant, iso
from gateways.local.glean.uploads import history
from gateways.local.glean.wire import DebugDocument, DebugDocuments

_COUNTS = """
SELECT object_type,
    SUM(superseded = 0 AND (gone_at IS NULL OR gone_at > :now)) AS uploaded,
    SUM(visible_at <= :now AND (gone_at IS NULL OR gone_at > :now)) AS indexed
FROM document WHERE datasource = :datasource GROUP BY object_type ORDER BY object_type
"""
_PROCESSING = """
SELECT started_at FROM processing WHERE datasource IN ('', :datasource) ORDER BY started_at DESC
"""
_CURRENT = """
SELECT * FROM document WHERE datasource = :datasource AND key = :key AND superseded = 0
AND (gone_at IS NULL OR gone_at > :now)
"""


def status(tenant: Tenant) -> Endpoint:
    """`/debug/{datasource}/status`: asked with an empty body."""
    return _endpoint(tenant, lambda datasource, _: _status(tenant, datasource))


def document(tenant: Tenant) -> Endpoint:
    """`/debug/{datasource}/document`: one document's state."""
    return _endpoint(
        tenant,
        lambda datasource, body: _document(tenant, datasource, parsed(DebugDocument, body)),
    )


def documents(tenant: Tenant) -> Endpoint:
    """`/debug/{datasource}/documents`: many documents' states, in the order asked."""
    return _endpoint(
        tenant,
        lambda datasource, body: _documents(tenant, datasource, parsed(DebugDocuments, body)),
    )


def _endpoint(tenant: Tenant, tell: Callable[[str, bytes], Answer]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            admit_indexing(tenant, request, "/debug")
            name = known(tenant, request.path_params["datasource"])
            return answer(tell(name, await request.body()))
        except Refusal as refusal:
            return plain(refusal)

    return endpoint


def _status(tenant: Tenant, datasource: str) -> Answer:
    values = {"datasource": datasource, "now": tenant.now()}
    counted = tenant.store.rows(_COUNTS, values)
    nobody = {"counts": {"uploaded": 0}}
    return {
        "documents": {
            "bulkUploadHistory": history(tenant, datasource),
            "counts": {
                "uploaded": _counts(counted, "uploaded"),
                "indexed": _counts(counted, "indexed"),
            },
            "processingHistory": [
                {"startTime": iso(row["started_at"]), "endTime": iso(row["started_at"])}
                for row in tenant.store.rows(_PROCESSING, values)
            ],
        },
        "identity": {"users": nobody, "groups": nobody, "memberships": nobody},
        "datasourceVisibility": visibility_of(tenant, datasource),
    }


def _counts(rows: list[sqlite3.Row], column: str) -> list[dict[str, Any]]:
    return [{"objectType": row["object_type"], "count": row[column]} for row in rows if row[column]]


def _documents(tenant: Tenant, datasource: str, asked: DebugDocuments) -> Answer:
    return {
        "documentStatuses": [
            {
                "docId": each.doc_id,
                "objectType": each.object_type,
                "debugInfo": _document(tenant, datasource, each),
            }
            for each in asked.debug_documents
        ]
    }


def _document(tenant: Tenant, datasource: str, asked: DebugDocument) -> dict[str, Any]:
    values = {
        "datasource": datasource,
        "key": key_of(asked.object_type, asked.doc_id),
        "now": tenant.now(),
    }
    row = tenant.store.row(_CURRENT, values)
    if row is None:
        return {"status": {"uploadStatus": "NOT_UPLOADED", "indexingStatus": "NOT_INDEXED"}}
    return {
        "status": _document_status(row, tenant.now()),
        "uploadedPermissions": json.loads(row["permissions"]),
    }


def _document_status(row: sqlite3.Row, now: float) -> dict[str, Any]:
    found = {"uploadStatus": "UPLOADED", "lastUploadedAt": iso(row["uploaded_at"])}
    if row["visible_at"] is None or row["visible_at"] > now:
        return found | {"indexingStatus": "NOT_INDEXED"}
    return found | {"indexingStatus": "INDEXED", "lastIndexedAt": iso(row["visible_at"])}
