"""The index: each upload of a document is a row that comes into sight, and the one before goes."""

import re
import sqlite3
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from gateways.local.glean.datasources import config_of, declared_types
from gateways.local.glean.tenant import Refusal, Tenant
from gateways.local.glean.wire import Content, DocumentDefinition

_SUPERSEDE = """
UPDATE document SET superseded = 1, gone_at = MIN(COALESCE(gone_at, :leaves_at), :leaves_at)
WHERE datasource = :datasource AND key = :key AND superseded = 0
"""
_INSERT = """
INSERT INTO document (
    number, datasource, key, object_type, id, glean_id, version, upload, uploaded_at, visible_at,
    anonymous, readers, permissions, created_at, updated_at, url, title, body
) VALUES (
    :number, :datasource, :key, :object_type, :id, :glean_id, :version, :upload, :uploaded_at,
    :visible_at, :anonymous, :readers, :permissions, :created_at, :updated_at, :url,
    :title, :body
)
"""
_MAKE_SEARCHABLE = """
INSERT INTO search (rowid, datasource, title, body)
SELECT number, datasource, title, body FROM document WHERE number >= ?
"""
_FORGET_WORDS = """
INSERT INTO search (search, rowid, datasource, title, body)
SELECT 'delete', number, datasource, title, body FROM document
WHERE datasource = :datasource AND gone_at <= :now
"""
_FORGET = "DELETE FROM document WHERE datasource = :datasource AND gone_at <= :now"
_NEXT_NUMBER = "SELECT COALESCE(MAX(number), 0) + 1 FROM document"

_MARKUP = re.compile(r"<[^<>]*>")


def key_of(object_type: str, document_id: str) -> str:
    """What makes a document one within its datasource; ids are case-insensitive."""
    return f"{object_type}/{document_id}".lower()


def put(
    tenant: Tenant,
    connection: sqlite3.Connection,
    datasource: str,
    documents: Sequence[DocumentDefinition],
    *,
    upload: int | None = None,
    version: int | None = None,
) -> None:
    """Add or update documents inside the caller's transaction; `datasource` in lower case.

    Raises:
        Refusal: 400 when a document names another datasource.
    """
    forget_gone(connection, datasource, tenant.now())
    config = config_of(tenant, datasource)
    shared = {"datasource": datasource, "upload": upload, "version": version}
    rows = {}
    for document in documents:
        if document.datasource.lower() != datasource:
            raise Refusal(400, f"document {document.id} names datasource {document.datasource}")
        row = shared | _row(tenant, config, document)
        rows[row["key"]] = row
    _write(connection, list(rows.values()))


def forget_gone(connection: sqlite3.Connection, datasource: str, now: float) -> None:
    """Drop the rows whose time has passed, and their words."""
    connection.execute(_FORGET_WORDS, {"datasource": datasource, "now": now})
    connection.execute(_FORGET, {"datasource": datasource, "now": now})


def _write(connection: sqlite3.Connection, rows: Sequence[dict[str, Any]]) -> None:
    first: int = connection.execute(_NEXT_NUMBER).fetchone()[0]
    for number, row in zip(count(first), rows, strict=False):
        row["number"] = number
    connection.executemany(_SUPERSEDE, rows)
    connection.executemany(_INSERT, rows)
    connection.execute(_MAKE_SEARCHABLE, (first,))


def _row(tenant: Tenant, config: Mapping[str, Any], document: DocumentDefinition) -> dict[str, Any]:
    now = tenant.now()
    due = now + tenant.indexing_delay.total_seconds()
    key = key_of(document.object_type, document.id)
    return {
        "key": key,
        "object_type": document.object_type,
        "id": document.id,
        "glean_id": f"CUSTOM_{config['name'].upper()}_{document.object_type}_{document.id}",
        "uploaded_at": now,
        "visible_at": due if _is_indexable(tenant, config, document, key) else None,
        "leaves_at": due,
        "anonymous": document.permissions.allow_anonymous_access,
        "readers": document.permissions.readers_json(),
        "permissions": document.permissions.model_dump_json(by_alias=True, exclude_unset=True),
        "created_at": document.created_at,
        "updated_at": document.updated_at,
        "url": document.view_url,
        "title": document.title,
        "body": "\n".join(filter(None, map(_text_of, (document.summary, document.body)))),
    }


def _is_indexable(
    tenant: Tenant, config: Mapping[str, Any], document: DocumentDefinition, key: str
) -> bool:
    """What Glean accepts and then never indexes shows only as a gap between two counts."""
    if document.object_type not in declared_types(config):
        return False
    regex = config.get("urlRegex")
    if regex and re.match(regex, document.view_url) is None:
        return False
    return not tenant.faults.is_never_indexed(key)


def _text_of(content: Content | None) -> str:
    if content is None:
        return ""
    if content.text_content is None:
        return _decoded(content.binary_content or "")
    if content.mime_type == "text/html":
        return _MARKUP.sub(" ", content.text_content)
    return content.text_content


def _decoded(binary_content: str) -> str:
    try:
        return b64decode(binary_content, validate=True).decode(errors="ignore").replace("\0", " ")
    except NotBase64 as broken:
        raise Refusal(400, f"binaryContent is not base64: {broken}") from broken
