"""Problems: our errors as RFC 9457 details, field by field where an input is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from domain.errors import (
    Conflict,
    DataOpsError,
    DuplicateDataset,
    FieldError,
    IllegalTransition,
    InvalidInput,
    NotAllowed,
    NotFound,
    RequestRejected,
    SupplierRefused,
    SupplierUnavailable,
    TemplateNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from starlette.requests import Request

PROBLEM = "application/problem+json"
"""The media type of a problem."""

Endpoint = Callable[["Request"], Awaitable[Response]]

STATUS_OF: dict[type[DataOpsError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    TemplateNotFound: HTTPStatus.NOT_FOUND,
    DuplicateDataset: HTTPStatus.CONFLICT,
    IllegalTransition: HTTPStatus.CONFLICT,
    NotAllowed: HTTPStatus.FORBIDDEN,
    RequestRejected: HTTPStatus.BAD_REQUEST,
    Conflict: HTTPStatus.CONFLICT,
    SupplierUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    SupplierRefused: HTTPStatus.BAD_GATEWAY,
}
"""The status each kind of error is answered with; the first kind that fits counts."""


def status_of(error: DataOpsError) -> HTTPStatus:
    """Tell the status an error is answered with; an unknown kind is ours to mend, and so 500."""
    fitting = (status for kind, status in STATUS_OF.items() if isinstance(error, kind))
    return next(fitting, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_of(error: DataOpsError) -> Response:
    """Answer with an error: its status, its message, and the fields that are wrong."""
    status = status_of(error)
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": str(error),
    }
    if isinstance(error, InvalidInput):
        content["errors"] = [asdict(each) for each in error.errors]
    return JSONResponse(content, status, _headers(error), media_type=PROBLEM)


def answering(act: Endpoint) -> Endpoint:
    """Let an endpoint raise our errors; whoever asks gets the problem."""

    @wraps(act)
    async def answer(request: Request) -> Response:
        try:
            return await act(request)
        except DataOpsError as error:
            return problem_of(error)

    return answer


def whole_number(query: Mapping[str, str], name: str, default: int, *, least: int = 0) -> int:
    """Read a whole number from a query. Raises InvalidInput for anything else or less."""
    given = query.get(name, "")
    if given == "":
        return default
    if not given.isascii() or not given.isdecimal() or len(given) > 18 or int(given) < least:  # noqa: PLR2004 - what a 64-bit column holds
        raise wrong_field(name, f"must be a whole number from {least}, not {given!r}")
    return int(given)


def choice(query: Mapping[str, str], name: str, kind: type[StrEnum]) -> Any:
    """Read one of an enum's values, in either case, or None. Raises InvalidInput."""
    given = query.get(name, "").lower()
    if not given:
        return None
    known = [each.value for each in kind]
    if given not in known:
        raise wrong_field(name, f"must be one of {', '.join(known)}, not {given!r}")
    return kind(given)


def wrong_field(name: str, message: str) -> InvalidInput:
    """Speak of one wrong parameter."""
    return InvalidInput(f"Parameter {name} {message}.", [FieldError(name, message)])


def _headers(error: DataOpsError) -> dict[str, str]:
    if isinstance(error, SupplierUnavailable) and error.retry_after is not None:
        return {"Retry-After": str(max(1, round(error.retry_after.total_seconds())))}
    return {}
