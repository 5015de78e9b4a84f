"""A connector's datasource on Glean: ours by the mark it carries, or left alone."""

from __future__ import annotations

from domain.connector import ConnectorConfiguration, Marked
from domain.errors import ConnectorNameTaken, SupplierUnavailable
from domain.record import JsonObject
from gateways.glean_api import GleanApi
from gateways.glean_documents import datasource


async def create(api: GleanApi, connector: ConnectorConfiguration) -> None:
    """Declare the datasource, or bring ours up to date, and let the test user see it.

    Glean's `adddatasource` overwrites whatever bears the name, so it is only called for what is
    absent or ours; and the mark is read again afterwards, since two may have looked at once.

    Raises:
        ConnectorNameTaken: the name belongs to a datasource without our mark.
        SupplierUnavailable: what was declared cannot be seen yet.
    """
    wanted = datasource(connector)
    if not await _is_declared(api, connector, wanted):
        await api.effect(
            api.indexing("/adddatasource", wanted), lambda: _is_declared(api, connector, wanted)
        )
        await _read_back(api, connector)
    await _let_in(api, connector)


async def why_not_ours(api: GleanApi, connector: Marked) -> str:
    """Say why a connector's documents are not ours to touch; nothing when they are."""
    found = await api.configuration(connector.datasource)
    if found is None:
        return f"Glean has no datasource {connector.datasource}: there was nothing to do."
    if not _is_ours(found, connector):
        return (
            f"Datasource {connector.datasource} does not carry our mark (its home page is "
            f"{mark_of(found)!r}), so it was left alone."
        )
    return ""


async def _is_declared(
    api: GleanApi, connector: ConnectorConfiguration, wanted: JsonObject
) -> bool:
    found = await api.configuration(connector.datasource)
    if found is not None:
        _refuse_foreign(found, connector)
    return found is not None and _agrees(found, wanted)


async def _read_back(api: GleanApi, connector: ConnectorConfiguration) -> None:
    found = await api.configuration(connector.datasource)
    if found is None:
        raise SupplierUnavailable(
            f"Glean took the declaration of datasource {connector.datasource}, for connector "
            f"{connector.connector_name}, and does not show it yet. Try again later."
        )
    _refuse_foreign(found, connector)


async def _let_in(api: GleanApi, connector: ConnectorConfiguration) -> None:
    """A new datasource is visible to nobody; its test user at least must see it."""
    if api.act_as:
        body = {"datasource": connector.datasource, "emails": [api.act_as]}
        await api.write(api.indexing("/betausers", body))


def _agrees(found: JsonObject, wanted: JsonObject) -> bool:
    """Whether a configuration says what we want; the name comes back in forms of its own."""
    return all(found.get(name) == value for name, value in wanted.items() if name != "name")


def _is_ours(found: JsonObject, connector: Marked) -> bool:
    return mark_of(found) == connector.home_url


def mark_of(found: JsonObject) -> str:
    """Give the mark a configuration carries; nothing where it carries none."""
    return str(found.get("homeUrl") or "")


def _refuse_foreign(found: JsonObject, connector: ConnectorConfiguration) -> None:
    if _is_ours(found, connector):
        return
    raise ConnectorNameTaken(
        f"Datasource {connector.datasource}, meant for connector {connector.connector_name}, "
        f"exists in Glean as {str(found.get('displayName') or '')!r} with the home page "
        f"{mark_of(found)!r}, not {connector.home_url!r}. It was left as it is. Have an "
        "administrator rename or delete it in Glean's console, or give the client another code."
    )
