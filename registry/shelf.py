"""Registered templates in SQL: a version once written stays as it is, the highest is current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from domain.errors import RequestRejected
from domain.keeping import RegisteredTemplate, order_of
from registry.audit import write_word
from registry.catalogue_tables import registered_templates
from registry.dialect import insert_once
from registry.templates import fingerprint_of, templates_by_fingerprint, write_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import CursorResult, Row

    from domain.commands import Principal
    from domain.template import DatasetTemplate
    from registry.database import Database, Session

_r = registered_templates.c

_ALL = select(_r.key, _r.version, _r.fingerprint).where(_r.tenant == bindparam("of_tenant"))

_ONE = select(registered_templates).where(
    _r.tenant == bindparam("of_tenant"),
    _r.key == bindparam("of_key"),
    _r.version == bindparam("of_version"),
)


class SqlTemplateShelf:
    """The template shelf's port on the registry's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, principal: Principal, template: DatasetTemplate, /) -> RegisteredTemplate:
        """Register a template, and write down who did; or find it registered.

        Raises:
            RequestRejected: its key and version are registered with other content.
        """
        async with self._database.writing(principal.tenant) as session:
            fingerprint = fingerprint_of(template)
            await write_template(session, fingerprint, template)
            row = {
                "tenant": principal.tenant,
                "key": template.key,
                "version": template.version,
                "fingerprint": fingerprint,
                "registered_at": self._database.clock(),
                "registered_by": principal.subject,
            }
            once = insert_once(session.dialect, registered_templates)
            written = await session.connection.execute(once, row)
            if written.rowcount:
                detail = {"version": template.version, "fingerprint": fingerprint}
                await write_word(session, principal, "template", template.key, detail)
            found = (await _asked(session, template)).one()
            return await _registered(session, template, found, was_there=written.rowcount == 0)

    async def look(self, tenant: str, template: DatasetTemplate, /) -> RegisteredTemplate | None:
        """Tell how a template is registered, None where it is not; nothing is written.

        Raises:
            RequestRejected: its key and version are registered with other content.
        """
        async with self._database.reading(tenant) as session:
            row = (await _asked(session, template)).one_or_none()
            if row is None:
                return None
            return await _registered(session, template, row, was_there=True)

    async def current(self, tenant: str, /) -> Sequence[DatasetTemplate]:
        """Give each registered template in its highest version, by key."""
        async with self._database.reading(tenant) as session:
            rows = (await session.connection.execute(_ALL, {"of_tenant": tenant})).all()
            highest = {
                each.key: each for each in sorted(rows, key=lambda row: order_of(row.version))
            }
            wanted = {key: each.fingerprint for key, each in sorted(highest.items())}
            known = await templates_by_fingerprint(session, wanted.values())
        return [known[each] for each in wanted.values()]


async def _asked(session: Session, template: DatasetTemplate) -> CursorResult[Any]:
    """Read what stands under a template's key and version, which somebody else may have written."""
    asked = {
        "of_tenant": session.tenant,
        "of_key": template.key,
        "of_version": template.version,
    }
    return await session.connection.execute(_ONE, asked)


async def _registered(
    session: Session, template: DatasetTemplate, row: Row[Any], *, was_there: bool
) -> RegisteredTemplate:
    """Compare a template with what stands there."""
    kept = (await templates_by_fingerprint(session, [row.fingerprint]))[row.fingerprint]
    if kept != template:
        raise RequestRejected(
            f"Template {template.key} {template.version} is registered with other content, by "
            f"{row.registered_by}. What a version says never changes: give yours a higher version."
        )
    return RegisteredTemplate(kept, row.registered_at, row.registered_by, was_there)
