"""The watch over connectors: behind all others, and of what they share asked once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidInput
from gateways.glean import PUBLISHED_LIMITS, GleanConnectors, GleanCredentials
from gateways.local.glean import FaultKind
from gateways.pace import LONGEST_SPARE_WAIT, RateLimit
from tests.gateways.foreign import (
    ADA,
    INDEXING_TOKEN,
    Glean,
    Time,
    a_connector,
    calling,
    the_credentials,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.requirement("R17", "R29")


@pytest.fixture
async def glean() -> Glean:
    opened = Glean()
    await opened.provision(a_connector(), 3)
    opened.requests.clear()
    return opened


def searches(glean: Glean) -> int:
    return glean.paths().count("/search")


async def test_a_sound_connector_is_watched_by_its_status(glean: Glean) -> None:
    probe = await glean.connectors.watch(a_connector(), thorough=False)

    assert (probe.connected, probe.authenticated, probe.is_made) == (True, True, True)
    assert glean.paths()[0] == f"/debug/{a_connector().datasource}/status"


async def test_the_client_token_is_tried_once_an_interval_for_all_connectors(glean: Glean) -> None:
    await asyncio.gather(*(glean.connectors.watch(a_connector(), thorough=False) for _ in range(9)))
    at_first = searches(glean)
    glean.time.now += timedelta(seconds=59)
    await glean.connectors.watch(a_connector(), thorough=False)
    within = searches(glean)
    glean.time.now += timedelta(seconds=1)
    await glean.connectors.watch(a_connector(), thorough=False)

    assert (at_first, within, searches(glean)) == (1, 1, 2)


async def test_the_search_that_all_share_is_of_no_single_connectors_documents(
    glean: Glean,
) -> None:
    await glean.connectors.watch(a_connector(), thorough=False)

    (asked,) = glean.bodies("/search")
    assert asked["requestOptions"] == {"facetBucketSize": 1}


async def test_the_time_a_shared_search_takes_is_not_that_of_the_connector(glean: Glean) -> None:
    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        await glean.time.sleep(4.9 if scope["path"].endswith("/search") else 0.2)
        await glean.app(scope, receive, send)

    connectors = GleanConnectors(calling(slowly), the_credentials(), glean.time.timing)

    probe = await connectors.watch(a_connector(), thorough=False)

    assert (probe.connected, probe.authenticated) == (True, True)
    assert probe.response_time_ms == pytest.approx(200)


async def test_a_clock_that_is_set_back_makes_no_answer_last_longer(glean: Glean) -> None:
    await glean.connectors.watch(a_connector(), thorough=False)
    glean.time.now -= timedelta(hours=1)

    await glean.connectors.watch(a_connector(), thorough=False)

    assert searches(glean) == 2


async def test_a_client_token_that_serves_no_more_is_found_by_the_watch() -> None:
    wrong = GleanCredentials(lambda: INDEXING_TOKEN, lambda: INDEXING_TOKEN, ADA)
    glean = Glean(credentials=wrong)
    await glean.provision(a_connector(), 3)

    probes = [await glean.connectors.watch(a_connector(), thorough=False) for _ in range(2)]

    assert [each.authenticated for each in probes] == [False, False]
    assert "/search" in probes[1].message
    assert searches(glean) == 1


async def test_a_search_that_breaks_is_a_failed_probe_for_all_who_share_it(glean: Glean) -> None:
    glean.faults.fail_next("/search", kind=FaultKind.LOST)

    probes = [await glean.connectors.watch(a_connector(), thorough=False) for _ in range(2)]

    assert [each.connected for each in probes] == [False, False]
    assert "did not answer" in probes[1].message
    assert searches(glean) == 1


async def test_an_incident_is_watched_by_a_search_of_its_own(glean: Glean) -> None:
    for _ in range(2):
        await glean.connectors.watch(a_connector(), thorough=True)

    assert searches(glean) == 2


async def test_where_no_search_is_to_spare_an_incident_shares_that_of_all() -> None:
    glean = Glean(limits=PUBLISHED_LIMITS)
    await glean.provision(a_connector(), 3)
    glean.requests.clear()
    at_once = [glean.connectors.watch(a_connector(), thorough=True) for _ in range(20)]

    probes = await asyncio.gather(*at_once)

    assert all(each.authenticated for each in probes)
    assert searches(glean) <= PUBLISHED_LIMITS.searches


async def test_a_status_that_glean_puts_off_says_nothing_of_the_connector(glean: Glean) -> None:
    glean.faults.fail_next("/status", status=429)

    probe = await glean.connectors.watch(a_connector(), thorough=False)

    assert not probe.is_made
    assert "answered 429" in probe.message


async def test_a_search_that_glean_puts_off_says_nothing_of_the_token(glean: Glean) -> None:
    glean.faults.fail_next("/search", status=429)

    probe = await glean.connectors.watch(a_connector(), thorough=True)

    assert (probe.connected, probe.authenticated, probe.is_made) == (True, True, True)


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_what_is_wrong_with_the_status_is_a_failed_probe(glean: Glean, status: int) -> None:
    glean.faults.fail_next("/status", status=status)

    probe = await glean.connectors.watch(a_connector(), thorough=False)

    assert probe.is_made
    assert not probe.authenticated


async def test_a_missing_token_is_a_probe_and_no_error() -> None:
    def missing() -> str:
        raise InvalidInput("The environment variable 'GLEAN' holds no secret.")

    glean = Glean(credentials=GleanCredentials(missing, missing, ADA))

    probe = await glean.connectors.watch(a_connector(), thorough=False)

    assert not probe.connected
    assert "holds no secret" in probe.message


# --- turns that are spared -----------------------------------------------------------------------


async def test_spare_turns_leave_a_third_of_all_to_others() -> None:
    time = Time()
    rate = RateLimit(30, 1.0, time.timing)

    for _ in range(20):
        await rate.spare_turn()
    has_more = rate.has_spare
    for _ in range(10):
        await rate.turn()

    assert not has_more
    assert time.slept == []


async def test_whoever_gives_way_waits_until_nobody_else_does() -> None:
    time = Time()
    rate = RateLimit(3, 1.0, time.timing)
    for _ in range(6):
        await rate.turn()
    began = time.monotonic()

    await rate.spare_turn()

    assert time.monotonic() - began == pytest.approx(1.0)


async def test_whoever_gives_way_is_served_in_the_end() -> None:
    time = Time()
    rate = RateLimit(1, 1.0, time.timing)
    turns = 0

    async def hurry() -> None:
        nonlocal turns
        while True:
            await rate.turn()
            turns += 1

    hurrying = asyncio.create_task(hurry())
    await asyncio.sleep(0)
    await rate.spare_turn()
    hurrying.cancel()

    assert 1 <= turns <= 3 * LONGEST_SPARE_WAIT


async def test_a_limit_of_one_spares_it() -> None:
    assert RateLimit(1, 1.0, Time().timing).has_spare
