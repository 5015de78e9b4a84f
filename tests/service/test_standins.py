"""Stand-ins: there is one for every foreign system without a URL, and its state lasts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from service.clocks import wall_clock
from service.settings import Settings
from service.standins import stand_ins
from tests.running import SMALL, running

ELSEWHERE = "https://elsewhere.example"


async def test_without_urls_everything_is_played(tmp_path: Path) -> None:
    local = stand_ins(Settings(data=tmp_path), wall_clock)

    async with local.opened():
        paths = [getattr(each, "path", None) for each in local.routes()]

    assert paths == ["/glean", "/mock-data", "/journeys"]


async def test_what_has_a_url_is_not_played(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, glean_url=ELSEWHERE, mock_data_url=ELSEWHERE, journeys_url=ELSEWHERE
    )
    local = stand_ins(settings, wall_clock)

    async with local.opened():
        routes = local.routes()

    assert routes == []
    assert not (tmp_path / "glean.db").exists()


async def test_the_local_gleans_token_lasts_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "new", journeys_url=ELSEWHERE, glean_url=ELSEWHERE)
    first = stand_ins(settings, wall_clock).indexing_token

    second = stand_ins(settings, wall_clock).indexing_token

    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "new" / "glean.token").stat().st_mode) == 0o600


async def test_each_installation_has_a_token_of_its_own(tmp_path: Path) -> None:
    here = Settings(data=tmp_path / "here", journeys_url=ELSEWHERE, glean_url=ELSEWHERE)
    there = Settings(data=tmp_path / "there", journeys_url=ELSEWHERE, glean_url=ELSEWHERE)

    assert stand_ins(here, wall_clock).client_token != stand_ins(there, wall_clock).client_token


async def test_the_local_glean_takes_the_configured_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_GLEAN", "the-token-of-ours")
    settings = {"glean_indexing_token": "secret://env/OUR_GLEAN"}
    async with running(tmp_path, **settings) as service:
        asked = await service.http.post(
            "/glean/api/index/v1/getdatasourceconfig",
            json={"datasource": "nothing"},
            headers={"Authorization": "Bearer the-token-of-ours"},
        )
        made = await service.call("lifecycle-coordinator", SMALL)

    assert asked.status_code == 400  # let in, and told that there is no such datasource
    assert made.state == "COMPLETED"
