"""Bulk uploads: pages that replace a whole datasource, one upload at a time."""

import sqlite3
from typing import Any

from gateways.local.glean.datasources import known
from gateways.local.glean.index import forget_gone, put
from gateways.local.glean.tenant import Refusal, Tenant, iso
from gateways.local.glean.wire import BulkPage

_STALE_SHARE = 0.2
_PAUSE_SECONDS = 7 * 86_400.0

_LATEST = "SELECT * FROM upload WHERE datasource = ? ORDER BY number DESC LIMIT 1"
_LIVE = """
FROM document WHERE datasource = :datasource AND superseded = 0
AND (gone_at IS NULL OR gone_at > :now)
"""
_COUNT_LIVE = "SELECT COUNT(*) " + _LIVE
_COUNT_STALE = _COUNT_LIVE + " AND upload IS NOT :upload"
_LET_GO = """
UPDATE document SET gone_at = MIN(COALESCE(gone_at, :at), :at)
WHERE datasource = :datasource AND superseded = 0 AND upload IS NOT :upload
"""
_OPEN = """
INSERT INTO upload (datasource, upload_id, started_at, existed) VALUES (?, ?, ?, ?) RETURNING *
"""
_FINISH = "UPDATE upload SET finished_at = ?, paused_until = ? WHERE number = ?"


def bulk_index_documents(tenant: Tenant, page: BulkPage) -> None:
    """`/bulkindexdocuments`: one page, all of it or nothing.

    Raises:
        Refusal: 409 while another upload is open, 400 when no first page came before.
    """
    name = known(tenant, page.datasource)
    with tenant.store.transaction() as connection:
        upload = _upload_of(tenant, connection, name, page)
        put(tenant, connection, name, page.documents, upload=upload["number"])
        connection.execute(
            "UPDATE upload SET pages = pages + 1 WHERE number = ?", (upload["number"],)
        )
        if page.is_last_page:
            _finish(tenant, connection, name, upload, page)


def history(tenant: Tenant, datasource: str) -> list[dict[str, Any]]:
    """The uploads of a datasource, latest first, as the debug status shows them."""
    found = tenant.store.rows(
        "SELECT *, EXISTS (SELECT 1 FROM document WHERE upload = upload.number"
        " AND superseded = 0 AND visible_at > :now) AS pending"
        " FROM upload WHERE datasource = :datasource ORDER BY number DESC",
        {"datasource": datasource, "now": tenant.now()},
    )
    return [_event(row, tenant.now()) for row in found]


def _upload_of(
    tenant: Tenant, connection: sqlite3.Connection, name: str, page: BulkPage
) -> sqlite3.Row:
    latest: sqlite3.Row | None = connection.execute(_LATEST, (name,)).fetchone()
    if page.is_first_page:
        return _first(tenant, connection, name, page, latest)
    if latest is None or latest["upload_id"] != page.upload_id:
        if latest is not None and latest["finished_at"] is None:
            raise Refusal(409, f"upload {latest['upload_id']} is open")
        raise Refusal(400, f"upload {page.upload_id} has no first page")
    return latest


def _first(
    tenant: Tenant,
    connection: sqlite3.Connection,
    name: str,
    page: BulkPage,
    latest: sqlite3.Row | None,
) -> sqlite3.Row:
    if latest is not None and latest["finished_at"] is None:
        if latest["upload_id"] != page.upload_id and not page.force_restart_upload:
            raise Refusal(409, f"upload {latest['upload_id']} is open")
        connection.execute("DELETE FROM upload WHERE number = ?", (latest["number"],))
    now = tenant.now()
    existed = connection.execute(_COUNT_LIVE, {"datasource": name, "now": now}).fetchone()[0]
    opened: sqlite3.Row = connection.execute(_OPEN, (name, page.upload_id, now, existed)).fetchone()
    return opened


def _finish(
    tenant: Tenant,
    connection: sqlite3.Connection,
    name: str,
    upload: sqlite3.Row,
    page: BulkPage,
) -> None:
    """Let go what the upload did not bring, or hold that back when it is too much."""
    now = tenant.now()
    values = {"datasource": name, "now": now, "upload": upload["number"]}
    stale = connection.execute(_COUNT_STALE, values).fetchone()[0]
    paused = (
        stale > _STALE_SHARE * upload["existed"] and not page.disable_stale_document_deletion_check
    )
    delay = _PAUSE_SECONDS if paused else tenant.indexing_delay.total_seconds()
    connection.execute(_LET_GO, values | {"at": now + delay})
    forget_gone(connection, name, now)
    connection.execute(_FINISH, (now, now + delay if paused else None, upload["number"]))


def _event(row: sqlite3.Row, now: float) -> dict[str, Any]:
    finished = row["finished_at"]
    return {
        "uploadId": row["upload_id"],
        "startTime": iso(row["started_at"]),
        "endTime": "NA" if finished is None else iso(finished),
        "status": "ACTIVE" if finished is None else "SUCCESSFUL",
        "processingState": _processing_state(row, now),
    }


def _processing_state(row: sqlite3.Row, now: float) -> str:
    if row["finished_at"] is None:
        return "UPLOAD STARTED" if row["pages"] == 1 else "UPLOAD IN PROGRESS"
    if row["paused_until"] is not None and row["paused_until"] > now:
        return "DELETION PAUSED"
    return "UPLOAD COMPLETED" if row["pending"] else "INDEXING COMPLETED"
