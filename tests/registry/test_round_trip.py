"""Rows and aggregates: every value comes back exactly as it was written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from domain.archive import ArchiveReceipt, LegalHold
from domain.connector import ConnectorConfiguration
from domain.health import Health
from domain.journey import Client
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.quality import CheckType, DataQualityCheck, QualityScore, Severity
from domain.state import Content, Wish
from domain.teardown import Teardown
from domain.template import DatasetTemplate, Hop, MatchLevel, SampleQuery
from domain.trouble import Trouble
from registry.columns import UtcDateTime, Value
from tests.builders import (
    NOW,
    TENANT,
    a_client,
    a_dataset,
    a_dataset_in,
    a_template,
    find_template,
    postpone,
)
from tests.registry.databases import House, a_fresh_file, open_house

DIALECT = sqlite.dialect()

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - made aware here
    lambda each: each.replace(tzinfo=UTC)
)
spans = st.timedeltas(timedelta(0), timedelta(days=4000))
counts = st.integers(0, 2**52)
scores = st.fractions(0, 1)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(0, 1e9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
details = st.dictionaries(texts, plain, max_size=4)
queries = st.builds(SampleQuery, texts, texts)

checks = st.builds(
    DataQualityCheck, st.sampled_from(CheckType), st.booleans(), scores, details, moments
)

VALUES: Mapping[Any, st.SearchStrategy[Any]] = {
    Wish: st.builds(Wish, st.none() | counts, st.none() | texts, st.booleans(), st.none() | spans),
    tuple[Hop, ...]: st.tuples(
        st.builds(Hop, st.sampled_from(MatchLevel), st.tuples(texts), texts)
    ),
    Content: st.builds(
        Content, counts, counts, counts, texts, counts, st.lists(queries, max_size=3).map(tuple)
    ),
    QualityScore: st.builds(
        QualityScore,
        scores,
        st.lists(checks, max_size=4).map(tuple),
        st.booleans(),
        st.sampled_from(Severity),
        texts,
        st.tuples(texts),
    ),
    Trouble: st.builds(
        Trouble,
        st.sampled_from(DatasetStatus),
        texts,
        st.sampled_from(Severity),
        counts,
        st.none() | moments,
    ),
    Health: st.builds(
        Health,
        counts,
        counts,
        texts,
        st.none() | moments,
        st.none() | st.uuids(),
        st.none() | moments,
    ),
    Teardown: st.builds(
        Teardown,
        st.sampled_from(TeardownReason),
        moments,
        moments,
        counts,
        st.booleans(),
        st.none() | moments,
        st.sampled_from(TeardownStep),
        counts,
        st.none() | moments,
        texts,
    ),
    LegalHold: st.builds(LegalHold, texts, texts, moments),
    ArchiveReceipt: st.builds(ArchiveReceipt, texts, texts, counts, moments),
    Client: texts.map(lambda name: replace(a_client(), name=name)),
    ConnectorConfiguration: details.map(
        lambda settings: _connector_of(replace(a_template(), crawl_settings=settings))
    ),
    DatasetTemplate: st.builds(
        lambda schema, share: replace(
            a_template(), schema=schema, quality_expectations={"schema": share}
        ),
        details,
        st.floats(0, 1),
    ),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_a_value_survives_its_column(kind: Any, data: st.DataObject) -> None:
    column, value = Value[Any](kind), data.draw(VALUES[kind])

    back = _through(column, value)

    assert back == value


@given(moment=moments, hours=st.integers(-12, 12))
def test_a_moment_of_any_zone_comes_back_in_utc(moment: datetime, hours: int) -> None:
    local = moment.astimezone(timezone(timedelta(hours=hours)))

    back = _through(UtcDateTime(), local)

    assert back == moment
    assert back.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(ValueError, match="no time zone"):
        UtcDateTime().process_bind_param(naive, DIALECT)


def test_the_order_of_a_templates_fields_is_kept() -> None:
    template = a_template()

    back = _through(Value[DatasetTemplate](DatasetTemplate), template)

    assert back.counted_fields == ("title", "id", "body")
    assert back.digest == template.digest


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_dataset_survives_its_row(data: st.DataObject) -> None:
    dataset = a_dataset_in(DatasetStatus.FAILED)
    dataset.wish = data.draw(VALUES[Wish])
    dataset.health = data.draw(VALUES[Health])
    dataset.trouble = data.draw(st.none() | VALUES[Trouble])
    dataset.teardown = data.draw(st.none() | VALUES[Teardown])
    if dataset.quality is not None:
        dataset.quality = replace(dataset.quality, overall_score=data.draw(scores))
    dataset.is_hidden = data.draw(st.booleans())
    dataset.pursued_since = data.draw(st.none() | moments)
    dataset.busy_until = data.draw(st.none() | moments)
    dataset.hides_until = data.draw(st.none() | moments)
    dataset.retain_until = data.draw(st.none() | moments)
    dataset.legal_hold = data.draw(st.none() | VALUES[LegalHold])
    dataset.is_lock_owed = data.draw(st.booleans())

    back = asyncio.run(_kept(dataset))

    assert back == dataset


async def test_a_dataset_postponed_before_its_template_comes_back(house: House) -> None:
    dataset = a_dataset()
    postpone(dataset)

    kept = await house.keep(dataset)

    assert kept == dataset
    assert kept.template is None


async def test_another_process_builds_the_same_dataset(house: House, url: str) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))

    async with open_house(url) as other:
        seen = await other.registry.dataset(TENANT, dataset.place.dataset_id)

    assert seen == dataset


async def _kept(dataset: Any) -> Any:
    with TemporaryDirectory() as folder:
        async with open_house(a_fresh_file(Path(folder))) as house:
            return await house.keep(dataset)


def _connector_of(template: DatasetTemplate) -> ConnectorConfiguration | None:
    dataset = a_dataset()
    find_template(dataset, template)
    return dataset.connector


def _through(column: Any, value: Any) -> Any:
    """Write a value for SQLite and read it back, as the driver would."""
    write = column.bind_processor(DIALECT)
    read = column.result_processor(DIALECT, None)
    return read(write(value))
