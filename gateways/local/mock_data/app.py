"""The application: the supplier's calls; all it keeps is what was said of its templates."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, model_validator
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateways.local.mock_data.feedback import FeedbackBook
from gateways.local.mock_data.records import records
from gateways.local.mock_data.templates import Template, all_templates
from gateways.local.problems import Problem, answer_problem, body_of

_SAMPLE_RECORDS = 20
_SAMPLE_SEED = 0
_PAGE = 50

_PAGES_KEPT = 256
"""How many pages are remembered, about 75 KB each; the records are a pure function."""
_LINES = "application/x-ndjson"


class Generation(BaseModel):
    """What to generate; a page of it where `offset` or `limit` is given."""

    model_config = ConfigDict(extra="forbid")

    template_id: str
    record_count: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, le=2**63)]
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _offset_lies_inside(self) -> Self:
        if self.offset > self.record_count:
            raise ValueError("offset lies behind the last record")
        return self

    def stop(self) -> int:
        """The index behind the last record of the page."""
        if self.limit is None:
            return self.record_count
        return min(self.offset + self.limit, self.record_count)


Feedback = RootModel[dict[str, JsonValue]]


def create_app(database: Path | None = None) -> Starlette:
    """The supplier of templates and mock data; feedback goes to one SQLite file (`None`: memory).

    The application closes its file at the end of its lifespan.
    """
    book = FeedbackBook(database)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        book.close()

    return Starlette(
        routes=[
            Route("/templates", _list_all, methods=["GET"]),
            Route("/templates/{template_id}/feedback", partial(_show, book), methods=["GET"]),
            Route("/templates/{industry}/{use_case}", _list_some, methods=["GET"]),
            Route("/templates/{template_id}/feedback", partial(_take, book), methods=["POST"]),
            Route("/mock-data/{template_id}", _show_sample, methods=["GET"]),
            Route("/generate-mock-data", _generate, methods=["POST"]),
        ],
        exception_handlers={Problem: answer_problem, HTTPException: answer_problem},
        lifespan=lifespan,
    )


async def _list_all(_: Request) -> Response:
    return JSONResponse([each.published for each in all_templates().values()])


async def _list_some(request: Request) -> Response:
    industry, use_case = request.path_params["industry"], request.path_params["use_case"]
    found = [
        each.published
        for each in all_templates().values()
        if (each.industry, each.use_case) == (industry, use_case)
    ]
    if not found:
        raise Problem(404, f"there is no template for {industry} and {use_case}")
    return JSONResponse(found)


async def _show_sample(request: Request) -> Response:
    template = _template(request.path_params["template_id"])
    sample = list(records(template, _SAMPLE_SEED, 0, _SAMPLE_RECORDS))
    return JSONResponse({"template_id": template.template_id, "records": sample})


async def _generate(request: Request) -> Response:
    asked = await body_of(request, Generation)
    template = _template(asked.template_id)
    if asked.record_count > template.most_records:
        message = f"at most {template.most_records} records for this template"
        raise Problem(422, message, {"field": "record_count", "message": message})
    pages = _pages(template, asked)
    if _LINES in request.headers.get("accept", ""):
        return StreamingResponse(pages, media_type=_LINES)
    generated = [json.loads(line) async for page in pages for line in page.splitlines()]
    return JSONResponse(_echo(asked) | {"records": generated})


async def _take(book: FeedbackBook, request: Request) -> Response:
    template = _template(request.path_params["template_id"])
    said = await body_of(request, Feedback)
    book.take(template.template_id, said.root)
    return Response(status_code=202)


async def _show(book: FeedbackBook, request: Request) -> Response:
    return JSONResponse(book.of(_template(request.path_params["template_id"]).template_id))


async def _pages(template: Template, asked: Generation) -> AsyncIterator[bytes]:
    """Page by page as JSON Lines, with a breath between, so that others are served meanwhile."""
    stop = asked.stop()
    for start in range(asked.offset, stop, _PAGE):
        yield _page(template.template_id, asked.seed, start, min(start + _PAGE, stop))
        await asyncio.sleep(0)


@lru_cache(maxsize=_PAGES_KEPT)
def _page(template_id: str, seed: int, start: int, stop: int) -> bytes:
    """Make a page, or give it again: whoever uploads records soon has them made anew to check."""
    made = records(_template(template_id), seed, start, stop)
    return b"".join(to_json(record) + b"\n" for record in made)


def _echo(asked: Generation) -> dict[str, Any]:
    return asked.model_dump(include={"template_id", "record_count", "seed"})


def _template(template_id: str) -> Template:
    found = all_templates().get(template_id)
    if found is None:
        raise Problem(404, f"there is no template {template_id}")
    return found
