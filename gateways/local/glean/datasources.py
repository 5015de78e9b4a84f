"""Datasources: declared by an upsert, seen by nobody until testers or everybody are let in."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateways.local.glean.answers import Answer, Endpoint, admit_indexing, answer, parsed, plain
from gateways.local.glean.tenant import Refusal, Tenant
from gateways.local.glean.wire import BetaUsers, DatasourceConfig, DatasourceReference, ProcessAll

_PROCESS_ALL_SECONDS = 3 * 3600


def add_datasource(tenant: Tenant) -> Endpoint:
    """`/adddatasource`: keep the configuration as sent; an existing one is overwritten silently."""

    async def endpoint(request: Request) -> Response:
        try:
            admit_indexing(tenant, request, "/adddatasource")
            body = await request.body()
            config = parsed(DatasourceConfig, body)
        except Refusal as refusal:
            return plain(refusal)
        with tenant.store.transaction() as connection:
            connection.execute(
                "INSERT INTO datasource (name, config) VALUES (:name, :config)"
                " ON CONFLICT (name) DO UPDATE SET config = excluded.config",
                {"name": config.name.lower(), "config": json.dumps(json.loads(body))},
            )
        return answer(None)

    return endpoint


def get_datasource_config(tenant: Tenant, asked: DatasourceReference) -> Answer:
    """`/getdatasourceconfig`: the configuration; some tenants put `CUSTOM_` before the name."""
    config = config_of(tenant, asked.datasource)
    if tenant.custom_prefix:
        return {**config, "name": f"CUSTOM_{config['name'].upper()}"}
    return config


def authorize_beta_users(tenant: Tenant, asked: BetaUsers) -> None:
    """`/betausers`: show the datasource to these people, and to those named before."""
    name = known(tenant, asked.datasource)
    with tenant.store.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO tester (datasource, email) VALUES (?, ?)",
            [(name, email.strip().lower()) for email in asked.emails],
        )
        connection.execute(
            "UPDATE datasource SET visibility = 'ENABLED_FOR_TEST_GROUP'"
            " WHERE name = ? AND visibility = 'NOT_ENABLED'",
            (name,),
        )


def process_all(tenant: Tenant, asked: ProcessAll) -> None:
    """`/processalldocuments`: once in three hours for each datasource.

    Raises:
        Refusal: 429 when it was asked for less than three hours ago.
    """
    name = "" if asked.datasource is None else known(tenant, asked.datasource)
    with tenant.store.transaction() as connection:
        since = tenant.now() - _PROCESS_ALL_SECONDS
        sql = "SELECT 1 FROM processing WHERE datasource = ? AND started_at > ?"
        if connection.execute(sql, (name, since)).fetchone():
            raise Refusal(429, "processalldocuments runs once in three hours for a datasource")
        connection.execute("INSERT INTO processing VALUES (?, ?)", (name, tenant.now()))


def set_visibility(tenant: Tenant, datasource: str, visibility: str) -> None:
    """What an administrator does in the console: let everybody in, some, or nobody."""
    name = known(tenant, datasource)
    with tenant.store.transaction() as connection:
        connection.execute(
            "UPDATE datasource SET visibility = ? WHERE name = ?", (visibility, name)
        )


def visible_to(tenant: Tenant, user: str) -> list[str]:
    """The datasources a person sees, in lower case and sorted."""
    found = tenant.store.rows(
        "SELECT name FROM datasource WHERE visibility = 'ENABLED_FOR_ALL' OR ("
        " visibility = 'ENABLED_FOR_TEST_GROUP' AND EXISTS ("
        "  SELECT 1 FROM tester WHERE datasource = name AND email = :user)) ORDER BY name",
        {"user": user},
    )
    return [row["name"] for row in found]


def known(tenant: Tenant, datasource: str) -> str:
    """The datasource's name in lower case.

    Raises:
        Refusal: 400 when nobody declared it.
    """
    return str(_row(tenant, datasource)["name"])


def config_of(tenant: Tenant, datasource: str) -> dict[str, Any]:
    """The configuration as it was sent.

    Raises:
        Refusal: 400 when nobody declared it.
    """
    config: dict[str, Any] = json.loads(_row(tenant, datasource)["config"])
    return config


def declared_types(config: Mapping[str, Any]) -> frozenset[str]:
    """The object types a configuration declares."""
    return frozenset(each["name"] for each in config.get("objectDefinitions") or ())


def visibility_of(tenant: Tenant, datasource: str) -> str:
    """NOT_ENABLED, ENABLED_FOR_TEST_GROUP or ENABLED_FOR_ALL."""
    return str(_row(tenant, datasource)["visibility"])


def _row(tenant: Tenant, datasource: str) -> sqlite3.Row:
    found = tenant.store.row(
        "SELECT * FROM datasource WHERE name = :name",
        {"name": datasource.lower().removeprefix("custom_")},
    )
    if found is None:
        raise Refusal(400, f"datasource {datasource} does not exist")
    return found
