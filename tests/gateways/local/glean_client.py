"""A caller of the local Glean: the shortest way to each endpoint, with nothing hidden."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette

INDEXING_TOKEN = "indexing-token"
CLIENT_TOKEN = "client-token"
ADA = "ada@example.com"

INDEXING = {"authorization": f"Bearer {INDEXING_TOKEN}"}
CLIENT = {"authorization": f"Bearer {CLIENT_TOKEN}", "x-glean-actas": ADA}
JSON = "application/json; charset=UTF-8"


class Clock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def document(name: str, **fields: Any) -> dict[str, Any]:
    """A document that anybody may read and that is indexed."""
    return {
        "datasource": "acme",
        "objectType": "Page",
        "id": name,
        "title": f"Title of {name}",
        "viewURL": f"https://records.example.com/{name}",
        "body": {"mimeType": "text/plain", "textContent": f"text of {name}"},
        "permissions": {"allowAnonymousAccess": True},
    } | fields


class GleanCaller:
    """One tenant, called over HTTP."""

    def __init__(self, http: httpx.AsyncClient, app: Starlette) -> None:
        self.http = http
        self.app = app

    async def index(self, path: str, body: Any = None) -> httpx.Response:
        """Call the Indexing API."""
        return await self.http.post(f"/api/index/v1/{path}", json=body, headers=INDEXING)

    async def declare(self, name: str = "acme", **fields: Any) -> httpx.Response:
        """Declare a datasource with one object type and let Ada in."""
        config = {
            "name": name,
            "displayName": "ACME-sandbox-confluence",
            "datasourceCategory": "KNOWLEDGE_HUB",
            "urlRegex": r"^https://records\.example\.com/.*",
            "objectDefinitions": [{"name": "Page", "docCategory": "KNOWLEDGE_HUB"}],
        }
        answer = await self.index("adddatasource", config | fields)
        await self.index("betausers", {"datasource": name, "emails": [ADA]})
        return answer

    async def bulk(
        self, documents: Sequence[dict[str, Any]], upload_id: str = "upload", /, **flags: bool
    ) -> httpx.Response:
        """One page of a bulk upload; without flags it is the first and the last."""
        body = {"uploadId": upload_id, "datasource": "acme", "documents": list(documents)}
        pages = flags or {"isFirstPage": True, "isLastPage": True}
        return await self.index("bulkindexdocuments", body | pages)

    async def search(self, query: str, *, acting: str = ADA, **body: Any) -> httpx.Response:
        """Search the one datasource as a person."""
        options = {"facetBucketSize": 1, "datasourcesFilter": ["acme"]}
        return await self.http.post(
            "/rest/api/v1/search",
            json={"query": query, "requestOptions": options} | body,
            headers=CLIENT | {"x-glean-actas": acting},
        )

    async def found(self, query: str, *, acting: str = ADA, **body: Any) -> list[str]:
        """The last parts of the addresses a search finds, best first."""
        answer = await self.search(query, acting=acting, **body)
        return [result["url"].rpartition("/")[2] for result in answer.json()["results"]]

    async def status(self) -> dict[str, Any]:
        """What the debug status says."""
        answer = await self.index("debug/acme/status")
        told: dict[str, Any] = answer.json()
        return told

    async def counts(self) -> tuple[int, int]:
        """How many documents are uploaded and how many indexed."""
        counts = (await self.status())["documents"]["counts"]
        return (
            sum(each["count"] for each in counts["uploaded"]),
            sum(each["count"] for each in counts["indexed"]),
        )


@asynccontextmanager
async def calling(app: Starlette) -> AsyncIterator[GleanCaller]:
    """Call an application in this process, and close it in the end."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://glean") as http,
    ):
        yield GleanCaller(http, app)
