"""Answers as Glean gives them: exact status, exact content type, an empty body for a write."""

import json
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from gateways.local.glean.tenant import Refusal, Tenant

JSON = "application/json; charset=UTF-8"
"""Clients of the debug endpoints compare this text letter by letter."""

Answer = Mapping[str, Any] | None
Endpoint = Callable[[Request], Awaitable[Response]]
Body = TypeVar("Body", bound=BaseModel)


def indexing(
    tenant: Tenant, path: str, model: type[Body], action: Callable[[Tenant, Body], Answer]
) -> Endpoint:
    """An Indexing API endpoint: its own kind of token, a checked body, errors as plain text."""

    async def endpoint(request: Request) -> Response:
        try:
            admit_indexing(tenant, request, path)
            return answer(action(tenant, parsed(model, await request.body())))
        except Refusal as refusal:
            return plain(refusal)

    return endpoint


def admit_indexing(tenant: Tenant, request: Request, path: str) -> None:
    """Let an indexing token through, within the limits.

    Raises:
        Refusal: 401 without a known token, 403 with the wrong kind, 429 past the limit.
    """
    _check_token(request, tenant.indexing_token, other=tenant.client_token)
    spend(tenant, path)


def admit_client(tenant: Tenant, request: Request, path: str) -> str:
    """Let a client token through and answer for whom it acts, in lower case.

    Raises:
        Refusal: 400 without `X-Glean-ActAs`, and as for indexing.
    """
    _check_token(request, tenant.client_token, other=tenant.indexing_token)
    spend(tenant, path)
    user = request.headers.get("x-glean-actas", "").strip().lower()
    if not user:
        raise Refusal(400, "a global token needs the header X-Glean-ActAs")
    return user


def spend(tenant: Tenant, path: str, cost: int = 1) -> None:
    """Count the call against the published limit.

    Raises:
        Refusal: 429, with the whole seconds to wait.
    """
    wait_seconds = tenant.limits.wait_for(path, cost)
    if wait_seconds:
        raise Refusal(429, "rate limit exceeded", retry_after=str(wait_seconds))


def parsed(model: type[Body], body: bytes) -> Body:
    """The body as its model; no body is an empty one.

    Raises:
        Refusal: 400, naming each field that is wrong.
    """
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as wrong:
        found = (
            f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}"
            for each in wrong.errors(include_url=False, include_context=False)
        )
        raise Refusal(400, "; ".join(found)) from wrong


def answer(content: Answer) -> Response:
    """200: JSON under the exact content type, or nothing at all."""
    if content is None:
        return Response(status_code=200)
    return Response(_dumped(content), headers={"content-type": JSON})


def plain(refusal: Refusal) -> Response:
    """The Indexing API's errors."""
    return Response(
        refusal.message.encode(errors="replace"),
        status_code=refusal.status,
        headers={"content-type": "text/plain; charset=utf-8"} | _retry_after(refusal),
    )


def glean_error(refusal: Refusal) -> Response:
    """The Client API's errors."""
    return Response(
        _dumped({"errorMessages": [{"errorMessage": refusal.message}]}),
        status_code=refusal.status,
        headers={"content-type": JSON} | _retry_after(refusal),
    )


_PROBLEM_CODES = {
    400: "invalid_request",
    401: "authentication_required",
    403: "insufficient_permissions",
    429: "rate_limit_exceeded",
}


def problem(refusal: Refusal) -> Response:
    """The platform API's errors: RFC 9457 with a code."""
    code = refusal.code or _PROBLEM_CODES[refusal.status]
    content = {
        "type": "about:blank",
        "title": code.replace("_", " ").capitalize(),
        "status": refusal.status,
        "detail": refusal.message,
        "code": code,
        "request_id": uuid4().hex,
    }
    return Response(
        _dumped(content),
        status_code=refusal.status,
        headers={"content-type": "application/problem+json"} | _retry_after(refusal),
    )


def _check_token(request: Request, expected: str, *, other: str) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "a bearer token is required")
    if compare_digest(token.encode(), expected.encode()):
        return
    if compare_digest(token.encode(), other.encode()):
        raise Refusal(403, "indexing tokens and client tokens are not interchangeable")
    raise Refusal(401, "the token is not known, or no longer")


def _dumped(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _retry_after(refusal: Refusal) -> dict[str, str]:
    return {} if refusal.retry_after is None else {"retry-after": refusal.retry_after}
