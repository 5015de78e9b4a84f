"""Problems: errors of a stand-in as RFC 9457 details, field by field where a body is wrong."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Body = TypeVar("Body", bound=BaseModel)


class Problem(Exception):
    """A request that is answered with an error; `errors` has one entry a field."""

    def __init__(self, status: int, detail: str, *errors: dict[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors


async def body_of(request: Request, model: type[Body]) -> Body:
    """The request's body as its model.

    Raises:
        Problem: 422, with the fields that are wrong.
    """
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as wrong:
        raise invalid(wrong) from wrong


def invalid(wrong: ValidationError) -> Problem:
    """What pydantic found, as a problem with one error a field."""
    errors = (
        {"field": ".".join(map(str, each["loc"])), "message": each["msg"]}
        for each in wrong.errors(include_url=False, include_context=False)
    )
    return Problem(422, "the request is not valid", *errors)


def answer_problem(_: Request, problem: Exception) -> Response:
    """The application's handler for problems, and for paths and methods it does not know."""
    match problem:
        case Problem():
            return _answer(problem.status, problem.detail, problem.errors)
        case HTTPException():
            return _answer(problem.status_code, problem.detail, (), problem.headers)
        case _:
            raise problem


def _answer(
    status: int,
    detail: str,
    errors: tuple[dict[str, str], ...],
    headers: Mapping[str, str] | None = None,
) -> Response:
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        content["errors"] = list(errors)
    return JSONResponse(content, status, headers, media_type="application/problem+json")
