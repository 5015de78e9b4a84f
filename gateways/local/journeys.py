"""Journey Orchestration, played: clients, their journeys, the stage each has reached."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
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
_ONE = _JOURNEY + " WHERE :ref IN (journey.ref, journey_id)"
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
