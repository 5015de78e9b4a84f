"""Somebody in Glean's own console: what people do there behind our back, for the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from domain.dataset import Dataset
    from service.cli.serve import Served


class GleanAdmin:
    """Hides a page and brings it back, through the local Glean's public API."""

    def __init__(self, served: Served) -> None:
        """Work in the local Glean of a served service."""
        self._served = served

    async def document_of_first_query(self, dataset: Dataset) -> str:
        """Find the page the dataset's first sample query is after."""
        content, connector = dataset.content, dataset.connector
        if content is None or connector is None:
            message = f"{dataset.name} has no content to break."
            raise RuntimeError(message)
        query = content.queries[0]
        options = {"facetBucketSize": 1, "datasourcesFilter": [connector.datasource]}
        search = {"query": query.query, "pageSize": 10, "requestOptions": options}
        found = await self._call("/rest/api/v1/search", search)
        for each in found["results"]:
            if each["url"].endswith(f"/{query.expected_id}"):
                return str(each["document"]["id"])
        message = f"{query.query!r} does not find {query.expected_id}."
        raise RuntimeError(message)

    async def override(self, document: str, override: str) -> None:
        """Set a page's visibility: HIDE_FROM_ALL, or NONE to bring it back."""
        path = "/rest/api/v1/governance/documents/visibilityoverrides"
        await self._call(path, {"visibilityOverrides": [{"docId": document, "override": override}]})

    async def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        service = self._served.service
        headers = {
            "Authorization": f"Bearer {service.stand_ins.client_token}",
            "X-Glean-ActAs": service.settings.glean_act_as,
        }
        async with httpx.AsyncClient(base_url=self._served.url, trust_env=False) as client:
            answer = await client.post(f"/glean{path}", json=body, headers=headers)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
