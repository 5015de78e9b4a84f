"""Problems: our errors as RFC 9457 details, field by field where an input is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response

from domain.errors import (
    Conflict,
    DataOpsError,
    DuplicateDataset,
    FieldError,
    IllegalTransition,
    InvalidInput,
    NotAllowed,
    NotFound,
    RegistryUnavailable,
    RequestRejected,
    SupplierRefused,
    SupplierUnavailable,
    TemplateNotFound,
)
from protocol.problems import problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from starlette.exceptions import HTTPException
    from starlette.requests import Request

LARGEST_NUMBER = 2**63 - 1
"""The largest number of a query: what a 64-bit column holds."""

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
    RegistryUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
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
    more = {}
    if isinstance(error, InvalidInput):
        more["errors"] = [asdict(each) for each in error.errors]
    return problem(status, str(error), _headers(error), **more)


async def answer_http(request: Request, error: Exception) -> Response:
    """Answer for what no route takes: an unknown path, or a method it does not know."""
    found = cast("HTTPException", error)
    told = _TOLD.get(found.status_code, found.detail)
    detail = f"{request.method} {request.url.path}: {told}"
    return problem(found.status_code, detail, found.headers)


def answering(act: Endpoint) -> Endpoint:
    """Let an endpoint raise our errors; whoever asks gets the problem."""

    @wraps(act)
    async def answer(request: Request) -> Response:
        try:
            return await act(request)
        except DataOpsError as error:
            return problem_of(error)

    return answer


def whole_number(
    query: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = LARGEST_NUMBER
) -> int:
    """Read a whole number from a query. Raises InvalidInput for anything else, less or more."""
    given = query.get(name, "")
    if given == "":
        return default
    is_number = given.isascii() and given.isdecimal() and len(given) <= len(str(LARGEST_NUMBER))
    if not is_number or not least <= int(given) <= most:
        raise wrong_field(name, f"must be a whole number from {least} to {most}, not {given!r}")
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


_TOLD: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "there is nothing there; /llms.txt tells where to begin.",
    HTTPStatus.METHOD_NOT_ALLOWED: "this method is not taken there; the header Allow says what is.",
}


def _headers(error: DataOpsError) -> dict[str, str]:
    if isinstance(error, SupplierUnavailable) and error.retry_after is not None:
        return {"Retry-After": str(max(1, round(error.retry_after.total_seconds())))}
    return {}
