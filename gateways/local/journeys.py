"""Journey Orchestration, played: clients, their journeys, the stage each has reached."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.local.problems import Problem, answer_problem, body_of, invalid
from gateways.local.sqlite import SqliteStore

_SCHEMA = """
CREATE TABLE IF NOT EXISTS client (
    client_id TEXT PRIMARY KEY, ref TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    code TEXT NOT NULL COLLATE NOCASE UNIQUE, industry TEXT NOT NULL, use_case TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journey (
    number INTEGER PRIMARY KEY, journey_id TEXT NOT NULL UNIQUE, ref TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES client, stage TEXT NOT NULL, introduced_at TEXT NOT NULL,
    completed_at TEXT
);
"""
_JOURNEY = """
SELECT number, journey_id, journey.ref, stage, completed_at, client.client_id,
    client.ref AS client_ref, name, code, industry, use_case
FROM journey JOIN client USING (client_id)
"""
_ONE = _JOURNEY + " WHERE journey.ref = :ref OR journey_id = :ref"
_SOME = (
    _JOURNEY
    + " WHERE number > :after AND (:status = '' OR (completed_at IS NULL) = (:status = 'active'))"
    " ORDER BY number LIMIT :limit"
)

Ref = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,99}$")]
Stage = Literal["sandbox", "pilot", "production"]


class ClientIntroduced(BaseModel):
    """A client; its `code` begins the names of its connectors."""

    model_config = ConfigDict(extra="forbid")

    ref: Ref
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    industry: Word
    use_case: Word


class JourneyIntroduced(BaseModel):
    """A journey of a client, at the stage where it begins."""

    model_config = ConfigDict(extra="forbid")

    ref: Ref
    stage: Stage = "sandbox"
    client: ClientIntroduced


class StageReached(BaseModel):
    """The stage a journey moves to."""

    model_config = ConfigDict(extra="forbid")

    stage: Stage


class Listing(BaseModel):
    """Which journeys to list, and from where on."""

    status: Literal["", "active", "completed"] = ""
    page_token: Annotated[int, Field(ge=0)] = 0
    page_size: Annotated[int, Field(ge=1, le=1000)] = 100


ACME = JourneyIntroduced(
    ref="journey-acme-2026",
    stage="sandbox",
    client=ClientIntroduced(
        ref="acme-healthcare",
        name="ACME Healthcare",
        code="ACME",
        industry="healthcare",
        use_case="developer_productivity",
    ),
)
"""The one journey that is known from the start."""


def create_app(database: Path | None, *, clock: Callable[[], datetime]) -> Starlette:
    """Journey Orchestration over one SQLite file (`None`: memory), shared by several processes.

    The application closes its file at the end of its lifespan; whoever mounts it, and so runs no
    lifespan of it, awaits `app.state.aclose()`.
    """
    book = _Book(SqliteStore(database, _SCHEMA), clock)
    if not book.knows(ACME.ref):
        book.introduce(ACME)

    async def aclose() -> None:
        book.store.close()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await aclose()

    app = Starlette(
        routes=[
            Route("/journeys", partial(_list, book), methods=["GET"]),
            Route("/journeys", partial(_introduce, book), methods=["POST"]),
            Route("/journeys/{ref}", partial(_show, book), methods=["GET"]),
            Route("/journeys/{ref}/complete", partial(_complete, book), methods=["POST"]),
            Route("/journeys/{ref}/stage", partial(_move, book), methods=["PUT"]),
        ],
        exception_handlers={Problem: answer_problem, HTTPException: answer_problem},
        lifespan=lifespan,
    )
    app.state.aclose = aclose
    return app


class _Book:
    """The clients and journeys that were introduced."""

    def __init__(self, store: SqliteStore, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._clock = clock

    def knows(self, ref: str) -> bool:
        """Whether there is a journey with this ref or id."""
        return self.store.row(_ONE, {"ref": ref}) is not None

    def find(self, ref: str) -> sqlite3.Row:
        """The journey with this ref or id."""
        found = self.store.row(_ONE, {"ref": ref})
        if found is None:
            raise Problem(404, f"there is no journey {ref}")
        return found

    def introduce(self, asked: JourneyIntroduced) -> bool:
        """Write a journey and its client down; False when both are known just so already."""
        with self.store.transaction() as connection:
            self._introduce_client(connection, asked.client)
            known = self.store.row(_ONE, {"ref": asked.ref})
            if known is not None:
                _refuse_conflict(known, asked)
                return False
            connection.execute(
                "INSERT INTO journey (journey_id, ref, client_id, stage, introduced_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    _id_of("journeys", asked.ref),
                    asked.ref,
                    _id_of("clients", asked.client.ref),
                    asked.stage,
                    self._clock().isoformat(),
                ),
            )
        return True

    def complete(self, ref: str) -> None:
        """End a journey; ending it again changes nothing."""
        with self.store.transaction() as connection:
            connection.execute(
                "UPDATE journey SET completed_at = COALESCE(completed_at, ?) WHERE number = ?",
                (self._clock().isoformat(), self.find(ref)["number"]),
            )

    def move(self, ref: str, stage: str) -> None:
        """Let a journey reach a stage."""
        with self.store.transaction() as connection:
            journey = self.find(ref)
            if journey["completed_at"] is not None:
                raise Problem(409, f"journey {journey['ref']} is completed")
            connection.execute(
                "UPDATE journey SET stage = ? WHERE number = ?", (stage, journey["number"])
            )

    def page(self, asked: Listing) -> list[sqlite3.Row]:
        """One journey more than a page holds, where there are so many."""
        values = {
            "after": asked.page_token,
            "status": asked.status,
            "limit": asked.page_size + 1,
        }
        return self.store.rows(_SOME, values)

    def _introduce_client(self, connection: sqlite3.Connection, client: ClientIntroduced) -> None:
        values = client.model_dump()
        known = self.store.row(
            "SELECT ref, name, code, industry, use_case FROM client"
            " WHERE ref = :ref OR code = :code",
            values,
        )
        if known is None:
            connection.execute(
                "INSERT INTO client VALUES (:client_id, :ref, :name, :code, :industry, :use_case)",
                values | {"client_id": _id_of("clients", client.ref)},
            )
        elif dict(known) != values:
            raise Problem(409, f"client {known['ref']} ({known['code']}) is known otherwise")


async def _list(book: _Book, request: Request) -> Response:
    try:
        asked = Listing.model_validate(
            {name: value for name, value in request.query_params.items() if value}
        )
    except ValidationError as wrong:
        raise invalid(wrong) from wrong
    rows = book.page(asked)
    page = rows[: asked.page_size]
    token = str(page[-1]["number"]) if len(rows) > len(page) else ""
    return JSONResponse({"journeys": [_shown(row) for row in page], "next_page_token": token})


async def _introduce(book: _Book, request: Request) -> Response:
    asked = await body_of(request, JourneyIntroduced)
    is_new = book.introduce(asked)
    return JSONResponse(_shown(book.find(asked.ref)), status_code=201 if is_new else 200)


async def _show(book: _Book, request: Request) -> Response:
    return JSONResponse(_shown(book.find(request.path_params["ref"])))


async def _complete(book: _Book, request: Request) -> Response:
    book.complete(request.path_params["ref"])
    return await _show(book, request)


async def _move(book: _Book, request: Request) -> Response:
    asked = await body_of(request, StageReached)
    book.move(request.path_params["ref"], asked.stage)
    return await _show(book, request)


def _refuse_conflict(known: sqlite3.Row, asked: JourneyIntroduced) -> None:
    if (known["client_ref"], known["stage"]) != (asked.client.ref, asked.stage):
        raise Problem(
            409,
            f"journey {known['ref']} is known: client {known['client_ref']}, "
            f"stage {known['stage']}",
        )


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "journey_id": row["journey_id"],
        "ref": row["ref"],
        "status": "active" if row["completed_at"] is None else "completed",
        "stage": row["stage"],
        "client": {
            "client_id": row["client_id"],
            "ref": row["client_ref"],
            "name": row["name"],
            "code": row["code"],
            "industry": row["industry"],
            "use_case": row["use_case"],
        },
    }


def _id_of(collection: str, ref: str) -> str:
    """The same ref has the same id in every installation."""
    return str(uuid5(NAMESPACE_URL, f"urn:dataops-lifecycle:{collection}:{ref}"))
