"""Problems: what went wrong as RFC 9457 tells it, the same on every door."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM = "application/problem+json"
"""The media type of a problem."""


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Answer with a problem: what happened, to which thing and what to do; `more` extends it."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        **more,
    }
    return JSONResponse(content, status, headers, media_type=PROBLEM)
