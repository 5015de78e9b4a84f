"""Single documents: add, update, delete, open to others; 200 means accepted, not indexed."""

import sqlite3

from gateways.local.glean.answers import Answer, spend
from gateways.local.glean.datasources import known
from gateways.local.glean.index import forget_gone, key_of, put
from gateways.local.glean.limits import DOCUMENTS
from gateways.local.glean.tenant import Refusal, Tenant
from gateways.local.glean.wire import (
    CheckAccess,
    DeleteDocument,
    IndexDocument,
    IndexDocuments,
    UpdatePermissions,
)

_CURRENT = "SELECT * FROM document WHERE datasource = :datasource AND key = :key AND superseded = 0"
_LEAVE = """
UPDATE document SET gone_at = MIN(COALESCE(gone_at, :at), :at)
WHERE datasource = :datasource AND key = :key
"""
_OPEN = """
UPDATE document SET anonymous = :anonymous, readers = :readers, permissions = :permissions
WHERE datasource = :datasource AND superseded = 0
  AND CASE WHEN :key IS NULL THEN url = :url ELSE key = :key END
"""


def index_document(tenant: Tenant, asked: IndexDocument) -> None:
    """`/indexdocument`: add or update one.

    Raises:
        Refusal: 409 when a later version of it is known.
    """
    document = asked.document
    name = known(tenant, document.datasource)
    with tenant.store.transaction() as connection:
        _refuse_stale(
            connection, name, key_of(document.object_type, document.id), version=asked.version
        )
        put(tenant, connection, name, [document], version=asked.version)


def index_documents(tenant: Tenant, asked: IndexDocuments) -> None:
    """`/indexdocuments`: add or update these, all of them or none; the others stay."""
    spend(tenant, DOCUMENTS, len(asked.documents))
    name = known(tenant, asked.datasource)
    with tenant.store.transaction() as connection:
        put(tenant, connection, name, asked.documents)


def delete_document(tenant: Tenant, asked: DeleteDocument) -> None:
    """`/deletedocument`: a document that is not there is a success too.

    Raises:
        Refusal: 409 when a later version of it is known.
    """
    name = known(tenant, asked.datasource)
    key = key_of(asked.object_type, asked.id)
    due = tenant.now() + tenant.indexing_delay.total_seconds()
    with tenant.store.transaction() as connection:
        _refuse_stale(connection, name, key, version=asked.version)
        connection.execute(_LEAVE, {"datasource": name, "key": key, "at": due})
        forget_gone(connection, name, tenant.now())


def update_permissions(tenant: Tenant, asked: UpdatePermissions) -> None:
    """`/updatepermissions`: who may read one document, from now on.

    Raises:
        Refusal: 400 without an id and an address, or when there is no such document.
    """
    if asked.id is None and asked.view_url is None:
        raise Refusal(400, "either id or viewURL is required")
    name = known(tenant, asked.datasource)
    key = None if asked.id is None else key_of(asked.object_type, asked.id)
    values = {
        "datasource": name,
        "key": key,
        "url": asked.view_url,
        "anonymous": asked.permissions.allow_anonymous_access,
        "readers": asked.permissions.readers_json(),
        "permissions": asked.permissions.model_dump_json(by_alias=True, exclude_unset=True),
    }
    with tenant.store.transaction() as connection:
        if connection.execute(_OPEN, values).rowcount == 0:
            raise Refusal(400, "there is no such document")


def check_access(tenant: Tenant, asked: CheckAccess) -> Answer:
    """`/checkdocumentaccess`: whether the document's permissions let a person read it."""
    name = known(tenant, asked.datasource)
    key = key_of(asked.object_type, asked.doc_id)
    found = tenant.store.row(
        "SELECT 1 FROM document WHERE datasource = :datasource AND key = :key"
        " AND superseded = 0 AND (gone_at IS NULL OR gone_at > :now) AND ("
        " anonymous OR EXISTS (SELECT 1 FROM json_each(readers) WHERE value = :user))",
        {
            "datasource": name,
            "key": key,
            "now": tenant.now(),
            "user": asked.user_email.lower(),
        },
    )
    return {"hasAccess": found is not None}


def _refuse_stale(
    connection: sqlite3.Connection, datasource: str, key: str, *, version: int | None
) -> None:
    current = connection.execute(_CURRENT, {"datasource": datasource, "key": key}).fetchone()
    if current is None or version is None or current["version"] is None:
        return
    if version < current["version"]:
        raise Refusal(409, f"version {current['version']} of the document is known already")
