"""What is at Glean under our mark, whether or not a dataset of ours still accounts for it."""

from __future__ import annotations

import re
from dataclasses import replace

from domain.connector import dataset_at
from domain.orphans import Holding
from gateways.glean_answers import FILTERS
from gateways.glean_api import GleanApi
from gateways.glean_datasource import mark_of

_PREFIX = "custom_"
"""What some tenants put before the names of datasources that were pushed."""

_OUR_FORM = re.compile(r"[a-z0-9]{0,32}[0-9a-f]{8}")
"""How the names we give are formed: a readable part, and eight hexadecimal digits."""


async def names(api: GleanApi) -> list[str]:
    """Name the datasources that may be ours; the test user sees each that we ever declared."""
    answer = await api.ask(replace(api.filters(), in_no_hurry=True))
    told = (
        each.datasource.lower().removeprefix(_PREFIX) for each in answer.read(FILTERS).datasources
    )
    return [each for each in told if _OUR_FORM.fullmatch(each)]


async def holding(api: GleanApi, datasource: str, origin: str) -> Holding | None:
    """Tell what a datasource under our mark holds; None for all others."""
    found = await api.configuration(datasource, in_no_hurry=True)
    mark = mark_of(found or {})
    dataset_id = dataset_at(mark, origin)
    if dataset_id is None:
        return None
    status = await api.status(datasource, in_no_hurry=True)
    return Holding(datasource, mark, dataset_id, status.indexed)
