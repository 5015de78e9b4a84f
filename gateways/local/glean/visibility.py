"""Visibility overrides: the one reversible way to hide a document."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateways.local.glean.answers import Endpoint, admit_client, answer, glean_error, parsed
from gateways.local.glean.tenant import Refusal, Tenant
from gateways.local.glean.wire import Override, Overrides

_PATH = "/visibilityoverrides"
_KNOWN = "SELECT glean_id FROM document WHERE glean_id = ? AND superseded = 0"
_LAY = "INSERT OR REPLACE INTO override (glean_id, kind) VALUES (?, 'HIDE_FROM_ALL')"
_TAKE_OFF = "DELETE FROM override WHERE glean_id = ?"


def read(tenant: Tenant) -> Endpoint:
    """GET: what lies over each document asked for by `docIds`."""

    async def endpoint(request: Request) -> Response:
        try:
            admit_client(tenant, request, _PATH)
        except Refusal as refusal:
            return glean_error(refusal)
        asked = request.query_params.getlist("docIds")
        return answer({"visibilityOverrides": [_override(tenant, each) for each in asked]})

    return endpoint


def write(tenant: Tenant) -> Endpoint:
    """POST: hide documents from all, or show them again; one result for each."""

    async def endpoint(request: Request) -> Response:
        try:
            admit_client(tenant, request, _PATH)
            asked = parsed(Overrides, await request.body()).visibility_overrides
        except Refusal as refusal:
            return glean_error(refusal)
        return answer({"results": _lay_all(tenant, asked)})

    return endpoint


def _override(tenant: Tenant, doc_id: str) -> dict[str, str]:
    row = tenant.store.row("SELECT kind FROM override WHERE glean_id = :id", {"id": doc_id})
    return {"docId": doc_id, "override": "NONE" if row is None else row["kind"]}


def _lay_all(tenant: Tenant, asked: tuple[Override, ...]) -> list[dict[str, Any]]:
    with tenant.store.transaction() as connection:
        results = []
        for each in asked:
            result = {"docId": each.doc_id, "override": each.override, "success": False}
            if connection.execute(_KNOWN, (each.doc_id,)).fetchone() is None:
                result["errorText"] = "there is no such document"
            elif each.override not in {"HIDE_FROM_ALL", "NONE"}:
                result["errorText"] = "only HIDE_FROM_ALL and NONE are supported"
            else:
                sql = _LAY if each.override == "HIDE_FROM_ALL" else _TAKE_OFF
                connection.execute(sql, (each.doc_id,))
                result["success"] = True
            results.append(result)
    return results
