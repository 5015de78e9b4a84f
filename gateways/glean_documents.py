"""Glean's form of what we have: a connector as its datasource, a record as its document."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from domain.connector import ConnectorConfiguration, Readers
from domain.record import Json, JsonObject, Record
from gateways.glean_answers import Hit, HitDocument

_TAG_FIELDS = ("content_type", "topic")
_OWN_PLACE = frozenset(
    {"id", "object_type", "title", "author", "created_at", "updated_at"}
    | {"allowed_users", "allowed_groups"}
)
"""Fields that have a place of their own in a document."""


def datasource(connector: ConnectorConfiguration) -> JsonObject:
    """Write a connector as a CustomDatasourceConfig; `homeUrl` is our mark on it."""
    return {
        "name": connector.datasource,
        "displayName": connector.connector_name,
        "datasourceCategory": connector.category,
        "homeUrl": connector.home_url,
        "urlRegex": f"^{re.escape(connector.url_prefix)}[a-z0-9]+$",
        "objectDefinitions": [
            {"name": each.name, "docCategory": each.category} for each in connector.object_types
        ],
        "isTestDatasource": connector.is_test,
        "isUserReferencedByEmail": True,
    }


def document(record: Record, connector: ConnectorConfiguration, act_as: str) -> dict[str, Any]:
    """Write a record as a document; a record without a text becomes its fields, line by line."""
    record_id = str(record["id"]).lower()
    written: dict[str, Any] = {
        "datasource": connector.datasource,
        "objectType": str(record.get("object_type") or connector.object_types[0].name),
        "id": record_id,
        "title": str(record.get("title") or record_id),
        "viewURL": connector.url_prefix + record_id,
        "body": {"mimeType": "text/plain", "textContent": _text(record)},
        "permissions": _permissions(record, connector.permissions, act_as),
    }
    optional = {
        "createdAt": _epoch_seconds(record.get("created_at")),
        "updatedAt": _epoch_seconds(record.get("updated_at")),
        "author": _author(record.get("author")),
        "tags": [record[name] for name in _TAG_FIELDS if isinstance(record.get(name), str)],
    }
    written.update((name, value) for name, value in optional.items() if value)
    return written


def search_request(
    query: str, connector: ConnectorConfiguration | None = None, *, page_size: int
) -> JsonObject:
    """Write a search of one connector's documents, or of all, by the words as they stand."""
    only = {"datasourcesFilter": [connector.datasource]} if connector else {}
    return {
        "query": query,
        "pageSize": page_size,
        "disableSpellcheck": True,
        "requestOptions": {"facetBucketSize": 1, **only},
    }


def record_id(hit: Hit, connector: ConnectorConfiguration) -> str:
    """Tell which record a search hit is; a document that is not ours keeps its own id."""
    found = hit.document or HitDocument()
    for url in (hit.url, found.url):
        if url.startswith(connector.url_prefix):
            return url.removeprefix(connector.url_prefix)
    return found.id or hit.url


def _text(record: Record) -> str:
    body = record.get("body")
    if isinstance(body, str):
        return body
    rest = ((name, value) for name, value in record.items() if name not in _OWN_PLACE)
    return "\n".join(f"{name}: {value}" for name, value in rest if isinstance(value, str | int))


def _permissions(record: Record, readers: Readers, act_as: str) -> dict[str, Any]:
    """A test datasource is read by its whole test group; otherwise by whom the record names.

    Of listed readers our own test user is always one: it runs the sample queries.
    """
    if readers is Readers.TEST_GROUP:
        return {"allowAnonymousAccess": True}
    users = _strings(record.get("allowed_users"))
    if readers is Readers.LISTED and act_as and act_as not in users:
        users.append(act_as)
    return {
        "allowedUsers": [{"email": each} for each in users],
        "allowedGroups": _strings(record.get("allowed_groups")),
    }


def _strings(value: Json) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _author(author: Json) -> dict[str, str] | None:
    if not isinstance(author, str) or not author:
        return None
    return {"email" if "@" in author else "name": author}


def _epoch_seconds(moment: Json) -> int | None:
    """Whole epoch seconds, UTC unless it says otherwise; the schema check finds what is no time."""
    if isinstance(moment, int):
        return moment
    try:
        read = datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        return None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
