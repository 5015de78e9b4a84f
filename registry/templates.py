"""Templates in SQL: every one a dataset was made from, found again by its fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select

from domain.template import DatasetTemplate
from registry.dialect import insert_once
from registry.tables import dataset_templates

if TYPE_CHECKING:
    from registry.database import Session
    from registry.rows import Values

_CODEC: TypeAdapter[DatasetTemplate] = TypeAdapter(DatasetTemplate)

_t = dataset_templates.c

_BY_FINGERPRINT = select(_t.fingerprint, _t.template).where(
    _t.tenant == bindparam("of_tenant"), _t.fingerprint.in_(bindparam("wanted", expanding=True))
)


def fingerprint_of(template: DatasetTemplate) -> str:
    """Give the SHA-256 of all of a template, its thresholds and limits included.

    The template's own `digest` covers what makes the content and nothing else.
    """
    return sha256(_CODEC.dump_json(template)).hexdigest()


async def templates_by_fingerprint(
    session: Session, wanted: Iterable[str | None]
) -> Mapping[str, DatasetTemplate]:
    """Give at least the wanted templates, from memory or else from the database."""
    known = session.database.templates
    missing = {each for each in wanted if each is not None and each not in known}
    if missing:
        asked = {"of_tenant": session.tenant, "wanted": sorted(missing)}
        for row in await session.connection.execute(_BY_FINGERPRINT, asked):
            known[row.fingerprint] = row.template
    return known


async def write_template(session: Session, fingerprint: str, template: DatasetTemplate) -> None:
    """Write a template down; one that is there already changes nothing."""
    row: Values = {
        "tenant": session.tenant,
        "fingerprint": fingerprint,
        "key": template.key,
        "version": template.version,
        "digest": template.digest,
        "template": template,
        "kept_at": session.database.clock(),
    }
    await session.connection.execute(insert_once(session.dialect, dataset_templates), row)
