"""The JSON API under /api/v1: what is so, what happened, and what there is to choose from."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.approvals import ApprovalStatus
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.repository import DatasetFilter
from service.audit_api import audit_routes
from service.batches import BATCH
from service.catalogue_api import catalogue_endpoints
from service.openapi import openapi_document
from service.operations import LARGEST_PAGE, MOST_PREVIEWED
from service.problems import answering, choice, whole_number
from service.publishing import cloud_event
from service.sources import principal_of
from service.success import success_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from starlette.requests import Request

    from service.sources import ConsoleSources

PREFIX = "/api/v1"
"""Where this version of the API lives."""

_PREVIEWED = 10


def api_routes(sources: ConsoleSources) -> list[BaseRoute]:
    """Give the API's routes and its OpenAPI document."""
    api = _Api(sources)
    endpoints = {
        "/datasets": api.datasets,
        "/datasets/{dataset}": api.dataset,
        "/datasets/{dataset}/quality": api.quality,
        "/datasets/{dataset}/events": api.dataset_events,
        "/datasets/{dataset}/archive": api.archive,
        "/approvals": api.approvals,
        "/archives": api.archives,
        "/archives/{dataset}": api.archive_shown,
        "/archives/{dataset}/content": api.archive_content,
        "/events": api.events,
        "/templates": api.templates,
        "/templates/{template}": api.template,
        "/templates/{template}/preview": api.preview,
        "/templates/{industry}/{use_case}": api.templates_for,
        "/agents": api.agents,
        **catalogue_endpoints(sources.catalogue),
        "/metrics": api.metrics,
    }
    routes: list[BaseRoute] = [
        Route(f"{PREFIX}{path}", answering(act), methods=["GET"]) for path, act in endpoints.items()
    ]
    routes += audit_routes(sources, PREFIX)
    return [*routes, Route("/openapi.json", api.document, methods=["GET"])]


def filter_of(query: Mapping[str, str]) -> DatasetFilter:
    """Read which datasets are wanted from a query. Raises InvalidInput."""
    return DatasetFilter(
        journey=query.get("journey") or None,
        client=query.get("client") or None,
        stage=choice(query, "stage", JourneyStage),
        status=choice(query, "status", DatasetStatus),
    )


class _Api:
    """The endpoints; each answers for the tenant of whoever asks."""

    def __init__(self, sources: ConsoleSources) -> None:
        self._from = sources

    async def datasets(self, request: Request) -> Response:
        """List datasets, newest first, a page at a time."""
        query = request.query_params
        size = whole_number(query, "page_size", 50, least=1, most=LARGEST_PAGE)
        token = query.get("page_token") or None
        page = await self._from.enquiries.datasets(
            principal_of(request), filter_of(query), size, token
        )
        return JSONResponse(page)

    async def dataset(self, request: Request) -> Response:
        """Show one dataset, named by id or by connector name."""
        found = await self._from.enquiries.dataset(
            principal_of(request), await self._resolve(request)
        )
        return JSONResponse(found["datasets"][0])

    async def quality(self, request: Request) -> Response:
        """Show one validation of a dataset, the last unless `run` names another."""
        run = whole_number(request.query_params, "run", 0, least=1) or None
        dataset_id = await self._resolve(request)
        return JSONResponse(
            await self._from.enquiries.quality_report(principal_of(request), dataset_id, run)
        )

    async def dataset_events(self, request: Request) -> Response:
        """List what happened to one dataset."""
        return await self._events(request, await self._resolve(request))

    async def archive(self, request: Request) -> Response:
        """Read a dataset's archive back and compare its digest."""
        dataset_id = await self._resolve(request)
        return JSONResponse(
            await self._from.enquiries.verify_archive(principal_of(request), dataset_id)
        )

    async def approvals(self, request: Request) -> Response:
        """List what waits for somebody's consent, or the approvals of a status."""
        status = choice(request.query_params, "status", ApprovalStatus)
        return JSONResponse(await self._from.enquiries.approvals(principal_of(request), status))

    async def archives(self, request: Request) -> Response:
        """List archives and tombstones, those of the newest datasets first, a page at a time."""
        query = request.query_params
        size = whole_number(query, "page_size", 50, least=1, most=LARGEST_PAGE)
        token = query.get("page_token") or None
        return JSONResponse(await self._from.enquiries.archives(principal_of(request), size, token))

    async def archive_shown(self, request: Request) -> Response:
        """Show where a dataset's archive is and how long it is kept; it is not read."""
        dataset_id = await self._resolve(request)
        return JSONResponse(await self._from.enquiries.archive(principal_of(request), dataset_id))

    async def archive_content(self, request: Request) -> Response:
        """Give an archive's bytes as they were written, with their digest beside them."""
        dataset_id = await self._resolve(request)
        content = await self._from.enquiries.archive_content(principal_of(request), dataset_id)
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        headers = {
            "Repr-Digest": f"sha-256=:{digest}:",
            "Content-Disposition": f'attachment; filename="{dataset_id}.json"',
        }
        return Response(content, media_type="application/json", headers=headers)

    async def events(self, request: Request) -> Response:
        """List what happened, in order, from behind a sequence."""
        return await self._events(request, None)

    async def templates(self, request: Request) -> Response:
        """List the templates, those that match where something is asked for."""
        wanted = request.query_params
        names = ("industry", "use_case", "dataset_type")
        asked = (wanted.get(each) or None for each in names)
        return JSONResponse(await self._from.enquiries.templates(principal_of(request), *asked))

    async def templates_for(self, request: Request) -> Response:
        """List the templates of an industry and use case, as the supplier's own call does."""
        pair = (request.path_params["industry"], request.path_params["use_case"])
        found = await self._from.enquiries.templates(principal_of(request), *pair, None)
        return JSONResponse(found)

    async def template(self, request: Request) -> Response:
        """Show one template in full."""
        key = request.path_params["template"]
        return JSONResponse(await self._from.enquiries.template(principal_of(request), key))

    async def preview(self, request: Request) -> Response:
        """Show a few of a template's sample records."""
        count = whole_number(
            request.query_params, "record_count", _PREVIEWED, least=1, most=MOST_PREVIEWED
        )
        key = request.path_params["template"]
        return JSONResponse(await self._from.enquiries.preview(principal_of(request), key, count))

    async def agents(self, request: Request) -> Response:
        """List the agents' cards."""
        del request
        return JSONResponse({"agents": list(self._from.cards())})

    async def metrics(self, request: Request) -> Response:
        """Tell where the success metrics stand."""
        figures = await self._from.figures(principal_of(request).tenant)
        return JSONResponse(success_document(figures, self._from.clock()))

    async def document(self, request: Request) -> Response:
        """Describe this API in OpenAPI 3.1."""
        del request
        return JSONResponse(openapi_document(self._from.base_url))

    async def _resolve(self, request: Request) -> UUID:
        ref = request.path_params["dataset"]
        return await self._from.enquiries.resolve(principal_of(request), ref)

    async def _events(self, request: Request, dataset_id: UUID | None) -> Response:
        query, tenant = request.query_params, principal_of(request).tenant
        after = whole_number(query, "after", 0)
        limit = whole_number(query, "limit", BATCH, least=1, most=BATCH)
        read = await self._from.registry.events(tenant, after, limit, dataset_id=dataset_id)
        shown = [cloud_event(each, self._from.base_url) for each in read]
        following = read[-1].sequence if len(read) == limit else None
        return JSONResponse({"events": shown, "next_after": following})
